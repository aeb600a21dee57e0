import {
	UnreadableRecording,
	type ContainerFormat,
	type Packet,
	type SoundTrack,
} from './container';
import { Cursor } from './cursor';
import { packetsOf, parseBlockHeader } from './matroska/block';
import { codecOf, type CodecOrRefusal, type MatroskaCodec } from './matroska/codec';
import { damaged, elementsIn, float, readElement, unsigned, type Element } from './matroska/ebml';
import { ID } from './matroska/ids';
import { isSound, isVideo, readTracks, type TrackEntry } from './matroska/track';

const SIGNATURE = Buffer.from('1a45dfa3', 'hex');
/** Longer descriptions of tracks are meant to fill memory. */
const MAX_TRACKS_BYTES = 4 << 20;
const MAX_INFO_BYTES = 1 << 20;
const MAX_FIELD_BYTES = 64;
/** No block of sound is longer. */
const MAX_BLOCK_BYTES = 4 << 20;
const DEFAULT_TIMESTAMP_SCALE = 1_000_000;
const MAX_SECONDS = 10 * 24 * 3600;
/** In ticks: how far a block's time, which is rounded, may be from where the packets lead. */
const ROUNDING = 2;

/** Matroska (RFC 9559) and WebM. */
export const MATROSKA: ContainerFormat = {
	name: 'WebM or MKV',
	matches: (start) => start.subarray(0, 4).equals(SIGNATURE),
	open: async (recording) => {
		const cursor = new Cursor(await recording.open());
		const head = await readHead(cursor);
		const { sound, isVideo: hasVideo } = head;
		const kind = hasVideo ? `${head.kind} video` : head.kind;
		if (!sound) throw new UnreadableRecording(`The ${kind} has no sound`);
		if ('refusal' in sound.codec) {
			throw new UnreadableRecording(`The ${kind} cannot be cut: ${sound.codec.refusal}`);
		}
		const { codec } = sound.codec;
		return new MatroskaSoundTrack(`${kind} (${codec.name})`, codec, cursor, head, sound.track);
	},
};

interface Head {
	/** `WebM` or `MKV`. */
	kind: string;
	isVideo: boolean;
	sound?: { track: TrackEntry; codec: CodecOrRefusal };
	/** In seconds. */
	tick: number;
	/** In seconds, where it is stated. */
	duration?: number;
	segmentEnd: number;
	/** The first cluster, whose header has been read. */
	cluster: Element;
}

/** Reads up to the first cluster. */
async function readHead(cursor: Cursor): Promise<Head> {
	const ebml = await readElement(cursor);
	if (ebml?.id !== ID.ebml) throw damaged('its beginning');
	const docType = await readDocType(cursor, ebml);
	const segment = await readElement(cursor);
	if (segment?.id !== ID.segment) throw damaged('its beginning');
	const head = { kind: docType === 'webm' ? 'WebM' : 'MKV', segmentEnd: segment.end };
	let tracks: TrackEntry[] = [];
	let times: Times = { tick: DEFAULT_TIMESTAMP_SCALE / 1e9 };
	while (cursor.position < segment.end) {
		const child = await readElement(cursor);
		if (!child) break;
		if (child.id === ID.cluster) {
			const hasVideo = tracks.some(isVideo);
			return { ...head, ...times, isVideo: hasVideo, ...chooseSound(tracks), cluster: child };
		}
		if (child.end > segment.end || child.end === Infinity) throw damaged('an element');
		if (child.id === ID.tracks)
			tracks = readTracks(await readBody(cursor, child, MAX_TRACKS_BYTES));
		if (child.id === ID.info) times = readInfo(await readBody(cursor, child, MAX_INFO_BYTES));
		await cursor.moveTo(child.end);
	}
	throw new UnreadableRecording(`The ${head.kind} is cut off: it ends before its sound`);
}

async function readDocType(cursor: Cursor, ebml: Element): Promise<string> {
	for (const { id, body } of elementsIn(await readBody(cursor, ebml, MAX_INFO_BYTES))) {
		if (id === ID.docType) return body.toString('latin1').replace(/\0+$/, '');
	}
	return 'matroska';
}

interface Times {
	tick: number;
	duration?: number;
}

function readInfo(info: Buffer): Times {
	let scale = DEFAULT_TIMESTAMP_SCALE;
	let ticks = 0;
	for (const { id, body } of elementsIn(info)) {
		if (id === ID.timestampScale) scale = unsigned(body);
		if (id === ID.duration) ticks = float(body);
	}
	const tick = scale / 1e9;
	return { tick, ...(ticks > 0 && ticks * tick < MAX_SECONDS && { duration: ticks * tick }) };
}

async function readBody(
	cursor: Cursor,
	{ bodyStart, end }: Element,
	most: number,
): Promise<Buffer> {
	if (end - bodyStart > most) throw damaged('the size of an element');
	return await cursor.read(end - bodyStart);
}

/** The first track that is switched on is the one to hear, if it can be read. */
function chooseSound(tracks: readonly TrackEntry[]): Pick<Head, 'sound'> {
	let best: { sound: NonNullable<Head['sound']>; rank: number } | undefined;
	for (const track of tracks.filter(isSound)) {
		const { obstacle } = track;
		const codec = obstacle === undefined ? codecOf(track) : { refusal: obstacle };
		const rank = ('codec' in codec ? 2 : 0) + (track.isEnabled ? 1 : 0);
		if (!best || rank > best.rank) best = { sound: { track, codec }, rank };
	}
	return best ? { sound: best.sound } : {};
}

/** A packet with the time of its block. */
interface TimedPacket {
	bytes: Buffer;
	/** In seconds, as stored; that of further packets of a block is not. */
	stored?: number;
	/** In seconds: what its end is not heard of. */
	discarded: number;
}

class MatroskaSoundTrack implements SoundTrack {
	readonly isVideo: boolean;

	readonly duration?: number;

	readonly warmUp: number;

	constructor(
		readonly format: string,
		private readonly codec: MatroskaCodec,
		private readonly cursor: Cursor,
		private readonly head: Head,
		private readonly track: TrackEntry,
	) {
		this.isVideo = head.isVideo;
		if (head.duration !== undefined) this.duration = head.duration;
		this.warmUp = codec.warmUp;
	}

	packets(): AsyncGenerator<Packet, void, undefined> {
		return this.codec.isOverlapped ? withTimeOfSuccessor(this.stored()) : this.stored();
	}

	/** A packet lasts until the next begins, so one is held until its successor is known. */
	private async *stored(): AsyncGenerator<Packet, void, undefined> {
		let held: TimedPacket[] = [];
		let start = 0;
		let length = 0;
		for await (const packet of blocks(this.cursor, this.head, this.track)) {
			if (held.length > 0 && packet.stored !== undefined) {
				const begin = this.snap(packet.stored, start, this.expected(held, length));
				yield* this.finish(held, start, begin - start);
				length = (begin - start) / held.length;
				start = begin;
				held = [];
			} else if (held.length === 0) {
				start = packet.stored ?? 0;
			}
			held.push(packet);
		}
		yield* this.finish(held, start, this.expected(held, length));
	}

	sizeOf(packets: number, bytes: number): number {
		return this.codec.sizeOf(packets, bytes);
	}

	write(packets: readonly Packet[]) {
		return this.codec.write(packets);
	}

	/** What the packets of a block last by themselves; like those before, where they do not say. */
	private expected(held: readonly TimedPacket[], before: number): number {
		return held.reduce((sum, { bytes }) => sum + (this.codec.secondsOf(bytes) ?? before), 0);
	}

	/** Where a block begins: where the packets before it end, if its rounded time allows. */
	private snap(stored: number, start: number, length: number): number {
		const expected = start + length;
		const isNear = Math.abs(stored - expected) <= ROUNDING * this.head.tick;
		if (isNear && this.codec.secondsOf(Buffer.alloc(1)) !== undefined) return expected;
		return Math.max(stored, start);
	}

	private *finish(
		held: readonly TimedPacket[],
		begin: number,
		length: number,
	): Generator<Packet, void, undefined> {
		if (begin + length > MAX_SECONDS) throw damaged('a time');
		for (const [index, { bytes, discarded }] of held.entries()) {
			const from = begin + (length * index) / held.length - this.track.codecDelay;
			const end = from + Math.max(0, length / held.length - discarded);
			const start = Math.max(0, from);
			const loudness = this.codec.loudness(bytes, end - from);
			yield {
				bytes,
				start,
				duration: Math.max(0, end - start),
				...(from < 0 && { priming: Math.min(end, 0) - from }),
				...(loudness !== undefined && { loudness }),
			};
		}
	}
}

/**
 * A packet's time is stored as that of the sound it completes. What decoding gives first, from any
 * packet on, is what the next one completes.
 */
async function* withTimeOfSuccessor(
	packets: AsyncIterable<Packet>,
): AsyncGenerator<Packet, void, undefined> {
	let before: Packet | undefined;
	let lead: number | undefined;
	let end = 0;
	for await (const packet of packets) {
		if (before) {
			lead ??= packet.start;
			const start = packet.start - lead;
			const { bytes, loudness } = before;
			yield { ...packet, bytes, start, ...(loudness !== undefined && { loudness }) };
			end = start + packet.duration;
		}
		before = packet;
	}
	if (before) yield { ...before, start: end, duration: 0 };
}

/**
 * The packets of one track in the order of the file. Clusters and groups are read as if their
 * children stood beside them, so that a size that is unknown does not matter.
 */
async function* blocks(
	cursor: Cursor,
	head: Head,
	track: TrackEntry,
): AsyncGenerator<TimedPacket, void, undefined> {
	const { tick, segmentEnd } = head;
	let clusterEnd = head.cluster.end;
	let groupEnd = 0;
	let clusterTime = 0;
	let origin = Infinity;
	let hasBegun = false;
	let last: TimedPacket | undefined;
	while (cursor.position < segmentEnd) {
		const child = await readElement(cursor);
		if (!child) break;
		const limit = limitAt(child.bodyStart, groupEnd, clusterEnd, segmentEnd);
		const { id, end } = child;
		if (id === ID.cluster) {
			clusterEnd = end;
			continue;
		}
		if (end > limit || end === Infinity) throw damaged('the size of an element');
		if (id === ID.blockGroup) {
			groupEnd = end;
			continue;
		}
		if (id === ID.timestamp) {
			clusterTime = unsigned(await readBody(cursor, child, MAX_FIELD_BYTES));
		} else if (id === ID.simpleBlock || id === ID.block) {
			const start = await cursor.peek(Math.min(12, end - child.bodyStart));
			const header = parseBlockHeader(start);
			const time = (clusterTime + header.timestamp) * tick;
			if (!hasBegun) origin = Math.min(origin, time);
			if (header.track === track.number) {
				hasBegun = true;
				const body = await readBody(cursor, child, MAX_BLOCK_BYTES);
				// A copy, since the bytes of a stream keep all of the piece alive that they came in.
				const packets = packetsOf(Buffer.from(body.subarray(header.length)), header.flags);
				for (const [index, stored] of packets.entries()) {
					if (stored.length === 0) continue;
					const bytes =
						track.strippedHeader.length > 0
							? Buffer.concat([track.strippedHeader, stored])
							: stored;
					last = { bytes, discarded: 0, ...(index === 0 && { stored: time - origin }) };
					yield last;
				}
			}
		} else if (id === ID.discardPadding && last && cursor.position < groupEnd) {
			const padding = await readBody(cursor, child, MAX_FIELD_BYTES);
			if (padding.length > 0 && padding.readInt8(0) >= 0) last.discarded = unsigned(padding) / 1e9;
		} else if (id === ID.encryptedBlock) {
			throw new UnreadableRecording(`The ${head.kind} cannot be cut: its blocks are encrypted`);
		}
		await cursor.moveTo(end);
	}
	if (segmentEnd !== Infinity && cursor.position < segmentEnd) {
		throw new UnreadableRecording('The file is cut off: it ends before its sound');
	}
}

/** Where an element must end that begins there, by the smallest that holds it. */
function limitAt(
	position: number,
	groupEnd: number,
	clusterEnd: number,
	segmentEnd: number,
): number {
	if (position <= groupEnd) return groupEnd;
	return clusterEnd !== Infinity && position <= clusterEnd ? clusterEnd : segmentEnd;
}
