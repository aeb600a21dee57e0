/** Decodes recordings by programs that know nothing of this one, and hears the digits in them. */
import { FLACDecoder } from '@wasm-audio-decoders/flac';
import { OggVorbisDecoder } from '@wasm-audio-decoders/ogg-vorbis';
import { MPEGDecoder } from 'mpg123-decoder';
import { OggOpusDecoder } from 'ogg-opus-decoder';
import { WaveFile } from 'wavefile';

import { DtmfListener, type HeardWord } from '../sandbox/hearing/dtmf.ts';

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

const isOpus = (content: Buffer) => content.includes('OpusHead');

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
			return await decodeBy(new MPEGDecoder(), (it) => Promise.resolve(it.decode(content)));
		case 'flac':
			return await decodeBy(new FLACDecoder(), (it) => it.decodeFile(content));
		default:
			return isOpus(content)
				? await decodeBy(new OggOpusDecoder(), (it) => it.decodeFile(content))
				: await decodeBy(new OggVorbisDecoder(), (it) => it.decodeFile(content));
	}
}

export function hearDigits({ samples, sampleRate }: Decoded): HeardWord[] {
	const listener = new DtmfListener(sampleRate);
	return [...listener.push(samples), ...listener.end()];
}
