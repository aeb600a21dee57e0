import { damaged, parseVariableInteger } from './ebml';

/** What a block begins with (RFC 9559, 10). */
export interface BlockHeader {
	track: number;
	/** In ticks from that of the cluster. */
	timestamp: number;
	flags: number;
	length: number;
}

const LACING = 0x06;
const XIPH = 0x02;
const FIXED = 0x04;

/** @param start the first bytes of a block, 12 or all there are */
export function parseBlockHeader(start: Buffer): BlockHeader {
	const track = parseVariableInteger(start, 0);
	if (!track || start.length < track.length + 3) throw damaged('a block');
	const timestamp = start.readInt16BE(track.length);
	const flags = start.readUInt8(track.length + 2);
	return { track: track.value, timestamp, flags, length: track.length + 3 };
}

/** The packets of a block's body, which may hold several of them ('lacing'). */
export function packetsOf(body: Buffer, flags: number): Buffer[] {
	const lacing = flags & LACING;
	if (lacing === 0) return [body];
	const count = (body[0] ?? 0) + 1;
	const { sizes, at } = readSizes(body, lacing, count);
	const packets: Buffer[] = [];
	let start = at;
	for (const size of sizes) {
		if (size < 0 || start + size > body.length) throw damaged('a block');
		packets.push(body.subarray(start, start + size));
		start += size;
	}
	packets.push(body.subarray(start));
	return packets;
}

/** The sizes of all packets but the last, and where the first is. */
function readSizes(body: Buffer, lacing: number, count: number): { sizes: number[]; at: number } {
	if (lacing === FIXED) {
		const size = (body.length - 1) / count;
		if (!Number.isInteger(size)) throw damaged('a block');
		return { sizes: Array.from({ length: count - 1 }, () => size), at: 1 };
	}
	const sizes: number[] = [];
	let at = 1;
	while (sizes.length < count - 1) {
		const next = lacing === XIPH ? xiphSize(body, at) : ebmlSize(body, at, sizes.at(-1));
		sizes.push(next.value);
		at += next.length;
	}
	return { sizes, at };
}

function xiphSize(body: Buffer, offset: number): { value: number; length: number } {
	let value = 0;
	for (let at = offset; at < body.length; at++) {
		const byte = body.readUInt8(at);
		value += byte;
		if (byte !== 255) return { value, length: at + 1 - offset };
	}
	throw damaged('a block');
}

/** The first as it is, the others by how much they differ from the one before. */
function ebmlSize(
	body: Buffer,
	offset: number,
	before: number | undefined,
): { value: number; length: number } {
	const number = parseVariableInteger(body, offset);
	if (!number) throw damaged('a block');
	const { value, length } = number;
	if (before === undefined) return { value, length };
	return { value: before + value - (2 ** (7 * length - 1) - 1), length };
}
