/** Recordings that SoX, the independent judge, made and converted; kept in `fixtures/`. */
import { keptContent } from './fixtures/kept.ts';
import { RECIPES, type WavKind } from './fixtures/recipes.ts';

/** A kept file as sox wrote it. */
export function recording(file: string): Buffer {
	const recipe = RECIPES.find((one) => one.file === file);
	if (recipe === undefined) throw new Error(`No recipe makes ${file}`);
	return keptContent(recipe);
}

/** The samples of a recording as sox converts them, without dither: mono, 16 bits. */
export function soxSamples({ samples, channels }: WavKind, channel: 'mix' | number): Int16Array {
	const interleaved = samplesOf(recording(samples));
	const column = channel === 'mix' ? 0 : channel + 1;
	return interleaved.filter((_, index) => index % (channels + 1) === column);
}

/** 16-bit little-endian samples as numbers. */
export function samplesOf(raw: Buffer): Int16Array {
	return Int16Array.from({ length: raw.length / 2 }, (_, index) => raw.readInt16LE(index * 2));
}

/** The largest difference of two recordings, or `Infinity` where their lengths differ. */
export function largestDifference(a: Int16Array, b: Int16Array): number {
	if (a.length !== b.length) return Infinity;
	return a.reduce((most, sample, index) => Math.max(most, Math.abs(sample - (b[index] ?? 0))), 0);
}
