import { readBits, readFields, widthOf } from './bitFields';

/** The four bytes that every frame of MPEG audio begins with (ISO/IEC 11172-3, 2.4.1.3). */
const HEADER = {
	sync: 11,
	version: 2,
	layer: 2,
	hasNoCheck: 1,
	bitrate: 4,
	sampleRate: 2,
	padding: 1,
	private: 1,
	mode: 2,
	modeExtension: 2,
	isCopyright: 1,
	isOriginal: 1,
	emphasis: 2,
} as const;

/** What the side information says of a granule of one channel, in MPEG 1 and in 2 and 2.5. */
const GRANULE = {
	first: {
		part2And3Length: 12,
		bigValues: 9,
		globalGain: 8,
		scaleFactors: 4,
		isSwitched: 1,
		tables: 22,
		flags: 3,
	},
	second: {
		part2And3Length: 12,
		bigValues: 9,
		globalGain: 8,
		scaleFactors: 9,
		isSwitched: 1,
		tables: 22,
		flags: 2,
	},
} as const;

export const HEADER_BYTES = 4;
/** The longest frame of layer III: 320 kbit/s at 32 kHz, padded. */
export const MAX_FRAME_BYTES = 1_441;

const SYNC = 0x7ff;
const CHECK_BYTES = 2;
const MONO = 3;
/** By `version`; the second is reserved. */
const VERSIONS = [2.5, undefined, 2, 1] as const;
/** By `layer`; the first is reserved. */
const LAYERS = [undefined, 3, 2, 1] as const;
const SAMPLE_RATES = [44_100, 48_000, 32_000] as const;
/** In kbit/s, of layer III; the first stands for 'free'. */
const BITRATES = {
	first: [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
	second: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
} as const;

export interface MpegFrame {
	version: 1 | 2 | 2.5;
	/** In Hz. */
	sampleRate: number;
	channels: number;
	/** Samples of a channel. */
	samples: number;
	/** In bytes, the header included. */
	size: number;
	/** Where the side information begins, in bytes. */
	sideInfoAt: number;
	/** Where the main data begins, in bytes. */
	mainDataAt: number;
}

/** A frame of another layer, or in free format, whose size its header does not tell. */
export interface OtherMpegFrame {
	name: string;
}

/** The frame of MPEG audio whose header stands at an offset, or `undefined` where there is none. */
export function mpegFrameAt(bytes: Buffer, offset: number): MpegFrame | OtherMpegFrame | undefined {
	if (bytes[offset] !== 0xff || offset + HEADER_BYTES > bytes.length) return undefined;
	const header = readFields(bytes, HEADER, offset * 8);
	const version = VERSIONS[header.version];
	const layer = LAYERS[header.layer];
	const baseRate = SAMPLE_RATES[header.sampleRate];
	if (header.sync !== SYNC || !version || !layer || !baseRate || header.bitrate === 15) {
		return undefined;
	}
	if (layer !== 3) return { name: `MPEG audio of layer ${'I'.repeat(layer)} (MP${layer})` };
	const isFirst = version === 1;
	const bitrate = (isFirst ? BITRATES.first : BITRATES.second)[header.bitrate] ?? 0;
	if (bitrate === 0) return { name: 'MP3 in free format' };
	const sampleRate = isFirst ? baseRate : baseRate / (version === 2 ? 2 : 4);
	const samples = isFirst ? 1_152 : 576;
	const channels = header.mode === MONO ? 1 : 2;
	const sideInfoAt = HEADER_BYTES + (header.hasNoCheck ? 0 : CHECK_BYTES);
	const sideInfoBytes = isFirst ? (channels === 1 ? 17 : 32) : channels === 1 ? 9 : 17;
	return {
		version,
		sampleRate,
		channels,
		samples,
		size: Math.floor(((samples / 8) * bitrate * 1_000) / sampleRate) + header.padding,
		sideInfoAt,
		mainDataAt: sideInfoAt + sideInfoBytes,
	};
}

/** Name, flags, number of frames and of bytes; then LAME's part, with no delay of an encoder. */
const TAG_BYTES = 16 + 36;
const TAG_HAS_FRAMES_AND_BYTES = 3;
const ENCODER_AT = 16;
const BITRATE_AT = 2;
/** Room for the tag in any version, mode and rate. */
export const MAX_TAG_FRAME_BYTES = 240;

/**
 * A frame of silence that says how many frames and bytes follow it, as Xing's encoder did first:
 * players would otherwise estimate the duration by the bit rate of the first frame. LAME's part says
 * that no samples but those of the decoder's own delay come before the sound, since players without
 * it do not agree on that.
 *
 * @param like a frame of the same stream
 */
export function tagFrame(like: Buffer, frames: number, bytes: number): Buffer {
	const header = Buffer.from(like.subarray(0, HEADER_BYTES));
	header[1] = (header[1] ?? 0) | 1;
	const withRate = (index: number) => {
		header[BITRATE_AT] = (index << 4) | ((header[BITRATE_AT] ?? 0) & 0x0d);
		const frame = mpegFrameAt(header, 0);
		return frame && 'size' in frame ? frame : undefined;
	};
	for (let index = 1; index < 15; index++) {
		const frame = withRate(index);
		if (!frame || frame.size < frame.mainDataAt + TAG_BYTES) continue;
		const tagged = Buffer.alloc(frame.size);
		header.copy(tagged);
		tagged.write('Xing', frame.mainDataAt, 'latin1');
		tagged.writeUInt32BE(TAG_HAS_FRAMES_AND_BYTES, frame.mainDataAt + 4);
		tagged.writeUInt32BE(frames, frame.mainDataAt + 8);
		tagged.writeUInt32BE(bytes + frame.size, frame.mainDataAt + 12);
		tagged.write('LAME', frame.mainDataAt + ENCODER_AT, 'latin1');
		return tagged;
	}
	return Buffer.alloc(0);
}

/** What can be told of a frame without decoding it. */
interface SideInfo {
	/** How many bytes of main data before the frame's own it needs: the bit reservoir. */
	owed: number;
	/** In dB of full scale: the loudest line of the spectrum, at most; `SILENCE` where it has none. */
	loudness: number;
}

/** In dB of full scale: what is quieter counts as silence. */
const SILENCE = -75;
const UNITY_GAIN = 210;
const DECIBELS_A_STEP = 20 * Math.log10(2 ** 0.25);

/** What can be told of a frame of layer III without decoding its main data. */
export function sideInfoOf(bytes: Buffer, frame: MpegFrame): SideInfo {
	const isFirst = frame.version === 1;
	const isMono = frame.channels === 1;
	const firstBit = frame.sideInfoAt * 8;
	const owedBits = isFirst ? 9 : 8;
	const beforeGranules = isFirst ? (isMono ? 18 : 20) : isMono ? 9 : 10;
	const layout = isFirst ? GRANULE.first : GRANULE.second;
	const width = widthOf(layout);
	const granules = (isFirst ? 2 : 1) * frame.channels;
	let loudness = SILENCE;
	for (let index = 0; index < granules; index++) {
		const granule = readFields(bytes, layout, firstBit + beforeGranules + index * width);
		if (granule.part2And3Length === 0) continue;
		const peak = granule.bigValues === 0 ? 1 : largestValue(granule.isSwitched, granule.tables);
		const decibels =
			(granule.globalGain - UNITY_GAIN) * DECIBELS_A_STEP + (80 / 3) * Math.log10(peak);
		loudness = Math.max(loudness, decibels);
	}
	return { owed: readBits(bytes, firstBit, owedBits), loudness };
}

/** The largest value that each Huffman table without escape bits can code (2.4.3.4.6, table B.7). */
const LARGEST = [1, 1, 2, 2, 2, 3, 3, 5, 5, 5, 7, 7, 7, 15, 15, 15];
/** Escape bits of the tables from 16 on. */
const ESCAPE_BITS = [1, 2, 3, 4, 6, 8, 10, 13, 4, 5, 6, 7, 8, 9, 11, 13];

function largestValue(isSwitched: number, tables: number): number {
	const shifts = isSwitched ? [14, 9] : [17, 12, 7];
	return Math.max(
		...shifts.map((shift) => {
			const table = (tables >> shift) & 31;
			return LARGEST[table] ?? 15 + 2 ** (ESCAPE_BITS[table - 16] ?? 0) - 1;
		}),
	);
}
