import { aacLoudness, parseAacConfig, uncuttableAac, type AacConfig } from '../aac';
import { boxesIn, printable } from './boxes';

/** A codec of sound whose packets can go into a new M4A, and what a decoder must know. */
export interface SoundCodec {
	/** `AAC` or `ALAC`. */
	name: string;
	/** In Hz, of what is heard. */
	sampleRate: number;
	channels: number;
	/** An AudioSpecificConfig, or ALAC's cookie of 24 or 48 bytes. */
	config: Buffer;
	/** Seconds before a wanted sound that a decoder must begin. */
	warmUp: number;
	/** What a packet lasts, but for the last. */
	packetSeconds: number;
	/** How loud a packet is, where it can be told undecoded. */
	loudness(packet: Buffer): number | undefined;
}

/** What a sample description says: a codec that can be cut, or why its sound cannot be. */
export type SoundDescription = { codec: SoundCodec } | { refusal: string };

/** Fields of every sound description (ISO/IEC 14496-12, 12.2.3), before QuickTime's own. */
const ENTRY_BYTES = 28;
const QUICKTIME_1_BYTES = 16;
const QUICKTIME_2_BYTES = 36;
const MAX_WAVE_DEPTH = 3;

const OTHER_CODECS: Readonly<Record<string, string | undefined>> = {
	'.mp3': 'MP3',
	'ms\0U': 'MP3',
	'ac-3': 'AC-3',
	'ec-3': 'E-AC-3',
	'ac-4': 'AC-4',
	apac: 'Apple spatial audio',
	dtsc: 'DTS',
	dtse: 'DTS',
	dtsh: 'DTS',
	dtsl: 'DTS',
	fLaC: 'FLAC',
	Opus: 'Opus',
	samr: 'AMR',
	sawb: 'AMR-WB',
	QDM2: 'QDesign Music',
	alaw: 'A-law',
	ulaw: 'mu-law',
	ima4: 'IMA ADPCM',
	sowt: 'PCM',
	twos: 'PCM',
	lpcm: 'PCM',
	ipcm: 'PCM',
	fpcm: 'PCM',
	in24: 'PCM',
	in32: 'PCM',
	fl32: 'PCM',
	fl64: 'PCM',
	'raw ': 'PCM',
	NONE: 'PCM',
};

/** `objectTypeIndication` of an `mp4a` (ISO/IEC 14496-1, 7.2.6.6). */
const AAC_OBJECT_TYPES = new Set([0x40, 0x66, 0x67, 0x68]);
const OTHER_OBJECT_TYPES: Readonly<Record<number, string | undefined>> = {
	0x69: 'MP3',
	0x6b: 'MP3',
	0xa5: 'AC-3',
	0xa6: 'E-AC-3',
	0xa9: 'DTS',
	0xad: 'Opus',
	0xdd: 'Vorbis',
	0xe1: 'QCELP',
};

/** Reads the body of an `stsd`: its first description counts. */
export function readSoundDescription(stsd: Buffer): SoundDescription {
	const isQuickTime = stsd[0] === 0;
	for (const { type, body } of boxesIn(stsd.subarray(8))) {
		const atoms = body.subarray(isQuickTime ? extensionsAt(body) : ENTRY_BYTES);
		if (type === 'enca' || type === 'drms' || findAtom(atoms, 'sinf')) {
			return { refusal: 'its sound is encrypted' };
		}
		if (type === 'mp4a') return readAac(atoms);
		if (type === 'alac') return readAlac(atoms);
		const name = OTHER_CODECS[type] ?? `'${printable(type)}'`;
		return { refusal: `its sound is ${name}, which cannot be cut out of it` };
	}
	return { refusal: 'it does not say what its sound is' };
}

function extensionsAt(entry: Buffer): number {
	const version = entry.length >= ENTRY_BYTES ? entry.readUInt16BE(8) : 0;
	if (version === 1) return ENTRY_BYTES + QUICKTIME_1_BYTES;
	if (version === 2) return ENTRY_BYTES + QUICKTIME_2_BYTES;
	return ENTRY_BYTES;
}

/** An atom of a sound description, which QuickTime wraps in a `wave`. */
function findAtom(atoms: Buffer, wanted: string, depth = 0): Buffer | undefined {
	for (const { type, body } of boxesIn(atoms)) {
		if (type === wanted) return body;
		if (type === 'wave' && depth < MAX_WAVE_DEPTH) {
			const found = findAtom(body, wanted, depth + 1);
			if (found) return found;
		}
	}
	return undefined;
}

function readAac(atoms: Buffer): SoundDescription {
	const esds = findAtom(atoms, 'esds');
	const stream = esds && readDecoderConfig(esds.subarray(4));
	if (!stream) return { refusal: 'it does not say which AAC its sound is' };
	const { objectType, config } = stream;
	if (!AAC_OBJECT_TYPES.has(objectType)) {
		const name = OTHER_OBJECT_TYPES[objectType] ?? `of MPEG-4 type ${objectType}`;
		return { refusal: `its sound is ${name}, which cannot be cut out of it` };
	}
	return describeAac(config);
}

/** What an AudioSpecificConfig makes of packets of AAC. */
export function describeAac(config: Buffer): SoundDescription {
	const parsed = parseAacConfig(config);
	if (!parsed) return { refusal: 'it does not say which AAC its sound is' };
	const other = uncuttableAac(parsed);
	if (other) return { refusal: `its sound is ${other}, which cannot be cut out of it` };
	const { sampleRate, channels } = parsed;
	const loudness = (packet: Buffer) => aacLoudness(packet, parsed);
	const codec = { name: aacName(parsed), sampleRate, channels, config, loudness };
	const packetSeconds = parsed.frameLength / parsed.coreRate;
	return { codec: { ...codec, packetSeconds, warmUp: 2 * packetSeconds } };
}

function aacName({ sampleRate, coreRate }: AacConfig): string {
	return sampleRate === coreRate ? 'AAC' : 'HE-AAC';
}

const ES_DESCRIPTOR = 3;
const DECODER_CONFIG = 4;
const DECODER_SPECIFIC = 5;

/** Walks the descriptors of an `esds` (ISO/IEC 14496-1, 7.2.6) to the decoder's configuration. */
function readDecoderConfig(bytes: Buffer): { objectType: number; config: Buffer } | undefined {
	const stream = findDescriptor(bytes, ES_DESCRIPTOR);
	if (!stream || stream.length < 3) return undefined;
	const flags = stream.readUInt8(2);
	let at = 3;
	if (flags & 0x80) at += 2;
	if (flags & 0x40) at += 1 + (stream[at] ?? 0);
	if (flags & 0x20) at += 2;
	const decoder = findDescriptor(stream.subarray(at), DECODER_CONFIG);
	if (!decoder || decoder.length < 13) return undefined;
	const config = findDescriptor(decoder.subarray(13), DECODER_SPECIFIC);
	return { objectType: decoder.readUInt8(0), config: Buffer.from(config ?? []) };
}

function findDescriptor(bytes: Buffer, wanted: number): Buffer | undefined {
	let at = 0;
	while (at < bytes.length) {
		const tag = bytes[at++];
		let length = 0;
		for (let digit = 0; digit < 4; digit++) {
			const byte = bytes[at++] ?? 0;
			length = length * 128 + (byte & 0x7f);
			if ((byte & 0x80) === 0) break;
		}
		if (tag === wanted) return bytes.subarray(at, at + length);
		at += length;
	}
	return undefined;
}

const ALAC_COOKIE_BYTES = 24;

function readAlac(atoms: Buffer): SoundDescription {
	const cookie = findAtom(atoms, 'alac');
	return describeAlac(cookie?.subarray(4));
}

/** What ALAC's cookie (ALACSpecificConfig, 24 bytes, or 48 with a channel layout) says. */
export function describeAlac(cookie: Buffer | undefined): SoundDescription {
	if (!cookie || cookie.length < ALAC_COOKIE_BYTES) {
		return { refusal: 'it does not say how its ALAC is to be decoded' };
	}
	const sampleRate = cookie.readUInt32BE(20);
	if (sampleRate === 0) return { refusal: 'it does not say how its ALAC is to be decoded' };
	return {
		codec: {
			name: 'ALAC',
			sampleRate,
			packetSeconds: cookie.readUInt32BE(0) / sampleRate,
			channels: cookie.readUInt8(9),
			config: Buffer.from(cookie),
			warmUp: 0,
			loudness: (packet) => packet.length,
		},
	};
}
