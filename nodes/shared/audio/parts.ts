import {
	UnreadableRecording,
	type Packet,
	type PartFile,
	type SoundTrack,
} from './containers/container';
import { longestPause } from './pause';

/** What a part may have at most. */
export interface PartLimits {
	/** Of its file. */
	bytes: number;
	/** `Infinity` where only its size counts. */
	seconds: number;
}

/** A part of a recording, as a file of its own. Times in seconds from the recording's beginning. */
export interface Part {
	file: PartFile;
	/** Where what it speaks for begins: at 0, at the end of the part before, or `overlap` earlier. */
	start: number;
	end: number;
	/**
	 * Where its file begins, which is what its own times are counted from: earlier than `start` by
	 * the packets that a decoder needs to be right, which lie in the same pause.
	 */
	offset: number;
	/** How many seconds from `start` on the part before has too; 0 where a pause parts them. */
	overlap: number;
	/** Whether the recording ends with it. */
	isLast: boolean;
}

/** Of a part: where the place to cut is looked for. */
const SEARCHED_SHARE = 0.2;
const OVERLAP_SECONDS = 8;
/** The most of a part that the next has again, so that short parts get on. */
const OVERLAP_SHARE = 0.2;

/**
 * Cuts a recording into parts while it is read, in the longest pause in the last fifth of each. Where
 * there is none, the next part begins 8 s before the end of the part. Holds the packets of one part,
 * and only while it is written its file too.
 *
 * @throws UnreadableRecording where the recording is damaged, or holds no sound
 */
export async function* cutIntoParts(
	track: SoundTrack,
	limits: PartLimits,
): AsyncGenerator<Part, void, undefined> {
	const slabs = new Slabs();
	let held = new Held(track, limits);
	let begin: Beginning | undefined;
	for await (const packet of track.packets()) {
		while (!held.hasRoomFor(packet)) {
			if (held.packets.length === 0) throw tooLong(packet, limits);
			const cut = held.cut();
			const part = held.part(begin, cut, false);
			begin = cut.next;
			// What the part has is let go before it is handed out and waited for.
			held = held.from(cut.next.index);
			yield part;
		}
		held.add({ ...packet, bytes: slabs.keep(packet.bytes) });
	}
	if (held.packets.length === 0) throw new UnreadableRecording('The recording holds no sound');
	yield held.part(begin, { index: held.packets.length, end: held.end }, true);
}

interface Beginning {
	/** Of the first packet of the next part's file, among those held. */
	index: number;
	start: number;
	overlap: number;
}

interface End {
	/** Of the first packet held that is not in the part. */
	index: number;
	end: number;
}

interface Cut extends End {
	next: Beginning;
}

/** The packets of a part that is being filled. */
class Held {
	readonly packets: Packet[] = [];

	private bytes = 0;

	constructor(
		private readonly track: SoundTrack,
		private readonly limits: PartLimits,
	) {}

	get end(): number {
		const last = this.packets.at(-1);
		return last ? last.start + last.duration : 0;
	}

	add(packet: Packet): void {
		this.packets.push(packet);
		this.bytes += packet.bytes.length;
	}

	hasRoomFor(packet: Packet): boolean {
		const size = this.track.sizeOf(this.packets.length + 1, this.bytes + packet.bytes.length);
		const begin = this.packets[0]?.start ?? packet.start;
		const isTooLong = packet.start + packet.duration - begin > this.limits.seconds;
		return size <= this.limits.bytes && (!isTooLong || this.packets.length === 0);
	}

	cut(): Cut {
		const { packets } = this;
		const { warmUp } = this.track;
		const searched = this.searchedFrom();
		const pause = longestPause(packets.slice(searched), warmUp);
		if (!pause) return this.overlapping(warmUp);
		const first = searched + pause.first;
		const last = searched + pause.end - 1;
		const middle = (this.startOf(first) + this.startOf(last) + warmUp) / 2;
		const index = Math.max(first + 1, this.lastBegunBy(middle));
		const end = this.startOf(index);
		const next = Math.max(first, this.lastBegunBy(end - warmUp));
		return { index, end, next: { index: next, start: end, overlap: 0 } };
	}

	part(begin: Beginning | undefined, { index, end }: End, isLast: boolean): Part {
		const packets = this.packets.slice(0, index);
		const offset = packets[0]?.start ?? 0;
		return {
			file: this.track.write(packets),
			start: begin?.start ?? 0,
			end,
			offset,
			overlap: begin?.overlap ?? 0,
			isLast,
		};
	}

	/** What is held from a packet on. */
	from(index: number): Held {
		const rest = new Held(this.track, this.limits);
		for (const packet of this.packets.slice(index)) rest.add(packet);
		return rest;
	}

	/** The part ends with all that is held, and the next begins with what can be heard again. */
	private overlapping(warmUp: number): Cut {
		const { packets, end } = this;
		const seconds = end - this.startOf(0);
		const wanted = end - Math.min(OVERLAP_SECONDS, seconds * OVERLAP_SHARE);
		const heard = Math.max(1, this.lastBegunBy(wanted));
		const start = Math.min(end, this.startOf(heard));
		const index = Math.max(1, Math.ceil(packets.length / 2), this.lastBegunBy(start - warmUp));
		const next = { index, start: Math.max(start, this.startOf(index)) };
		return { index: packets.length, end, next: { ...next, overlap: end - next.start } };
	}

	/** The first packet in the last fifth, by whatever limit was reached. */
	private searchedFrom(): number {
		const { packets, track, limits } = this;
		const begin = this.startOf(0);
		let bytes = this.bytes;
		let index = packets.length;
		for (; index > 1; index--) {
			const filled = Math.max(
				track.sizeOf(index, bytes) / limits.bytes,
				(this.startOf(index - 1) - begin) / limits.seconds,
			);
			if (filled < 1 - SEARCHED_SHARE) break;
			bytes -= packets[index - 1]?.bytes.length ?? 0;
		}
		return index;
	}

	private startOf(index: number): number {
		return this.packets[index]?.start ?? this.end;
	}

	/** The last packet that has begun by a time. */
	private lastBegunBy(seconds: number): number {
		let low = 0;
		let high = this.packets.length - 1;
		while (low < high) {
			const middle = Math.ceil((low + high) / 2);
			if (this.startOf(middle) <= seconds) low = middle;
			else high = middle - 1;
		}
		return low;
	}
}

const SLAB_BYTES = 262_144;

/**
 * Copies packets together, since each would otherwise keep all the bytes in memory that it was read
 * with: of a video, a hundred times its own.
 */
class Slabs {
	private slab = Buffer.alloc(0);

	private used = 0;

	keep(bytes: Buffer): Buffer {
		if (bytes.length > this.slab.length - this.used) {
			this.slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, bytes.length));
			this.used = 0;
		}
		const kept = this.slab.subarray(this.used, this.used + bytes.length);
		bytes.copy(kept);
		this.used += bytes.length;
		return kept;
	}
}

function tooLong(packet: Packet, limits: PartLimits): UnreadableRecording {
	return new UnreadableRecording(
		`The recording cannot be cut finely enough: ${packet.bytes.length} bytes of it belong together, and a part has ${limits.bytes} at most`,
	);
}
