import { GrowingTable } from '../growingTable';
import type { Cursor } from '../cursor';
import { damaged, readBody, type BoxHandlers, type BoxHeader } from './boxes';

/** A sample, as the format calls a packet: where its bytes are, and for how many ticks it lasts. */
export interface Sample {
	offset: number;
	size: number;
	ticks: number;
}

/** In bytes, how much of a table is read at once. */
const SLICE = 65_536;

/**
 * The boxes of a `stbl` that say where each sample is (ISO/IEC 14496-12, 8.6 and 8.7), packed as
 * they are stored: runs stay runs.
 */
export class SampleTable {
	private readonly tickCounts = new GrowingTable();
	private readonly tickDeltas = new GrowingTable();
	private readonly firstChunks = new GrowingTable();
	private readonly samplesPerChunk = new GrowingTable();
	private readonly chunksHigh = new GrowingTable();
	private readonly chunksLow = new GrowingTable();
	private readonly sizes = new GrowingTable();
	private fixedSize = 0;
	private fixedCount = 0;

	constructor(private readonly cursor: Cursor) {}

	/** What to do with the boxes of a `stbl`. */
	readonly handlers: BoxHandlers = {
		stts: async (box) => {
			await this.readEntries(box, 8, (bytes, at) => {
				this.tickCounts.push(bytes.readUInt32BE(at));
				this.tickDeltas.push(bytes.readUInt32BE(at + 4));
			});
		},
		stsc: async (box) => {
			await this.readEntries(box, 12, (bytes, at) => {
				this.firstChunks.push(bytes.readUInt32BE(at));
				this.samplesPerChunk.push(bytes.readUInt32BE(at + 4));
			});
		},
		stco: async (box) => {
			await this.readEntries(box, 4, (bytes, at) => {
				this.chunksHigh.push(0);
				this.chunksLow.push(bytes.readUInt32BE(at));
			});
		},
		co64: async (box) => {
			await this.readEntries(box, 8, (bytes, at) => {
				this.chunksHigh.push(bytes.readUInt32BE(at));
				this.chunksLow.push(bytes.readUInt32BE(at + 4));
			});
		},
		stsz: async (box) => {
			const head = await readHead(this.cursor, box, 12);
			this.fixedSize = head.readUInt32BE(4);
			const count = head.readUInt32BE(8);
			if (this.fixedSize > 0) this.fixedCount = count;
			else
				await this.readList(box, count, 4, (bytes, at) => this.sizes.push(bytes.readUInt32BE(at)));
		},
		stz2: async (box) => {
			const head = await readHead(this.cursor, box, 12);
			await this.readCompactSizes(box, head.readUInt8(7), head.readUInt32BE(8));
		},
	};

	get length(): number {
		return this.fixedSize > 0 ? this.fixedCount : this.sizes.length;
	}

	/** In bytes from the beginning of the file; 0 where there is none. */
	firstChunkAt(): number {
		return this.chunkAt(0);
	}

	lastChunkAt(): number {
		return this.chunksLow.length === 0 ? 0 : this.chunkAt(this.chunksLow.length - 1);
	}

	/** What all samples last. */
	ticksInAll(): number {
		let ticks = 0;
		for (let run = 0; run < this.tickCounts.length; run++) {
			ticks += this.tickCounts.at(run) * this.tickDeltas.at(run);
		}
		return ticks;
	}

	/** The samples in order of time. */
	*samples(): Generator<Sample, void, undefined> {
		let sample = 0;
		let run = -1;
		let tickRun = 0;
		let leftInTickRun = this.tickCounts.at(0);
		for (let chunk = 0; sample < this.length; chunk++) {
			if (chunk >= this.chunksLow.length) throw damaged('its list of chunks');
			while (run + 1 < this.firstChunks.length && this.firstChunks.at(run + 1) <= chunk + 1) run++;
			let offset = this.chunkAt(chunk);
			const last = Math.min(sample + this.samplesPerChunk.at(run), this.length);
			for (; sample < last; sample++) {
				while (leftInTickRun === 0 && tickRun + 1 < this.tickCounts.length) {
					leftInTickRun = this.tickCounts.at(++tickRun);
				}
				leftInTickRun = Math.max(0, leftInTickRun - 1);
				const size = this.fixedSize || this.sizes.at(sample);
				yield { offset, size, ticks: this.tickDeltas.at(tickRun) };
				offset += size;
			}
		}
	}

	private chunkAt(chunk: number): number {
		return this.chunksHigh.at(chunk) * 2 ** 32 + this.chunksLow.at(chunk);
	}

	private async readEntries(
		box: BoxHeader,
		width: number,
		take: (bytes: Buffer, at: number) => void,
	): Promise<void> {
		const head = await readHead(this.cursor, box, 8);
		await this.readList(box, head.readUInt32BE(4), width, take);
	}

	private async readList(
		box: BoxHeader,
		count: number,
		width: number,
		take: (bytes: Buffer, at: number) => void,
	): Promise<void> {
		let left = count * width;
		if (left > box.end - this.cursor.position) throw damaged(`box '${box.type}'`);
		while (left > 0) {
			const slice = await this.cursor.read(Math.min(left, SLICE - (SLICE % width)));
			for (let at = 0; at < slice.length; at += width) take(slice, at);
			left -= slice.length;
		}
	}

	/** Sizes of 4, 8 or 16 bits. */
	private async readCompactSizes(box: BoxHeader, width: number, count: number): Promise<void> {
		if (width === 16) {
			await this.readList(box, count, 2, (bytes, at) => this.sizes.push(bytes.readUInt16BE(at)));
		} else if (width === 8) {
			await this.readList(box, count, 1, (bytes, at) => this.sizes.push(bytes.readUInt8(at)));
		} else if (width === 4) {
			let left = count;
			await this.readList(box, Math.ceil(count / 2), 1, (bytes, at) => {
				const byte = bytes.readUInt8(at);
				this.sizes.push(byte >> 4);
				if (--left > 0) this.sizes.push(byte & 15);
				left--;
			});
		} else {
			throw damaged("box 'stz2'");
		}
	}
}

async function readHead(cursor: Cursor, box: BoxHeader, length: number): Promise<Buffer> {
	if (box.end - box.bodyStart < length) throw damaged(`box '${box.type}'`);
	return await cursor.read(length);
}

/** The part of the movie that is played, out of a track's edit list (8.6.6). */
export interface Edit {
	/** Seconds of nothing before the sound. */
	delay: number;
	/** In ticks of the track: the first that is heard. */
	from: number;
	/** In seconds: what is heard, where it is said. */
	duration?: number;
	/** More than one where the track was edited without being written anew. */
	pieces: number;
}

const MAX_EDIT_LIST = 65_536;

export async function readEditList(
	cursor: Cursor,
	box: BoxHeader,
	movieTimescale: number,
): Promise<Edit> {
	const bytes = await readBody(cursor, box, MAX_EDIT_LIST);
	if (bytes.length < 8) throw damaged("box 'elst'");
	const width = bytes.readUInt8(0) === 1 ? 20 : 12;
	const count = bytes.readUInt32BE(4);
	if (count * width > bytes.length - 8) throw damaged("box 'elst'");
	const edit: Edit = { delay: 0, from: 0, pieces: 0 };
	for (let at = 8; at < 8 + count * width; at += width) {
		const { duration, from } = readEdit(bytes, at, width === 20);
		const seconds = movieTimescale > 0 ? duration / movieTimescale : 0;
		if (from === undefined) {
			if (edit.pieces === 0) edit.delay += seconds;
			continue;
		}
		if (edit.pieces++ > 0) continue;
		edit.from = from;
		if (seconds > 0) edit.duration = seconds;
	}
	return edit;
}

function readEdit(bytes: Buffer, at: number, isLong: boolean): { duration: number; from?: number } {
	const from = isLong ? Number(bytes.readBigInt64BE(at + 8)) : bytes.readInt32BE(at + 4);
	const duration = isLong ? Number(bytes.readBigUInt64BE(at)) : bytes.readUInt32BE(at);
	return from < 0 ? { duration } : { duration, from };
}
