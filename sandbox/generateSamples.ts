import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { BitDepth } from './hearing/encodeWav.ts';
import { makeDtmfWav } from './hearing/tones.ts';

/** Makes the recordings in `sandbox/samples`: DTMF keys, which the sandbox hears as words. */
const folder = join(import.meta.dirname, 'samples');
await mkdir(folder, { recursive: true });

const phrases: Array<[sampleRate: number, bitDepth: BitDepth]> = [
	[8_000, '8'],
	[16_000, '16'],
	[44_100, '24'],
	[48_000, '32'],
];
for (const [sampleRate, bitDepth] of phrases) {
	const name = `phrase-${sampleRate}-${bitDepth}bit.wav`;
	const wav = makeDtmfWav({ sampleRate, bitDepth, channels: [[{ keys: '123 456' }]] });
	await writeFile(join(folder, name), wav);
}

const agent = [
	{ keys: '123', start: 0.2 },
	{ keys: '789', start: 3.2 },
];
const customer = [
	{ keys: '4567', start: 1.6 },
	{ keys: '0', start: 4.6 },
];
await writeFile(
	join(folder, 'call-stereo.wav'),
	makeDtmfWav({ sampleRate: 8_000, channels: [agent, customer] }),
);
await writeFile(
	join(folder, 'dialogue-mono.wav'),
	makeDtmfWav({
		channels: [
			[
				{ keys: '123', start: 0.2, level: 0.4 },
				{ keys: '4567', start: 1.6, level: 0.1 },
				{ keys: '789', start: 3.2, level: 0.4 },
			],
		],
	}),
);
