import { readBits } from './bitFields';
import { UnreadableRecording } from './container';
import type { OggCodec } from './oggCodec';

/** Where the fields of the first header stand (Vorbis I, 4.2.2). */
const IDENTIFICATION = { channels: 11, sampleRate: 12, blockSizes: 28, bytes: 30 };
const MIN_BLOCK_POWER = 6;
const MAX_BLOCK_POWER = 13;
const SETUP_TYPE = 5;
const COMMENT = Buffer.concat([
	Buffer.from('\u0003vorbis', 'latin1'),
	Buffer.alloc(8),
	Buffer.from([1]),
]);

/** @param header the packet that an Ogg stream of Vorbis begins with */
export function vorbisCodec(header: Buffer): OggCodec {
	const rate =
		header.length >= IDENTIFICATION.bytes ? header.readUInt32LE(IDENTIFICATION.sampleRate) : 0;
	const powers = header[IDENTIFICATION.blockSizes] ?? 0;
	const short = powers & 0x0f;
	const long = powers >> 4;
	const isValid =
		rate > 0 &&
		(header[IDENTIFICATION.channels] ?? 0) > 0 &&
		short >= MIN_BLOCK_POWER &&
		long >= short &&
		long <= MAX_BLOCK_POWER;
	if (!isValid) throw unreadable();
	const blockSizes = [2 ** short, 2 ** long] as const;
	return {
		name: 'Vorbis',
		rate,
		headerPackets: 3,
		warmUp: blockSizes[1] / rate,
		priming: 0,
		isOverlapped: true,
		counter: (headers) => {
			const isLong = longModes(headers[2] ?? Buffer.alloc(0));
			return overlapSamples(isLong, Math.ceil(Math.log2(isLong.length)), blockSizes);
		},
		headersOf: (_priming, headers) => [header, COMMENT, headers[2] ?? Buffer.alloc(0)],
		identity: (headers) => Buffer.concat([header, headers[2] ?? Buffer.alloc(0)]),
	};
}

/**
 * How many samples a decoder gives for a packet: a quarter of its block and of the one before, which
 * overlap. The first packet gives none.
 */
function overlapSamples(
	isLong: readonly boolean[],
	modeBits: number,
	[short, long]: readonly [number, number],
): (packet: Buffer) => number {
	let before = 0;
	return (packet) => {
		const first = packet[0] ?? 1;
		// A packet that is no sound gives none, and the blocks around it overlap.
		if (packet.length === 0 || (first & 1) !== 0) return 0;
		const size = isLong[(first >> 1) & ((1 << modeBits) - 1)] ? long : short;
		const samples = before === 0 ? 0 : (before + size) / 4;
		before = size;
		return samples;
	};
}

/** A mode's entry: block flag, window type and transform type (both 0), mapping. */
const MODE_BITS = 41;
const TYPE_BITS = 32;
const MAPPING_BITS = 8;
const COUNT_BITS = 6;
const MAX_MODES = 64;

/**
 * Whether each mode's block is a long one: the last part of the setup header (Vorbis I, 4.2.4).
 * What stands before takes a decoder to pass over, so the list is read from its end: it is as long
 * as its count, which stands before it, says.
 */
function longModes(setup: Buffer): boolean[] {
	if (setup.length < 8 || setup[0] !== SETUP_TYPE || setup.toString('latin1', 1, 7) !== 'vorbis') {
		throw unreadable();
	}
	const bits = Buffer.from(setup).reverse();
	let at = 0;
	while (at < bits.length * 8 && readBits(bits, at, 1) === 0) at++;
	at++;
	const modes: boolean[] = [];
	let found: boolean[] | undefined;
	while (modes.length < MAX_MODES && at + MODE_BITS + COUNT_BITS <= bits.length * 8) {
		const mapping = readBits(bits, at, MAPPING_BITS);
		if (mapping >= MAX_MODES || readBits(bits, at + MAPPING_BITS, TYPE_BITS) !== 0) break;
		modes.unshift(readBits(bits, at + MAPPING_BITS + TYPE_BITS, 1) === 1);
		at += MODE_BITS;
		if (readBits(bits, at, COUNT_BITS) === modes.length - 1) found = [...modes];
	}
	if (!found) throw unreadable();
	return found;
}

function unreadable(): UnreadableRecording {
	return new UnreadableRecording('The Ogg file is damaged: its Vorbis headers cannot be read');
}
