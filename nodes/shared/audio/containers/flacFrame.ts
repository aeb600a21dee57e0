import { readBits, readFields } from './bitFields';
import { crc16, crc8 } from './crc';

/** STREAMINFO (RFC 9639, 8.2), without the checksum of all samples behind it. */
const STREAM_INFO = {
	minBlockSize: 16,
	maxBlockSize: 16,
	minFrameSize: 24,
	maxFrameSize: 24,
	sampleRate: 20,
	channels: 3,
	bitsPerSample: 5,
	totalSamplesHigh: 4,
	totalSamplesLow: 32,
} as const;

/** The part of a frame's header that has a fixed length (RFC 9639, 9.1). */
const FRAME_HEADER = {
	sync: 14,
	reserved: 1,
	isVariable: 1,
	blockSize: 4,
	sampleRate: 4,
	channels: 4,
	sampleSize: 3,
	reservedToo: 1,
} as const;

export const STREAM_INFO_BYTES = 34;
/** The longest header: with a number of 7 bytes, a block size and a sample rate of 2 each. */
export const MAX_HEADER_BYTES = 16;
const FIXED_BYTES = 4;
const CHECK_BYTES = 2;
const SYNC = 0x3ffe;

export interface StreamInfo {
	minBlockSize: number;
	maxBlockSize: number;
	sampleRate: number;
	channels: number;
	bitsPerSample: number;
	/** 0 where the encoder did not know it. */
	totalSamples: number;
}

export interface FlacFrameHeader {
	/** Whether `number` counts samples, since blocks have different lengths; otherwise it counts frames. */
	isVariable: boolean;
	number: number;
	/** Samples of a channel. */
	blockSize: number;
	/** In bytes, without its check. */
	length: number;
	/** Where what follows `number` begins, in bytes from the header's beginning. */
	tailAt: number;
}

/** @returns `undefined` where the bytes are too few or contradict themselves */
export function parseStreamInfo(bytes: Buffer): StreamInfo | undefined {
	if (bytes.length < STREAM_INFO_BYTES) return undefined;
	const fields = readFields(bytes, STREAM_INFO);
	if (fields.sampleRate === 0 || fields.maxBlockSize < 16) return undefined;
	return {
		minBlockSize: fields.minBlockSize,
		maxBlockSize: fields.maxBlockSize,
		sampleRate: fields.sampleRate,
		channels: fields.channels + 1,
		bitsPerSample: fields.bitsPerSample + 1,
		totalSamples: fields.totalSamplesHigh * 2 ** 32 + fields.totalSamplesLow,
	};
}

export interface FrameSizes {
	smallest: number;
	largest: number;
}

/** STREAMINFO with all it says and no checksum of the samples, which 0 stands for. */
export function streamInfoBytes(info: StreamInfo, sizes: FrameSizes): Buffer {
	const bytes = Buffer.alloc(STREAM_INFO_BYTES);
	bytes.writeUInt16BE(info.minBlockSize, 0);
	bytes.writeUInt16BE(info.maxBlockSize, 2);
	const fits = sizes.largest < 2 ** 24;
	bytes.writeUIntBE(fits ? sizes.smallest : 0, 4, 3);
	bytes.writeUIntBE(fits ? sizes.largest : 0, 7, 3);
	const { sampleRate, channels, bitsPerSample, totalSamples } = info;
	bytes.writeUIntBE(
		sampleRate * 16 + (channels - 1) * 2 + (bitsPerSample - 1 >= 16 ? 1 : 0),
		10,
		3,
	);
	bytes.writeUIntBE(((bitsPerSample - 1) % 16) * 2 ** 36 + totalSamples, 13, 5);
	return bytes;
}

/** In Hz, by the header's `sampleRate`; others stand in STREAMINFO or behind the header. */
const SAMPLE_RATES: Readonly<Record<number, number | undefined>> = {
	1: 88_200,
	2: 176_400,
	3: 192_000,
	4: 8_000,
	5: 16_000,
	6: 22_050,
	7: 24_000,
	8: 32_000,
	9: 44_100,
	10: 48_000,
	11: 96_000,
};
/** By the header's `sampleSize`; 0 stands for STREAMINFO's, 3 is reserved. */
const SAMPLE_SIZES = [0, 8, 12, undefined, 16, 20, 24, 32];
/** `channels` from here on are pairs that share what they have in common. */
const FIRST_PAIR = 8;
const LAST_PAIR = 10;

/** The header of a frame of this stream that stands at an offset, or `undefined` where none does. */
export function flacFrameAt(
	bytes: Buffer,
	offset: number,
	info: StreamInfo,
): FlacFrameHeader | undefined {
	if (bytes[offset] !== 0xff || ((bytes[offset + 1] ?? 0) & 0xfc) !== 0xf8) return undefined;
	const fields = readFields(bytes, FRAME_HEADER, offset * 8);
	if (fields.sync !== SYNC || fields.reserved || fields.reservedToo) return undefined;
	const coded = readNumber(bytes, offset + FIXED_BYTES);
	if (!coded) return undefined;
	const blockSizeAt = offset + FIXED_BYTES + coded.length;
	const blockSize = blockSizeOf(fields.blockSize, bytes, blockSizeAt);
	const sampleRateAt = blockSizeAt + extraBytes(fields.blockSize, [6, 7]);
	const sampleRate = sampleRateOf(fields.sampleRate, bytes, sampleRateAt, info);
	const checkAt = sampleRateAt + extraBytes(fields.sampleRate, [12, 13, 14]);
	const channels = fields.channels < FIRST_PAIR ? fields.channels + 1 : 2;
	const sampleSize = SAMPLE_SIZES[fields.sampleSize];
	const isOfStream =
		blockSize > 0 &&
		sampleRate === info.sampleRate &&
		fields.channels <= LAST_PAIR &&
		channels === info.channels &&
		(sampleSize === 0 || sampleSize === info.bitsPerSample);
	if (!isOfStream || checkAt >= bytes.length) return undefined;
	if (crc8(bytes, offset, checkAt) !== bytes[checkAt]) return undefined;
	return {
		isVariable: fields.isVariable === 1,
		number: coded.value,
		blockSize,
		length: checkAt - offset,
		tailAt: blockSizeAt - offset,
	};
}

/** How many bytes of a value stand behind the header, by the codes of one byte and of two. */
function extraBytes(code: number, [oneByte, ...twoBytes]: readonly number[]): number {
	if (code === oneByte) return 1;
	return twoBytes.includes(code) ? 2 : 0;
}

function blockSizeOf(code: number, bytes: Buffer, at: number): number {
	if (code === 1) return 192;
	if (code >= 2 && code <= 5) return 576 << (code - 2);
	if (code === 6) return readBits(bytes, at * 8, 8) + 1;
	if (code === 7) return readBits(bytes, at * 8, 16) + 1;
	return code >= 8 ? 256 << (code - 8) : 0;
}

function sampleRateOf(code: number, bytes: Buffer, at: number, info: StreamInfo): number {
	if (code === 0) return info.sampleRate;
	if (code === 12) return readBits(bytes, at * 8, 8) * 1_000;
	if (code === 13) return readBits(bytes, at * 8, 16);
	if (code === 14) return readBits(bytes, at * 8, 16) * 10;
	return SAMPLE_RATES[code] ?? 0;
}

/** A number in the form that UTF-8 gives to characters, of up to 36 bits in 7 bytes. */
function readNumber(bytes: Buffer, at: number): { value: number; length: number } | undefined {
	const first = bytes[at] ?? 0;
	const length = Math.clz32(~(first << 24));
	if (length === 0) return { value: first, length: 1 };
	if (length === 1 || length > 7) return undefined;
	let value = first & (0x7f >> length);
	for (let index = 1; index < length; index++) {
		const next = bytes[at + index] ?? 0;
		if ((next & 0xc0) !== 0x80) return undefined;
		value = value * 64 + (next & 0x3f);
	}
	return { value, length };
}

function numberBytes(value: number): number[] {
	if (value < 0x80) return [value];
	const bytes: number[] = [];
	let left = value;
	let room = 0x3f;
	while (left > room) {
		bytes.unshift(0x80 | left % 64);
		left = Math.floor(left / 64);
		room >>= 1;
	}
	const ones = bytes.length + 1;
	return [((0xff << (8 - ones)) & 0xff) | left, ...bytes];
}

/** The frame with another number, and the two checks that follow from it. */
export function renumbered(frame: Buffer, header: FlacFrameHeader, number: number): Buffer {
	const { tailAt, length } = header;
	const coded = numberBytes(number);
	const start = Buffer.concat([
		frame.subarray(0, FIXED_BYTES),
		Buffer.from(coded),
		frame.subarray(tailAt, length),
	]);
	const checked = Buffer.from([crc8(start, 0, start.length)]);
	const body = frame.subarray(length + 1, frame.length - CHECK_BYTES);
	const bytes = Buffer.concat([start, checked, body, Buffer.alloc(CHECK_BYTES)]);
	const end = bytes.length - CHECK_BYTES;
	bytes.writeUInt16BE(crc16(bytes, 0, end), end);
	return bytes;
}
