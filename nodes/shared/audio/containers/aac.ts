import { BitReader } from './bitReader';

/**
 * What an AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1) says about a track of AAC.
 */
export interface AacConfig {
	/** Of the core, before spectral band replication. */
	objectType: number;
	/** In Hz, of the core. */
	coreRate: number;
	/** In Hz, of what is heard: twice the core's with spectral band replication (HE-AAC). */
	sampleRate: number;
	/** 0 where they stand in the packets. */
	channels: number;
	/** Samples at the core's rate that a packet gives. */
	frameLength: number;
}

const SAMPLE_RATES = [
	96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
	7_350,
];
/** `channelConfiguration` 7 has eight of them. */
const CHANNELS = [0, 1, 2, 3, 4, 5, 6, 8];

const AAC_LC = 2;
const SPECTRAL_BAND_REPLICATION = 5;
const ERROR_RESILIENT_LC = 17;
const ERROR_RESILIENT_LD = 23;
const PARAMETRIC_STEREO = 29;
const ENHANCED_LD = 39;
/** Says that an extension follows, which decoders without it pass over. */
const EXTENSION_SYNC = 0x2b7;

/** Kinds of AAC whose packets a new file can begin with, by `audioObjectType`. */
const CUTTABLE = new Set([
	1,
	AAC_LC,
	3,
	4,
	ERROR_RESILIENT_LC,
	19,
	20,
	ERROR_RESILIENT_LD,
	ENHANCED_LD,
]);

const OTHER_TYPES: Readonly<Record<number, string | undefined>> = {
	32: 'MPEG layer 1',
	33: 'MPEG layer 2',
	34: 'MP3',
	36: 'MPEG-4 ALS',
	42: 'xHE-AAC (USAC)',
};

/** What a kind of AAC that cannot be cut is called. */
export function uncuttableAac(config: AacConfig): string | undefined {
	if (CUTTABLE.has(config.objectType)) return undefined;
	return OTHER_TYPES[config.objectType] ?? `MPEG-4 audio of type ${config.objectType}`;
}

/** @returns `undefined` where the bytes are none */
export function parseAacConfig(bytes: Buffer): AacConfig | undefined {
	const bits = new BitReader(bytes);
	let objectType = readObjectType(bits);
	const coreRate = readRate(bits);
	const channels = CHANNELS[bits.read(4)];
	let sampleRate = coreRate;
	if (objectType === SPECTRAL_BAND_REPLICATION || objectType === PARAMETRIC_STEREO) {
		sampleRate = readRate(bits);
		objectType = readObjectType(bits);
	}
	if (coreRate === 0 || sampleRate === 0 || channels === undefined || bits.isPastEnd) {
		return undefined;
	}
	const isShort = bits.read(1) === 1;
	const frameLength = frameLengthOf(objectType, isShort);
	if (sampleRate === coreRate && objectType === AAC_LC && channels > 0) {
		sampleRate = readExtension(bits) ?? coreRate;
	}
	return { objectType, coreRate, sampleRate, channels, frameLength };
}

function frameLengthOf(objectType: number, isShort: boolean): number {
	if (objectType === ERROR_RESILIENT_LD || objectType === ENHANCED_LD) return isShort ? 480 : 512;
	return isShort ? 960 : 1024;
}

/** The rate that spectral band replication gives, where it is added so that others overlook it. */
function readExtension(bits: BitReader): number | undefined {
	if (bits.read(1) === 1) bits.skip(14);
	bits.skip(1);
	if (bits.read(11) !== EXTENSION_SYNC) return undefined;
	if (readObjectType(bits) !== SPECTRAL_BAND_REPLICATION || bits.read(1) === 0) return undefined;
	const rate = readRate(bits);
	return rate === 0 || bits.isPastEnd ? undefined : rate;
}

function readObjectType(bits: BitReader): number {
	const type = bits.read(5);
	return type === 31 ? 32 + bits.read(6) : type;
}

function readRate(bits: BitReader): number {
	const index = bits.read(4);
	return index === 15 ? bits.read(24) : (SAMPLE_RATES[index] ?? 0);
}

/** The shortest AudioSpecificConfig of a track of AAC-LC, with HE-AAC said aloud where `outputRate` differs. */
export function aacConfigBytes(rate: number, channels: number, outputRate: number): Buffer {
	const rateIndex = SAMPLE_RATES.indexOf(rate);
	const outputIndex = SAMPLE_RATES.indexOf(outputRate);
	if (rateIndex < 0 || outputIndex < 0) return Buffer.alloc(0);
	const layout = CHANNELS.indexOf(channels);
	if (rate === outputRate) {
		const bits = (AAC_LC << 11) | (rateIndex << 7) | (layout << 3);
		return Buffer.from([bits >> 8, bits & 0xff]);
	}
	const bits =
		(SPECTRAL_BAND_REPLICATION << 19) |
		(rateIndex << 15) |
		(layout << 11) |
		(outputIndex << 7) |
		(AAC_LC << 2);
	return Buffer.from([bits >> 16, (bits >> 8) & 0xff, bits & 0xff]);
}

const SINGLE_CHANNEL = 0;
const CHANNEL_PAIR = 1;
const DATA_STREAM = 4;
const FILL = 6;
const EIGHT_SHORT_WINDOWS = 2;
/** Elements without sound that may stand before the first channel. */
const MAX_ELEMENTS_BEFORE = 8;

/**
 * The `global_gain` of a packet's first channel (ISO/IEC 14496-3, 4.4.2.1: raw_data_block), in
 * steps of 1.5 dB; 0 for a packet without any spectrum, `undefined` where it cannot be told.
 */
export function aacLoudness(packet: Buffer, { objectType }: AacConfig): number | undefined {
	if (objectType > 4) return undefined;
	const bits = new BitReader(packet);
	for (let passed = 0; passed < MAX_ELEMENTS_BEFORE; passed++) {
		const element = bits.read(3);
		if (element === SINGLE_CHANNEL) {
			bits.skip(4);
			return channelGain(bits, undefined);
		}
		if (element === CHANNEL_PAIR) {
			bits.skip(4);
			return pairGain(bits);
		}
		if (element === DATA_STREAM) skipDataStream(bits);
		else if (element === FILL) skipFill(bits);
		else return undefined;
		if (bits.isPastEnd) return undefined;
	}
	return undefined;
}

interface WindowInfo {
	maxBand: number;
	groups: number;
}

function pairGain(bits: BitReader): number | undefined {
	if (bits.read(1) === 0) return channelGain(bits, undefined);
	const windows = readWindowInfo(bits);
	if (!windows) return undefined;
	if (bits.read(2) === 1) bits.skip(windows.maxBand * windows.groups);
	return channelGain(bits, windows);
}

function channelGain(bits: BitReader, shared: WindowInfo | undefined): number | undefined {
	const gain = bits.read(8);
	const windows = shared ?? readWindowInfo(bits);
	if (bits.isPastEnd || !windows) return undefined;
	return windows.maxBand === 0 ? 0 : gain;
}

/** @returns `undefined` with prediction, of which only older profiles know */
function readWindowInfo(bits: BitReader): WindowInfo | undefined {
	bits.skip(1);
	const sequence = bits.read(2);
	bits.skip(1);
	if (sequence === EIGHT_SHORT_WINDOWS) {
		const maxBand = bits.read(4);
		let groups = 8;
		for (let window = 0; window < 7; window++) groups -= bits.read(1);
		return { maxBand, groups };
	}
	const maxBand = bits.read(6);
	return bits.read(1) === 1 ? undefined : { maxBand, groups: 1 };
}

function skipDataStream(bits: BitReader): void {
	bits.skip(4);
	const isAligned = bits.read(1) === 1;
	let length = bits.read(8);
	if (length === 255) length += bits.read(8);
	if (isAligned) bits.skip((8 - (bits.position & 7)) & 7);
	bits.skip(length * 8);
}

function skipFill(bits: BitReader): void {
	let length = bits.read(4);
	if (length === 15) length += bits.read(8) - 1;
	bits.skip(length * 8);
}
