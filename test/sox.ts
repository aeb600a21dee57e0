/** SoX, the independent judge of what is in a recording. */
import { spawnSync } from 'node:child_process';

/** Runs sox; what it writes to its standard output. */
export function sox(args: string[], input?: Buffer): Buffer {
	const { stdout, stderr, status, error } = spawnSync('sox', ['-V1', ...args], {
		input,
		maxBuffer: 1 << 30,
	});
	if (error) throw error;
	if (status !== 0) throw new Error(`sox ${args.join(' ')}: ${stderr.toString()}`);
	return stdout;
}

export interface WavKind {
	name: string;
	/** What makes sox write it. */
	args: string[];
	channels: number;
}

const ENCODINGS: Record<string, string[]> = {
	'8-bit PCM': ['-b', '8', '-e', 'unsigned-integer'],
	'16-bit PCM': ['-b', '16', '-e', 'signed-integer'],
	'24-bit PCM': ['-b', '24', '-e', 'signed-integer'],
	'32-bit PCM': ['-b', '32', '-e', 'signed-integer'],
	'32-bit float': ['-b', '32', '-e', 'floating-point'],
	'64-bit float': ['-b', '64', '-e', 'floating-point'],
	'A-law': ['-e', 'a-law'],
	'mu-law': ['-e', 'mu-law'],
};

/** Every encoding with one, two and six channels. */
export const WAV_KINDS: WavKind[] = Object.entries(ENCODINGS).flatMap(([encoding, args]) =>
	[1, 2, 6].map((channels) => ({
		name: `${encoding}, ${channels} ${channels === 1 ? 'channel' : 'channels'}`,
		args: [...args, '-c', String(channels)],
		channels,
	})),
);

/** The samples of a recording as sox converts them, without dither: mono, 16 bits, little-endian. */
export function soxSamples(wav: Buffer, channel: 'mix' | number): Int16Array {
	const raw = sox(
		[
			...['-D', '-t', 'wav', '-', '-t', 'raw', '-e', 'signed-integer', '-b', '16', '-L', '-'],
			...['remix', channel === 'mix' ? '-' : String(channel + 1)],
		],
		wav,
	);
	return samplesOf(raw);
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
