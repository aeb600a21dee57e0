import type { ByteReader } from '../byteReader';
import { crc32 } from './crc';
import { UnreadableRecording } from './container';

const SIGNATURE = 'OggS';
/** Up to the table of segments (RFC 3533, 6). */
const HEADER_BYTES = 27;
const CHECK_AT = 22;
/** What stands for the check while it is computed. */
const NO_CHECK = Buffer.alloc(4);
const MAX_REST_BYTES = 65_536;
const MAX_SEGMENTS = 255;
const SEGMENT_BYTES = 255;
const FLAGS = { isContinued: 1, isFirst: 2, isLast: 4 };
/** Says that no packet ends on the page. */
const NO_POSITION = 0xffff_ffff_ffff_ffffn;
/** More than any packet of sound or setup has; a comment with pictures may. */
const MAX_PACKET_BYTES = 16 * 1024 * 1024;

export interface OggPage {
	isContinued: boolean;
	/** Whether a logical stream begins with it. */
	isFirst: boolean;
	/** Whether its logical stream ends with it. */
	isLast: boolean;
	/** In samples, at the end of the last packet that ends on the page; `undefined` where none does. */
	position: number | undefined;
	/** Of its logical stream. */
	serial: number;
	/** The packets on it; the last may go on on the next page. */
	packets: Buffer[];
	/** Whether the last of `packets` goes on on the next page. */
	goesOn: boolean;
}

/** Reads the pages of a recording one after another. */
export class PageReader {
	private endsWithinPage = false;

	constructor(private readonly reader: ByteReader) {}

	/** Whether the recording was found to end within a page. */
	get isCutOff(): boolean {
		return this.endsWithinPage;
	}

	/** @returns `undefined` at the end. @throws UnreadableRecording where a page is damaged */
	async next(): Promise<OggPage | undefined> {
		const start = await this.reader.peek(HEADER_BYTES);
		if (start.toString('latin1', 0, 4) !== SIGNATURE) return await this.endOrDamage();
		const segments = start[HEADER_BYTES - 1] ?? 0;
		const header = await this.reader.peek(HEADER_BYTES + segments);
		const table = header.subarray(HEADER_BYTES);
		const length = header.length + table.reduce((sum, size) => sum + size, 0);
		const bytes = await this.reader.read(length);
		if (start.length < HEADER_BYTES || table.length < segments || bytes.length < length) {
			this.endsWithinPage = true;
			return undefined;
		}
		return parsePage(bytes, table, header.length);
	}

	/** What is no page may stand behind the last one; between two it took the place of sound. */
	private async endOrDamage(): Promise<undefined> {
		const rest = await this.reader.peek(MAX_REST_BYTES);
		if (rest.length === MAX_REST_BYTES || rest.includes(SIGNATURE, 0, 'latin1')) {
			throw new UnreadableRecording('The Ogg file is damaged: a page is missing its beginning');
		}
		this.endsWithinPage = rest.length > 0;
		return undefined;
	}
}

function parsePage(page: Buffer, table: Buffer, bodyAt: number): OggPage {
	const before = crc32(page.subarray(0, CHECK_AT));
	const check = crc32(page.subarray(CHECK_AT + NO_CHECK.length), crc32(NO_CHECK, before));
	if (check !== page.readUInt32LE(CHECK_AT)) {
		throw new UnreadableRecording('The Ogg file is damaged: the check of a page is wrong');
	}
	const flags = page[5] ?? 0;
	const position = page.readBigUInt64LE(6);
	return {
		isContinued: (flags & FLAGS.isContinued) !== 0,
		isFirst: (flags & FLAGS.isFirst) !== 0,
		isLast: (flags & FLAGS.isLast) !== 0,
		position: position === NO_POSITION ? undefined : Number(BigInt.asIntN(64, position)),
		serial: page.readUInt32LE(14),
		...packetsOf(page.subarray(bodyAt), table),
	};
}

function packetsOf(body: Buffer, table: Buffer): Pick<OggPage, 'packets' | 'goesOn'> {
	const packets: Buffer[] = [];
	let start = 0;
	let end = 0;
	for (const size of table) {
		end += size;
		if (size === SEGMENT_BYTES) continue;
		packets.push(body.subarray(start, end));
		start = end;
	}
	const goesOn = table.at(-1) === SEGMENT_BYTES;
	if (goesOn) packets.push(body.subarray(start, end));
	return { packets, goesOn };
}

/** Puts the packets of one logical stream together that lie on several pages. */
export class PacketAssembler {
	private started: Buffer[] = [];

	private size = 0;

	/** The packets that end on the page. @throws UnreadableRecording where one has no end */
	push({ packets, isContinued, goesOn }: OggPage): Buffer[] {
		const whole: Buffer[] = [];
		for (const [index, bytes] of packets.entries()) {
			const continues = index === 0 && isContinued;
			if (continues && this.size === 0) continue;
			if (!continues) this.clear();
			this.started.push(bytes);
			this.size += bytes.length;
			if (this.size > MAX_PACKET_BYTES) {
				throw new UnreadableRecording('The Ogg file is damaged: one packet is longer than 16 MB');
			}
			if (index === packets.length - 1 && goesOn) break;
			whole.push(this.started.length === 1 ? bytes : Buffer.concat(this.started));
			this.clear();
		}
		return whole;
	}

	private clear(): void {
		this.started = [];
		this.size = 0;
	}
}

/** What `packets` packets with so many bytes in all take as pages of `PageWriter`, at most. */
export function sizeOfPages(packets: number, bytes: number): number {
	const segments = packets + Math.floor(bytes / SEGMENT_BYTES);
	const pages = Math.ceil(segments / MAX_SEGMENTS + packets / PACKETS_A_PAGE) + 1;
	return bytes + segments + pages * HEADER_BYTES;
}

/** About a second of Opus: players find a place by pages. */
const PACKETS_A_PAGE = 50;

/** Writes the pages of one logical stream. */
export class PageWriter {
	private readonly pages: Buffer[] = [];

	private table: number[] = [];

	private body: Buffer[] = [];

	private packetsOnPage = 0;

	private position: number | undefined;

	private isContinued = false;

	constructor(private readonly serial: number) {}

	/** @param position in samples, at the packet's end */
	add(packet: Buffer, position: number): void {
		let offset = 0;
		for (let isWhole = false; !isWhole; ) {
			if (this.table.length === MAX_SEGMENTS) this.flush(offset > 0);
			const size = Math.min(SEGMENT_BYTES, packet.length - offset);
			this.table.push(size);
			this.body.push(packet.subarray(offset, offset + size));
			offset += size;
			isWhole = size < SEGMENT_BYTES;
		}
		this.position = position;
		this.packetsOnPage++;
		if (this.packetsOnPage === PACKETS_A_PAGE) this.flush(false);
	}

	/** Ends a page, where one has begun. @param goesOn whether its last packet continues on the next */
	flush(goesOn: boolean): void {
		if (this.table.length === 0) return;
		const header = Buffer.alloc(HEADER_BYTES);
		header.write(SIGNATURE, 0, 'latin1');
		header[5] =
			(this.isContinued ? FLAGS.isContinued : 0) | (this.pages.length === 0 ? FLAGS.isFirst : 0);
		header.writeBigUInt64LE(this.position === undefined ? NO_POSITION : BigInt(this.position), 6);
		header.writeUInt32LE(this.serial, 14);
		header.writeUInt32LE(this.pages.length, 18);
		header[HEADER_BYTES - 1] = this.table.length;
		this.pages.push(Buffer.concat([header, Buffer.from(this.table), ...this.body]));
		this.table = [];
		this.body = [];
		this.packetsOnPage = 0;
		this.position = undefined;
		this.isContinued = goesOn;
	}

	/** The stream, whose last page says that it is. */
	end(): Buffer {
		this.flush(false);
		const last = this.pages.at(-1);
		if (last) last[5] = (last[5] ?? 0) | FLAGS.isLast;
		for (const page of this.pages) page.writeUInt32LE(crc32(page), CHECK_AT);
		return Buffer.concat(this.pages);
	}
}
