/** Decodes recordings by programs that know nothing of this one, and hears the digits in them. */
import { WaveFile } from 'wavefile';

import { decodeCompressed, type Decoded } from '../sandbox/hearing/decode.ts';
import { DtmfListener, type HeardWord } from '../sandbox/hearing/dtmf.ts';

/** @param extension of the file, which tells the decoder to use */
export async function decode(content: Buffer, extension: string): Promise<Decoded> {
	switch (extension) {
		case 'wav': {
			const wav = new WaveFile(content);
			wav.toBitDepth('32f');
			const { sampleRate } = wav.fmt as { sampleRate: number };
			const channels: unknown = wav.getSamples(false, Float32Array);
			const first: unknown = Array.isArray(channels) ? channels[0] : channels;
			const samples = first instanceof Float32Array ? first : new Float32Array();
			return { samples, sampleRate, complaints: [] };
		}
		case 'mp3':
		case 'flac':
			return await decodeCompressed(content, extension);
		default:
			return await decodeCompressed(content, 'ogg');
	}
}

export function hearDigits({ samples, sampleRate }: Decoded): HeardWord[] {
	const listener = new DtmfListener(sampleRate);
	return [...listener.push(samples), ...listener.end()];
}
