import { FLACDecoder } from '@wasm-audio-decoders/flac';
import { OggVorbisDecoder } from '@wasm-audio-decoders/ogg-vorbis';
import { MPEGDecoder } from 'mpg123-decoder';
import { OggOpusDecoder } from 'ogg-opus-decoder';

export interface Decoded {
	/** The first channel, -1 to 1. */
	samples: Float32Array;
	/** In Hz. */
	sampleRate: number;
	/** What the decoder complained about. */
	complaints: string[];
}

interface WasmDecoder {
	ready: Promise<void>;
	free: () => void;
}

interface WasmResult {
	channelData: Float32Array[];
	sampleRate: number;
	errors: Array<{ message: string }>;
}

async function decodeBy<Decoder extends WasmDecoder>(
	decoder: Decoder,
	decode: (decoder: Decoder) => Promise<WasmResult>,
): Promise<Decoded> {
	await decoder.ready;
	const { channelData, sampleRate, errors } = await decode(decoder);
	decoder.free();
	return {
		samples: channelData[0] ?? new Float32Array(),
		sampleRate,
		complaints: errors.map(({ message }) => message),
	};
}

/** Decodes a whole MP3, FLAC or Ogg file (Opus or Vorbis) by its well-known decoder. */
export async function decodeCompressed(
	content: Buffer,
	format: 'mp3' | 'flac' | 'ogg',
): Promise<Decoded> {
	switch (format) {
		case 'mp3':
			return await decodeBy(new MPEGDecoder(), (it) => Promise.resolve(it.decode(content)));
		case 'flac':
			return await decodeBy(new FLACDecoder(), (it) => it.decodeFile(content));
		default:
			return content.includes('OpusHead')
				? await decodeBy(new OggOpusDecoder(), (it) => it.decodeFile(content))
				: await decodeBy(new OggVorbisDecoder(), (it) => it.decodeFile(content));
	}
}
