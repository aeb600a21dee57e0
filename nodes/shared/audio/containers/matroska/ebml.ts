import type { Cursor } from '../cursor';
import { UnreadableRecording } from '../container';

/** An element (RFC 8794, 5 and 6); positions count from the beginning of the file. */
export interface Element {
	id: number;
	bodyStart: number;
	/** Infinite where its size was unknown when it was written. */
	end: number;
}

/** A number of variable length, and how many bytes it takes. */
export interface VariableInteger {
	value: number;
	length: number;
	/** All bits are set, which says 'unknown' where a size stands. */
	isUnknown: boolean;
}

const MAX_ID_BYTES = 4;

/** @returns `undefined` at the end of the recording */
export async function readElement(cursor: Cursor): Promise<Element | undefined> {
	const head = await cursor.peek(12);
	if (head.length === 0) return undefined;
	const idLength = Math.clz32(head.readUInt8(0)) - 23;
	if (idLength > MAX_ID_BYTES) throw damaged('an element');
	const size = parseVariableInteger(head, idLength);
	if (!size) {
		await cursor.read(head.length + 1);
		throw damaged('an element');
	}
	await cursor.read(idLength + size.length);
	const bodyStart = cursor.position;
	const end = size.isUnknown ? Infinity : bodyStart + size.value;
	if (!size.isUnknown && !Number.isSafeInteger(end)) throw damaged('the size of an element');
	return { id: head.readUIntBE(0, idLength), bodyStart, end };
}

/** @returns `undefined` where the bytes end before it, or none begins there */
export function parseVariableInteger(bytes: Buffer, offset: number): VariableInteger | undefined {
	const first = bytes[offset] ?? 0;
	const length = Math.clz32(first) - 23;
	if (first === 0 || offset + length > bytes.length) return undefined;
	const mask = (1 << (8 - length)) - 1;
	let value = first & mask;
	let isUnknown = value === mask;
	for (let at = 1; at < length; at++) {
		const byte = bytes.readUInt8(offset + at);
		value = value * 256 + byte;
		isUnknown &&= byte === 0xff;
	}
	return { value, length, isUnknown };
}

/** The elements in bytes that are at hand. */
export function* elementsIn(
	bytes: Buffer,
): Generator<{ id: number; body: Buffer }, void, undefined> {
	let at = 0;
	while (at < bytes.length) {
		const idLength = Math.clz32(bytes.readUInt8(at)) - 23;
		const size = parseVariableInteger(bytes, at + idLength);
		if (idLength > MAX_ID_BYTES || !size) throw damaged('an element');
		const start = at + idLength + size.length;
		const end = start + size.value;
		if (size.isUnknown || end > bytes.length) throw damaged('the size of an element');
		yield { id: bytes.readUIntBE(at, idLength), body: bytes.subarray(start, end) };
		at = end;
	}
}

/** An unsigned integer of up to eight bytes. */
export function unsigned(body: Buffer): number {
	let value = 0;
	for (const byte of body.subarray(0, 8)) value = value * 256 + byte;
	return value;
}

/** A float of four or eight bytes; 0 for an empty one. */
export function float(body: Buffer): number {
	if (body.length === 8) return body.readDoubleBE(0);
	return body.length === 4 ? body.readFloatBE(0) : 0;
}

/** An element with its size in as few bytes as it takes. */
export function element(id: number, ...parts: readonly Buffer[]): Buffer {
	const length = parts.reduce((sum, part) => sum + part.length, 0);
	return Buffer.concat([elementHead(id, length), ...parts]);
}

/** What stands before a body of so many bytes. */
export function elementHead(id: number, length: number): Buffer {
	let width = 1;
	while (length >= 2 ** (7 * width) - 1) width++;
	const size = Buffer.alloc(width);
	size.writeUIntBE(length, Math.max(0, width - 6), Math.min(width, 6));
	size.writeUInt8(size.readUInt8(0) | (0x100 >> width), 0);
	return Buffer.concat([unsignedBytes(id), size]);
}

/** An unsigned integer below 2^48 in as few bytes as it takes. */
export function unsignedBytes(value: number): Buffer {
	let width = 1;
	while (value >= 2 ** (8 * width)) width++;
	const bytes = Buffer.alloc(width);
	bytes.writeUIntBE(value, 0, width);
	return bytes;
}

export function floatBytes(value: number): Buffer {
	const bytes = Buffer.alloc(8);
	bytes.writeDoubleBE(value);
	return bytes;
}

export function damaged(what: string): UnreadableRecording {
	return new UnreadableRecording(`The file is damaged: ${what} contradicts the rest of it`);
}
