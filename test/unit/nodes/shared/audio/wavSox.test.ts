import { Readable } from 'node:stream';

import { ByteReader } from '../../../../../nodes/shared/audio/byteReader.ts';
import type { ChannelChoice } from '../../../../../nodes/shared/audio/pcm.ts';
import { openWav } from '../../../../../nodes/shared/audio/wav.ts';
import {
	KIND_SAMPLE_RATE,
	KIND_SECONDS,
	ODD_SAMPLE_RATE,
	WAV_KINDS,
} from '../../../../fixtures/recipes.ts';
import { largestDifference, recording, samplesOf, soxSamples } from '../../../../recordings.ts';

async function read(wav: Buffer, channel: ChannelChoice) {
	// Pieces of a length that fits no frame, as they come from a network.
	const pieces: Buffer[] = [];
	for (let at = 0; at < wav.length; at += 997) pieces.push(wav.subarray(at, at + 997));
	const pcm = await openWav(new ByteReader(Readable.from(pieces)));
	const parts: Buffer[] = [];
	for (let part = await pcm.read(882, channel); part.length > 0; ) {
		parts.push(Buffer.from(part));
		part = await pcm.read(882, channel);
	}
	return { samples: samplesOf(Buffer.concat(parts)), pcm };
}

describe('WAV files made by sox', () => {
	it.each(WAV_KINDS)('$name', async (kind) => {
		const { channels } = kind;
		const wav = recording(kind.wav);
		const choices: ChannelChoice[] = ['mix', ...Array(channels).keys()];
		for (const choice of choices) {
			const expected = soxSamples(kind, choice);
			const { samples, pcm } = await read(wav, choice);
			expect(samples).toHaveLength(KIND_SECONDS * KIND_SAMPLE_RATE);
			// Rounding may differ where sox mixes or shortens; samples of up to 16 bits must be the same.
			const isExact = (channels === 1 || choice !== 'mix') && pcm.format.bytesPerSample <= 2;
			expect(largestDifference(samples, expected)).toBeLessThanOrEqual(isExact ? 0 : 1);
			expect(pcm.isTruncated).toBe(false);
			expect(pcm.format).toMatchObject({ channels, sampleRate: KIND_SAMPLE_RATE });
		}
	});

	it('mixes full-scale channels without clipping', async () => {
		const { samples, pcm } = await read(recording('loud.wav'), 'mix');
		expect(largestDifference(samples, samplesOf(recording('loud.raw')))).toBe(0);
		expect(pcm.format).toMatchObject({ channels: 2, sampleRate: ODD_SAMPLE_RATE });
	});

	it('reads what sox writes to a pipe, where the length in the header is wrong', async () => {
		const wav = recording('piped.wav');
		expect(wav.readUInt32LE(40)).toBeGreaterThan(0x7fff0000);
		const { samples, pcm } = await read(wav, 'mix');
		expect(samples).toEqual(samplesOf(wav.subarray(44)));
		expect(pcm.isTruncated).toBe(false);
	});

	it('are WAVE_FORMAT_EXTENSIBLE where there are more than two channels', () => {
		const six = WAV_KINDS.filter(({ channels }) => channels === 6);
		const formats = six.map(({ wav }) => recording(wav).readUInt16LE(20));
		expect(formats).toContain(0xfffe);
	});
});
