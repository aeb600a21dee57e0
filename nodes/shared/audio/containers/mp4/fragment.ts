import { GrowingTable } from '../growingTable';
import type { Cursor } from '../cursor';
import { damaged, readBody, readChildren, readUInt64, type BoxHeader } from './boxes';
import { readFragmentTime, type SampleDefaults } from './movie';
import type { Sample } from './sampleTable';

const MAX_RUNS = 65_536;
const MAX_FIELDS = 1_024;
const SLICE = 65_536;

/** Flags of a `tfhd` (ISO/IEC 14496-12, 8.8.7). */
const HAS_BASE_OFFSET = 0x1;
const HAS_DESCRIPTION = 0x2;
const HAS_DEFAULT_TICKS = 0x8;
const HAS_DEFAULT_SIZE = 0x10;
const BASE_IS_FRAGMENT = 0x20000;
/** Flags of a `trun` (8.8.8). */
const HAS_OFFSET = 0x1;
const HAS_FIRST_FLAGS = 0x4;
const HAS_TICKS = 0x100;
const HAS_SIZES = 0x200;
const HAS_FLAGS = 0x400;
const HAS_COMPOSITION = 0x800;

interface Run {
	offset: number;
	count: number;
	/** For what `ticks` and `sizes` leave out. */
	defaults: SampleDefaults;
	hasTicks: boolean;
	hasSizes: boolean;
}

/** The samples that a `moof` gives one track. */
export class Fragment {
	/** In ticks, where it says so. */
	begins?: number;
	private readonly runs: Run[] = [];
	private readonly ticks = new GrowingTable();
	private readonly sizes = new GrowingTable();
	/** Where the bytes of the next run are that does not say so. */
	private dataEnd: number;

	private constructor(
		private readonly cursor: Cursor,
		private readonly moof: BoxHeader,
	) {
		this.dataEnd = moof.start;
	}

	static async read(
		cursor: Cursor,
		moof: BoxHeader,
		trackId: number,
		defaults: ReadonlyMap<number, SampleDefaults>,
	): Promise<Fragment> {
		const fragment = new Fragment(cursor, moof);
		await readChildren(cursor, moof, {
			traf: async (traf) => await fragment.readTrack(traf, trackId, defaults),
		});
		return fragment;
	}

	/** In order of time. */
	*samples(): Generator<Sample, void, undefined> {
		let tick = 0;
		let entry = 0;
		for (const { offset: start, count, defaults, hasTicks, hasSizes } of this.runs) {
			let offset = start;
			for (let sample = 0; sample < count; sample++) {
				const size = hasSizes ? this.sizes.at(entry++) : defaults.size;
				yield { offset, size, ticks: hasTicks ? this.ticks.at(tick++) : defaults.ticks };
				offset += size;
			}
		}
	}

	private async readTrack(
		traf: BoxHeader,
		trackId: number,
		allDefaults: ReadonlyMap<number, SampleDefaults>,
	): Promise<void> {
		let isOurs = false;
		let base = this.dataEnd;
		let defaults: SampleDefaults = { size: 0, ticks: 0 };
		await readChildren(this.cursor, traf, {
			tfhd: async (box) => {
				const bytes = await readBody(this.cursor, box, MAX_FIELDS);
				const header = readTrackHeader(bytes, allDefaults);
				isOurs = header.id === trackId;
				defaults = header.defaults;
				base = header.base ?? (header.isBaseFragment ? this.moof.start : this.dataEnd);
				this.dataEnd = base;
			},
			tfdt: async (box) => {
				const time = readFragmentTime(await readBody(this.cursor, box, MAX_FIELDS));
				if (isOurs) this.begins ??= time;
			},
			trun: async (box) => {
				await this.readRun(box, isOurs, base, defaults);
			},
		});
	}

	private async readRun(
		box: BoxHeader,
		isOurs: boolean,
		base: number,
		defaults: SampleDefaults,
	): Promise<void> {
		if (box.end - box.bodyStart < 8) throw damaged("box 'trun'");
		const head = await this.cursor.read(8);
		const flags = head.readUInt32BE(0);
		const count = head.readUInt32BE(4);
		const width = 4 * bitsIn(flags & (HAS_TICKS | HAS_SIZES | HAS_FLAGS | HAS_COMPOSITION));
		const optional = 4 * bitsIn(flags & (HAS_OFFSET | HAS_FIRST_FLAGS));
		if (optional + count * width > box.end - this.cursor.position) throw damaged("box 'trun'");
		const fields = await this.cursor.read(optional);
		const offset = flags & HAS_OFFSET ? base + fields.readInt32BE(0) : this.dataEnd;
		const hasTicks = (flags & HAS_TICKS) !== 0;
		const hasSizes = (flags & HAS_SIZES) !== 0;
		if (isOurs && !hasSizes && defaults.size === 0 && count > 0) throw damaged("box 'trun'");
		let bytes = hasSizes ? 0 : count * defaults.size;
		const sizeAt = hasTicks ? 4 : 0;
		for (let left = count * width; left > 0; ) {
			const slice = await this.cursor.read(Math.min(left, SLICE - (SLICE % width)));
			for (let at = 0; at < slice.length; at += width) {
				if (hasSizes) bytes += slice.readUInt32BE(at + sizeAt);
				if (isOurs && hasTicks) this.ticks.push(slice.readUInt32BE(at));
				if (isOurs && hasSizes) this.sizes.push(slice.readUInt32BE(at + sizeAt));
			}
			left -= slice.length;
		}
		this.dataEnd = offset + bytes;
		if (!isOurs) return;
		if (this.runs.length === MAX_RUNS) throw damaged('its number of runs');
		this.runs.push({ offset, count, defaults, hasTicks, hasSizes });
	}
}

interface TrackFragmentHeader {
	id: number;
	base?: number;
	isBaseFragment: boolean;
	defaults: SampleDefaults;
}

function readTrackHeader(
	tfhd: Buffer,
	allDefaults: ReadonlyMap<number, SampleDefaults>,
): TrackFragmentHeader {
	const flags = tfhd.length >= 8 ? tfhd.readUInt32BE(0) : 0;
	const fields = bitsIn(flags & (HAS_DESCRIPTION | HAS_DEFAULT_TICKS | HAS_DEFAULT_SIZE));
	const hasBase = (flags & HAS_BASE_OFFSET) !== 0;
	if (tfhd.length < 8 + (hasBase ? 8 : 0) + 4 * fields) throw damaged("box 'tfhd'");
	const id = tfhd.readUInt32BE(4);
	const defaults = { ...(allDefaults.get(id) ?? { size: 0, ticks: 0 }) };
	let at = hasBase ? 16 : 8;
	if (flags & HAS_DESCRIPTION) at += 4;
	if (flags & HAS_DEFAULT_TICKS) {
		defaults.ticks = tfhd.readUInt32BE(at);
		at += 4;
	}
	if (flags & HAS_DEFAULT_SIZE) defaults.size = tfhd.readUInt32BE(at);
	const isBaseFragment = (flags & BASE_IS_FRAGMENT) !== 0;
	return { id, defaults, isBaseFragment, ...(hasBase && { base: readUInt64(tfhd, 8) }) };
}

function bitsIn(flags: number): number {
	let count = 0;
	for (let left = flags; left !== 0; left >>>= 1) count += left & 1;
	return count;
}
