/** Decodes recordings by programs that know nothing of this one, and hears the digits in them. */
import { decodeCompressed, type Decoded } from '../sandbox/hearing/decode.ts';
import { decodeWav } from '../sandbox/hearing/decodeWav.ts';
import { DtmfListener, type HeardWord } from '../sandbox/hearing/dtmf.ts';

/** @param extension of the file, which tells the decoder to use */
export async function decode(content: Buffer, extension: string): Promise<Decoded> {
	switch (extension) {
		case 'wav': {
			const { sampleRate, frameCount, read } = decodeWav(content);
			const samples = Float32Array.from(read(0, frameCount)[0] ?? []);
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
