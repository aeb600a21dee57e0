import { aacConfigBytes } from '../aac';
import type { Packet, PartFile } from '../container';
import { byteRateLoudness } from '../loudness';
import { describeAac, describeAlac, type SoundDescription } from '../mp4/soundDescription';
import { sizeOfM4a, writeM4a } from '../mp4/write';
import type { TrackEntry } from './track';
import { sizeOfWebm, writeWebm } from './write';

/** What becomes of a codec's packets. */
export interface MatroskaCodec {
	name: string;
	warmUp: number;
	/** Whether a packet gives sound only together with the one behind it, as overlapping halves. */
	isOverlapped: boolean;
	/** Of a packet, where it says so; else its time is that of its block. */
	secondsOf(packet: Buffer): number | undefined;
	loudness(packet: Buffer, seconds: number): number | undefined;
	sizeOf(packets: number, bytes: number): number;
	write(packets: readonly Packet[]): PartFile;
}

export type CodecOrRefusal = { codec: MatroskaCodec } | { refusal: string };

const OPUS_RATE = 48_000;
/** What a decoder of Opus takes to settle (RFC 7845, 4.6). */
const OPUS_WARM_UP = 0.08;
const OPUS_HEADER_BYTES = 19;
/** Identification, comment and setup header, and the lacing before them. */
const VORBIS_MIN_BYTES = 36;

const OTHER_CODECS: ReadonlyArray<readonly [id: string, name: string]> = [
	['A_MPEG/L3', 'MP3'],
	['A_MPEG/L2', 'MPEG layer 2'],
	['A_MPEG/L1', 'MPEG layer 1'],
	['A_FLAC', 'FLAC'],
	['A_PCM/', 'PCM'],
	['A_AC3', 'AC-3'],
	['A_EAC3', 'E-AC-3'],
	['A_DTS', 'DTS'],
	['A_TRUEHD', 'Dolby TrueHD'],
	['A_MLP', 'MLP'],
	['A_WAVPACK4', 'WavPack'],
	['A_TTA1', 'True Audio'],
	['A_REAL', 'RealAudio'],
	['A_MS/ACM', 'sound of an AVI file'],
	['A_QUICKTIME', 'sound of a QuickTime file'],
];

/** Chooses by `CodecID` (RFC 9559, 27). Opus and Vorbis stay in WebM, AAC and ALAC become M4A. */
export function codecOf(track: TrackEntry): CodecOrRefusal {
	const { codecId, codecPrivate } = track;
	if (codecId === 'A_OPUS') return opus(track);
	if (codecId === 'A_VORBIS') return vorbis(track);
	if (codecId === 'A_ALAC') return inM4a(describeAlac(codecPrivate));
	if (codecId.startsWith('A_AAC')) return aac(track);
	const [, name] = OTHER_CODECS.find(([id]) => codecId.startsWith(id)) ?? [];
	const printable = `'${codecId.replace(/[^\x20-\x7e]/g, '?')}'`;
	return { refusal: `its sound is ${name ?? printable}, which cannot be cut out of it` };
}

function opus(track: TrackEntry): CodecOrRefusal {
	const header = track.codecPrivate;
	if (header.length < OPUS_HEADER_BYTES || header.toString('latin1', 0, 8) !== 'OpusHead') {
		return { refusal: 'it does not say how its Opus is to be decoded' };
	}
	return inWebm('Opus', OPUS_WARM_UP, track, (packet) => opusSamples(packet) / OPUS_RATE);
}

function vorbis(track: TrackEntry): CodecOrRefusal {
	const headers = track.codecPrivate;
	const blockSizes = headers[headers.indexOf('\u0001vorbis', 0, 'latin1') + 28] ?? 0;
	const isValid = headers[0] === 2 && headers.length > VORBIS_MIN_BYTES && track.sampleRate > 0;
	if (!isValid || blockSizes >> 4 > 13) {
		return { refusal: 'it does not say how its Vorbis is to be decoded' };
	}
	const longBlock = 2 ** (blockSizes >> 4);
	return inWebm('Vorbis', longBlock / track.sampleRate, track, () => undefined);
}

function inWebm(
	name: string,
	warmUp: number,
	track: TrackEntry,
	secondsOf: MatroskaCodec['secondsOf'],
): CodecOrRefusal {
	return {
		codec: {
			name,
			warmUp,
			isOverlapped: name === 'Vorbis',
			secondsOf,
			loudness: (packet, seconds) => byteRateLoudness(packet.length, seconds),
			sizeOf: (packets, bytes) => sizeOfWebm(track, packets, bytes),
			write: (packets) => writeWebm(track, packets, secondsOf),
		},
	};
}

/** Older files say in the codec's name what they leave out elsewhere. */
function aac(track: TrackEntry): CodecOrRefusal {
	const { codecId, codecPrivate, sampleRate, outputRate, channels } = track;
	const rate = codecId.endsWith('/SBR') ? (outputRate ?? sampleRate * 2) : sampleRate;
	const config =
		codecPrivate.length > 0 ? codecPrivate : aacConfigBytes(sampleRate, channels, rate);
	return inM4a(describeAac(config));
}

function inM4a(description: SoundDescription): CodecOrRefusal {
	if ('refusal' in description) return description;
	const { codec } = description;
	return {
		codec: {
			name: codec.name,
			warmUp: codec.warmUp,
			isOverlapped: false,
			secondsOf: () => codec.packetSeconds,
			loudness: (packet) => codec.loudness(packet),
			sizeOf: (packets, bytes) => sizeOfM4a(codec, packets, bytes),
			write: (packets) => writeM4a(codec, codec.sampleRate, packets),
		},
	};
}

/** Samples of a frame at 48 kHz, by the upper five bits of a packet (RFC 6716, 3.1). */
function opusFrameSamples(config: number): number {
	if (config < 12) return [480, 960, 1920, 2880][config & 3] ?? 0;
	if (config < 16) return [480, 960][config & 1] ?? 0;
	return [120, 240, 480, 960][config & 3] ?? 0;
}

function opusSamples(packet: Buffer): number {
	const [first = 0, second = 0] = packet;
	const code = first & 3;
	const frames = code === 3 ? second & 0x3f : Math.min(code + 1, 2);
	return frames * opusFrameSamples(first >> 3);
}
