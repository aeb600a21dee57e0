import fc from 'fast-check';

import { Resampler, type SampleSource } from '../../../../../nodes/shared/audio/resample.ts';

const SECONDS = 0.5;
const AMPLITUDE = 20_000;

/** A tone; at most 700 samples come at once, so that its pieces and those asked for do not match. */
function tone(rate: number, hertz: number, phase = 0): SampleSource {
	const total = Math.floor(rate * SECONDS);
	let at = 0;
	return {
		read: async (samples) => {
			const count = Math.min(samples, 700, total - at);
			const bytes = Buffer.alloc(count * 2);
			for (let index = 0; index < count; index++) {
				const value = AMPLITUDE * Math.sin((2 * Math.PI * hertz * (at + index)) / rate + phase);
				bytes.writeInt16LE(Math.round(value), index * 2);
			}
			at += count;
			return await Promise.resolve(bytes);
		},
		skip: async (samples) => {
			const count = Math.min(samples, total - at);
			at += count;
			return await Promise.resolve(count);
		},
	};
}

async function all(source: SampleSource, piece: () => number): Promise<number[]> {
	const values: number[] = [];
	for (;;) {
		const bytes = await source.read(piece(), 'mix');
		if (bytes.length === 0) return values;
		for (let at = 0; at < bytes.length; at += 2) values.push(bytes.readInt16LE(at));
	}
}

const TO = 16_000;
/** Away from the ends, where there is nothing on one side of a sample. */
const inner = (values: number[]) => values.slice(800, -800);
const loudest = (values: number[]) => Math.max(...values.map(Math.abs));

describe('Resampler', () => {
	it.each([11_025, 12_000, 22_050, 32_000, 37_800, 50_000, 88_200, 96_000, 192_000])(
		'makes of a tone at %d Hz the same tone at 16000 Hz',
		async (from) => {
			const values = await all(new Resampler(tone(from, 1_000, 0.3), from, TO), () => 1_280);
			expect(values).toHaveLength(Math.ceil((Math.floor(from * SECONDS) * TO) / from));
			const differences = values.map(
				(value, index) => value - AMPLITUDE * Math.sin((2 * Math.PI * 1_000 * index) / TO + 0.3),
			);
			// 60 dB below the tone.
			expect(loudest(inner(differences))).toBeLessThan(AMPLITUDE / 1_000);
		},
	);

	it.each([32_000, 96_000])('keeps what 16000 Hz cannot hold out of it, at %d Hz', async (from) => {
		// Unfiltered, a tone of 11 kHz would be heard as one of 5 kHz.
		const values = await all(new Resampler(tone(from, 11_000), from, TO), () => 1_280);
		expect(loudest(inner(values))).toBeLessThan(AMPLITUDE / 1_000);
	});

	it('does not depend on the pieces that are asked for', async () => {
		const whole = await all(new Resampler(tone(22_050, 700), 22_050, TO), () => 100_000);
		await fc.assert(
			fc.asyncProperty(fc.infiniteStream(fc.integer({ min: 1, max: 4_000 })), async (sizes) => {
				const piece = () => sizes.next().value as number;
				expect(await all(new Resampler(tone(22_050, 700), 22_050, TO), piece)).toEqual(whole);
			}),
			{ numRuns: 5 },
		);
	});

	it('goes on after a skip as if everything before had been read', async () => {
		const whole = await all(new Resampler(tone(22_050, 700), 22_050, TO), () => 1_000);
		for (const skipped of [1, 10, 999, 5_000, 7_990]) {
			const resampler = new Resampler(tone(22_050, 700), 22_050, TO);
			expect(await resampler.skip(skipped)).toBe(skipped);
			expect(await all(resampler, () => 1_000)).toEqual(whole.slice(skipped));
		}
	});

	it('skips no more than there is', async () => {
		const resampler = new Resampler(tone(22_050, 700), 22_050, TO);
		expect(await resampler.skip(9_000)).toBe(TO * SECONDS);
		expect(await all(resampler, () => 100)).toEqual([]);
	});
});
