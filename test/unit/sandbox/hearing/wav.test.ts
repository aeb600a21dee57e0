import fc from 'fast-check';
import * as wavefile from 'wavefile';

import { decodeWav } from '../../../../sandbox/hearing/decodeWav.ts';
import { encodeWav, type BitDepth } from '../../../../sandbox/hearing/encodeWav.ts';
import { makeDtmfWav } from '../../../../sandbox/hearing/tones.ts';
import { hearWav, phrasesOf } from '../../../../sandbox/hearing/wav.ts';

const RATES = [8_000, 11_025, 16_000, 22_050, 44_100, 48_000];
const DEPTHS: BitDepth[] = ['8', '16', '24', '32', '32f', '64'];
const KEYS = '1234567890*#ABCD';
const NAMES =
	'one two three four five six seven eight nine zero star pound alpha bravo charlie delta';

/** What a sample of 1 is in the library's numbers. */
const FULL_SCALE: Record<BitDepth, number> = {
	'8': 2 ** 7,
	'16': 2 ** 15,
	'24': 2 ** 23,
	'32': 2 ** 31,
	'32f': 1,
	'64': 1,
};

const textOf = (words: Array<{ text: string }> | undefined) =>
	(words ?? []).map(({ text }) => text).join(' ');

describe('hearWav', () => {
	it.each(RATES.flatMap((rate) => DEPTHS.map((depth) => [rate, depth] as const)))(
		'hears every key at %i Hz with %s bits',
		(sampleRate, bitDepth) => {
			const wav = makeDtmfWav({ sampleRate, bitDepth, channels: [[{ keys: KEYS }]] });
			const { channels } = hearWav(wav);
			expect(channels.map(textOf)).toEqual([NAMES]);
		},
	);

	it('tells when each key sounded, to a hundredth of a second, also late in a long file', () => {
		for (const sampleRate of [8_000, 11_025, 22_050]) {
			const starts = [0.1037, 0.5, 61.2345];
			const wav = makeDtmfWav({
				sampleRate,
				channels: [starts.map((start) => ({ keys: '5', start }))],
				duration: 62,
			});
			const heard = hearWav(wav);
			expect(heard.duration).toBeCloseTo(62, 3);
			const words = heard.channels[0] ?? [];
			expect(words).toHaveLength(starts.length);
			for (const [index, { start, end }] of words.entries()) {
				expect(Math.abs(start - (starts[index] ?? NaN))).toBeLessThan(0.01);
				expect(Math.abs(end - start - 0.12)).toBeLessThan(0.015);
			}
		}
	});

	it('keeps the channels of a recording apart', () => {
		const { channels } = hearWav(
			makeDtmfWav({ channels: [[{ keys: '12' }], [{ keys: '345', start: 0.15 }]] }),
		);
		expect(channels.map(textOf)).toEqual(['one two', 'three four five']);
	});

	it('hears loudness', () => {
		const [words = []] = hearWav(
			makeDtmfWav({
				channels: [
					[
						{ keys: '1', level: 0.4 },
						{ keys: '1', level: 0.1 },
					],
				],
			}),
		).channels;
		const [loud, quiet] = words;
		expect((loud?.level ?? 0) / (quiet?.level ?? 1)).toBeCloseTo(4, 1);
	});

	it('is less sure of a key in noise, and hears none in noise alone or in silence', () => {
		let seed = 1;
		const noise = () => {
			seed = (seed * 48_271) % 0x7fff_ffff;
			return seed / 0x7fff_ffff - 0.5;
		};
		const wavOf = (sound: (index: number) => number) => {
			const samples = Float64Array.from({ length: 16_000 }, (_, index) => sound(index));
			return hearWav(encodeWav([samples], 16_000, '32f')).channels[0] ?? [];
		};
		const key = (index: number) =>
			0.3 *
			(Math.sin((2 * Math.PI * 770 * index) / 16_000) +
				Math.sin((2 * Math.PI * 1336 * index) / 16_000));
		const [clean] = wavOf(key);
		const [noisy] = wavOf((index) => key(index) + 0.5 * noise());
		expect(clean?.text).toBe('five');
		expect(noisy?.text).toBe('five');
		expect(noisy?.purity).toBeLessThan((clean?.purity ?? 0) - 0.02);
		expect(wavOf(noise)).toEqual([]);
		expect(wavOf(() => 0)).toEqual([]);
	});

	const wav = makeDtmfWav({ channels: [[{ keys: '123' }]] });
	const dataAt = wav.indexOf('data');

	it('passes over other chunks, odd ones too', () => {
		const note = Buffer.from('note\u0003\u0000\u0000\u0000abc\u0000', 'latin1');
		const withNote = Buffer.concat([wav.subarray(0, 12), note, wav.subarray(12)]);
		expect(hearWav(withNote)).toEqual(hearWav(wav));
	});

	it.each([0, 0xffff_ffff])('goes to the end where the length is the placeholder %i', (length) => {
		const streamed = Buffer.from(wav);
		streamed.writeUInt32LE(length, dataAt + 4);
		expect(hearWav(streamed)).toEqual(hearWav(wav));
	});

	it('hears what there is of a file that was cut off', () => {
		const [words] = hearWav(wav.subarray(0, dataAt + 8 + 2 * 16_000 * 0.4)).channels;
		expect(textOf(words)).toBe('one two');
	});

	it.each([
		['no RIFF file', Buffer.from('ID3 and then some more bytes')],
		['a file without data', wav.subarray(0, dataAt)],
		['an empty file', Buffer.alloc(0)],
		['8-bit a-law', Buffer.from(wav).fill(6, 20, 21)],
	])('refuses %s', (_, bytes) => {
		expect(() => hearWav(bytes)).toThrow(/it (does not begin|has no)|not PCM/);
	});

	it('hears other words when bytes are swapped, dropped or of another rate', () => {
		const swapped = Buffer.concat([
			wav.subarray(0, dataAt + 8),
			Buffer.from(wav.subarray(dataAt + 8)).swap16(),
		]);
		const shifted = Buffer.concat([wav.subarray(0, dataAt + 8), wav.subarray(dataAt + 9)]);
		const faster = Buffer.from(wav);
		faster.writeUInt32LE(24_000, 24);
		for (const broken of [swapped, shifted, faster]) {
			expect(textOf(hearWav(broken).channels[0])).not.toBe('one two three');
		}
	});

	it('hears a minute of audio in a fraction of a second', () => {
		const minute = makeDtmfWav({ sampleRate: 8_000, channels: [[{ keys: '1' }]], duration: 60 });
		const begun = performance.now();
		hearWav(minute);
		expect(performance.now() - begun).toBeLessThan(15_000);
	});
});

describe('phrasesOf', () => {
	it('ends a phrase at a pause of more than 0.6 s', () => {
		const { channels } = hearWav(makeDtmfWav({ channels: [[{ keys: '12 3' }]] }));
		expect(phrasesOf(channels[0] ?? []).map(textOf)).toEqual(['one two', 'three']);
	});
});

describe('encodeWav and decodeWav', () => {
	const recordings = fc
		.record({
			depth: fc.constantFrom(...DEPTHS),
			rate: fc.constantFrom(...RATES),
			channelCount: fc.integer({ min: 1, max: 3 }),
			// Even, since the library takes the padding of an odd chunk for a sample.
			length: fc.integer({ min: 1, max: 10 }).map((half) => half * 2),
		})
		.chain(({ channelCount, length, ...rest }) =>
			fc
				.array(
					fc.float64Array({ min: -1, max: 1, noNaN: true, minLength: length, maxLength: length }),
					{
						minLength: channelCount,
						maxLength: channelCount,
					},
				)
				.map((channels) => ({ ...rest, channels, length })),
		);

	it('read and write as the library wavefile does', () => {
		fc.assert(
			fc.property(recordings, ({ depth, rate, channels, length }) => {
				const ours = encodeWav(channels, rate, depth);
				const library = new wavefile.WaveFile(ours);
				expect(library).toMatchObject({
					bitDepth: depth,
					fmt: { sampleRate: rate, numChannels: channels.length },
				});
				const interleaved: unknown = library.getSamples(true, Float64Array);
				const theirs = Buffer.from(library.toBuffer());
				for (const file of [ours, theirs]) {
					const audio = decodeWav(file);
					expect(audio).toMatchObject({
						sampleRate: rate,
						channelCount: channels.length,
						frameCount: length,
					});
					const decoded = audio.read(0, length);
					for (const [index, value] of (interleaved as Float64Array).entries()) {
						const channel = index % channels.length;
						const frame = Math.floor(index / channels.length);
						const sample = decoded[channel]?.[frame] ?? NaN;
						const middle = depth === '8' ? 0x80 : 0;
						expect(sample).toBeCloseTo((value - middle) / FULL_SCALE[depth], 9);
						const step =
							1 / Math.min(FULL_SCALE[depth] === 1 ? 2 ** 23 : FULL_SCALE[depth], 2 ** 23);
						expect(Math.abs(sample - (channels[channel]?.[frame] ?? NaN))).toBeLessThanOrEqual(
							step,
						);
					}
				}
			}),
		);
	});

	it('reads any part of a recording', () => {
		const samples = Float64Array.from({ length: 10 }, (_, index) => index / 16);
		const { read } = decodeWav(encodeWav([samples], 8_000, '16'));
		expect([...(read(3, 4)[0] ?? [])]).toEqual([3, 4, 5, 6].map((index) => index / 16));
		expect(read(8, 4)[0]).toHaveLength(2);
		expect(read(10, 4)[0]).toHaveLength(0);
	});
});
