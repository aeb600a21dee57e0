import type { Cursor } from '../cursor';
import { UnreadableRecording } from '../container';

/** A box (ISO/IEC 14496-12, 4.2), or an atom of QuickTime; the positions count from the file's beginning. */
export interface BoxHeader {
	type: string;
	start: number;
	bodyStart: number;
	/** Infinite for one that goes on to the end of the file. */
	end: number;
}

/** What is done with each kind of box inside another; the others are passed over. */
export type BoxHandlers = Readonly<
	Record<string, ((box: BoxHeader) => Promise<void> | void) | undefined>
>;

/**
 * The header of the box that begins where the cursor is.
 * @returns `undefined` at the end of the recording
 */
export async function readBoxHeader(cursor: Cursor): Promise<BoxHeader | undefined> {
	const start = cursor.position;
	if ((await cursor.peek(1)).length === 0) return undefined;
	const header = await cursor.read(8);
	const type = header.toString('latin1', 4);
	let size = header.readUInt32BE(0);
	if (size === 0) return { type, start, bodyStart: start + 8, end: Infinity };
	if (size === 1) {
		const long = await cursor.read(8);
		size = readUInt64(long, 0);
	}
	const bodyStart = cursor.position;
	const end = start + size;
	if (end < bodyStart || !Number.isSafeInteger(end)) throw damaged(`box '${printable(type)}'`);
	return { type, start, bodyStart, end };
}

/** Walks the boxes inside of one, in their order. */
export async function readChildren(
	cursor: Cursor,
	parent: BoxHeader,
	handlers: BoxHandlers,
): Promise<void> {
	while (parent.end - cursor.position >= 8) {
		const box = await readBoxHeader(cursor);
		if (!box) break;
		if (box.end > parent.end) throw damaged(`box '${printable(box.type)}'`);
		const handler = handlers[box.type];
		if (handler) await handler(box);
		await cursor.moveTo(box.end);
	}
}

/** The body of a box that is small by its nature. */
export async function readBody(cursor: Cursor, box: BoxHeader, most: number): Promise<Buffer> {
	const length = box.end - box.bodyStart;
	if (length > most) throw damaged(`box '${box.type}'`);
	return await cursor.read(length);
}

/** The boxes in bytes that are at hand, as far as they are whole. */
export function* boxesIn(
	bytes: Buffer,
): Generator<{ type: string; body: Buffer }, void, undefined> {
	let at = 0;
	while (at + 8 <= bytes.length) {
		const size = bytes.readUInt32BE(at);
		const end = size === 0 ? bytes.length : at + size;
		if (end < at + 8 || end > bytes.length) return;
		yield { type: bytes.toString('latin1', at + 4, at + 8), body: bytes.subarray(at + 8, end) };
		at = end;
	}
}

/** A number of 64 bits; one too large to be exact comes out as one that no file reaches. */
export function readUInt64(bytes: Buffer, offset: number): number {
	return bytes.readUInt32BE(offset) * 2 ** 32 + bytes.readUInt32BE(offset + 4);
}

/** A type of four letters for messages: what cannot be printed becomes a question mark. */
export function printable(type: string): string {
	return type.replace(/[^\x20-\x7e]/g, '?');
}

export function damaged(what: string): UnreadableRecording {
	return new UnreadableRecording(`The file is damaged: ${what} contradicts the rest of it`);
}
