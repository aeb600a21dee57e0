import { readFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../harness/root.ts';

const BYTES_A_SECOND = 32_000;

/** A recording as a WAV file of 16 bit and 16 kHz, one channel. */
export interface Sound {
	wav: Buffer<ArrayBuffer>;
	/** The samples alone. */
	pcm: Buffer;
	seconds: number;
}

const HEADER_BYTES = 44;

/** Two seconds of generated tones; nobody's voice. */
export const generatedSound = (): Sound => {
	const file = path.join(packageRoot(), 'sandbox', 'samples', 'phrase-16000-16bit.wav');
	const wav = Buffer.from(readFileSync(file));
	const pcm = wav.subarray(wav.indexOf('data') + 8);
	return { wav, pcm, seconds: pcm.length / BYTES_A_SECOND };
};

/** Silence as a WAV file of 16 bit. */
export const silentWav = (
	seconds: number,
	{ rate, channels }: { rate: number; channels: number },
): Buffer<ArrayBuffer> => {
	const bytesPerSecond = rate * channels * 2;
	const bytes = seconds * bytesPerSecond;
	const wav = Buffer.alloc(HEADER_BYTES + bytes);
	wav.write('RIFF', 0, 'latin1');
	wav.writeUInt32LE(HEADER_BYTES - 8 + bytes, 4);
	wav.write('WAVEfmt ', 8, 'latin1');
	wav.writeUInt32LE(16, 16);
	wav.writeUInt16LE(1, 20);
	wav.writeUInt16LE(channels, 22);
	wav.writeUInt32LE(rate, 24);
	wav.writeUInt32LE(bytesPerSecond, 28);
	wav.writeUInt16LE(channels * 2, 32);
	wav.writeUInt16LE(16, 34);
	wav.write('data', 36, 'latin1');
	wav.writeUInt32LE(bytes, 40);
	return wav;
};
