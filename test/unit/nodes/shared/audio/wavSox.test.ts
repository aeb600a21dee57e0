import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';

import { ByteReader } from '../../../../../nodes/shared/audio/byteReader.ts';
import type { ChannelChoice } from '../../../../../nodes/shared/audio/pcm.ts';
import { openWav } from '../../../../../nodes/shared/audio/wav.ts';
import {
	WAV_KINDS,
	largestDifference,
	makeWav,
	samplesOf,
	sox,
	soxSamples,
} from '../../../../sox.ts';

const RATE = 11_025;

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
	let folder: string;
	beforeAll(() => {
		folder = mkdtempSync(join(tmpdir(), 'wav-'));
	});
	afterAll(() => rmSync(folder, { recursive: true }));

	it.each(WAV_KINDS)('$name', async (kind) => {
		const { channels } = kind;
		const wav = makeWav(join(folder, 'kind.wav'), kind, RATE, 0.73);
		const choices: ChannelChoice[] = ['mix', ...Array(channels).keys()];
		for (const choice of choices) {
			const expected = soxSamples(wav, choice);
			const { samples, pcm } = await read(wav, choice);
			expect(samples).toHaveLength(Math.round(0.73 * RATE));
			// Rounding may differ where sox mixes or shortens; samples of up to 16 bits must be the same.
			const isExact = (channels === 1 || choice !== 'mix') && pcm.format.bytesPerSample <= 2;
			expect(largestDifference(samples, expected)).toBeLessThanOrEqual(isExact ? 0 : 1);
			expect(pcm.isTruncated).toBe(false);
			expect(pcm.format).toMatchObject({ channels, sampleRate: RATE });
		}
	});

	it('mixes full-scale channels without clipping', async () => {
		const path = join(folder, 'loud.wav');
		sox([
			'-D',
			'-n',
			'-r',
			String(RATE),
			'-b',
			'16',
			'-c',
			'2',
			path,
			'synth',
			'0.2',
			'square',
			'300',
		]);
		const wav = readFileSync(path);
		const { samples } = await read(wav, 'mix');
		expect(largestDifference(samples, soxSamples(wav, 0))).toBe(0);
	});

	it('reads what sox writes to a pipe, where the length in the header is wrong', async () => {
		const args = ['-n', '-r', String(RATE), '-b', '16', '-t', 'wav', '-'];
		const wav = sox([...args, 'synth', '0.5', 'whitenoise']);
		expect(wav.readUInt32LE(40)).toBeGreaterThan(0x7fff0000);
		const { samples, pcm } = await read(wav, 'mix');
		expect(samples).toEqual(samplesOf(wav.subarray(44)));
		expect(pcm.isTruncated).toBe(false);
	});

	it('are WAVE_FORMAT_EXTENSIBLE where there are more than two channels', () => {
		const six = WAV_KINDS.filter(({ channels }) => channels === 6);
		const formats = six.map((kind) =>
			makeWav(join(folder, 'extensible.wav'), kind, RATE, 0.1).readUInt16LE(20),
		);
		expect(formats).toContain(0xfffe);
	});
});
