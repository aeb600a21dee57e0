import { createHash } from 'node:crypto';

import {
	ALL_FORMATS,
	BufferSource,
	BufferTarget,
	EncodedAudioPacketSource,
	EncodedPacketSink,
	Input,
	OggOutputFormat,
	Output,
	type InputAudioTrack,
} from 'mediabunny';

import { decodeCompressed } from './decode.ts';
import { DtmfListener, type HeardWord } from './dtmf.ts';
import { hearWav, type HeardAudio } from './wav.ts';

/** The formats that are heard, by the bytes that their files have at an offset. */
const FORMATS = [
	{ format: 'wav', magic: 'RIFF', at: 0 },
	{ format: 'mp3', magic: 'ID3', at: 0 },
	{ format: 'mp3', magic: '\u00ff\u00fb', at: 0 },
	{ format: 'mp3', magic: '\u00ff\u00fa', at: 0 },
	{ format: 'mp3', magic: '\u00ff\u00f3', at: 0 },
	{ format: 'mp3', magic: '\u00ff\u00f2', at: 0 },
	{ format: 'mp3', magic: '\u00ff\u00e3', at: 0 },
	{ format: 'ogg', magic: 'OggS', at: 0 },
	{ format: 'flac', magic: 'fLaC', at: 0 },
	{ format: 'webm', magic: '\u001a\u0045\u00df\u00a3', at: 0 },
	{ format: 'mp4', magic: 'ftyp', at: 4 },
] as const;

export type HeardFormat = (typeof FORMATS)[number]['format'];

/** What of the formats that can be heard a file is. */
export function heardFormatOf(bytes: Buffer): HeardFormat | undefined {
	const start = bytes.toString('latin1', 0, 16);
	return FORMATS.find(({ magic, at }) => start.startsWith(magic, at))?.format;
}

/**
 * Hears the DTMF keys in a recording. Of AAC and ALAC, which nothing here decodes, a word is a run of
 * packets that hold more than silence does, named by its largest packet: the same sound has the same
 * name in every file that holds it undecoded.
 *
 * @returns `undefined` for what is of no format that can be heard
 * @throws Error where the bytes cannot be decoded
 */
export async function hearRecording(bytes: Buffer): Promise<HeardAudio | undefined> {
	const format = heardFormatOf(bytes);
	switch (format) {
		case undefined:
			return undefined;
		case 'wav':
			return hearWav(bytes);
		case 'webm':
		case 'mp4':
			return await hearTrack(bytes);
		default:
			return await hearCompressed(bytes, format);
	}
}

async function hearCompressed(bytes: Buffer, format: 'mp3' | 'flac' | 'ogg'): Promise<HeardAudio> {
	const { samples, sampleRate, complaints } = await decodeCompressed(bytes, format);
	if (complaints.length > 0) throw new Error(complaints.join('; '));
	if (samples.length === 0) throw new Error('it holds no sound');
	const listener = new DtmfListener(sampleRate);
	return {
		duration: samples.length / sampleRate,
		channels: [[...listener.push(samples), ...listener.end()]],
	};
}

async function hearTrack(bytes: Buffer): Promise<HeardAudio> {
	const input = new Input({ source: new BufferSource(bytes), formats: ALL_FORMATS });
	const track = await input.getPrimaryAudioTrack();
	if (!track) throw new Error('it has no sound track');
	const codec = await track.getCodec();
	if (codec !== 'opus' && codec !== 'vorbis') return await hearPackets(track);
	const heard = await hearCompressed(await inOgg(track, codec), 'ogg');
	return { ...heard, duration: await track.computeDuration() };
}

/** The same packets in a container that the decoder reads. */
async function inOgg(track: InputAudioTrack, codec: 'opus' | 'vorbis'): Promise<Buffer> {
	const target = new BufferTarget();
	const output = new Output({ format: new OggOutputFormat(), target });
	const source = new EncodedAudioPacketSource(codec);
	output.addAudioTrack(source);
	await output.start();
	const decoderConfig = (await track.getDecoderConfig()) ?? undefined;
	for await (const packet of new EncodedPacketSink(track).packets()) {
		await source.add(packet, { decoderConfig });
	}
	await output.finalize();
	return Buffer.from(target.buffer ?? new ArrayBuffer(0));
}

const LEAST_LOUD_BYTES = 100;

interface TimedPacket {
	data: Uint8Array;
	timestamp: number;
	duration: number;
}

async function hearPackets(track: InputAudioTrack): Promise<HeardAudio> {
	const words: HeardWord[] = [];
	let run: TimedPacket[] = [];
	let duration = 0;
	const endRun = () => {
		if (run.length > 0) words.push(wordOf(run));
		run = [];
	};
	for await (const packet of new EncodedPacketSink(track).packets()) {
		duration = packet.timestamp + packet.duration;
		if (packet.data.length >= LEAST_LOUD_BYTES) run.push(packet);
		else endRun();
	}
	endRun();
	return { duration, channels: [words] };
}

function wordOf(run: readonly TimedPacket[]): HeardWord {
	const largest = run.reduce((a, b) => (b.data.length > a.data.length ? b : a));
	const last = run.at(-1) ?? largest;
	const hash = createHash('sha256').update(largest.data).digest('hex');
	return {
		text: `sound${hash.slice(0, 8)}`,
		start: Math.max(0, run[0]?.timestamp ?? 0),
		end: last.timestamp + last.duration,
		level: 0.3,
		purity: 1,
	};
}
