import {
	UnreadableRecording,
	type ContainerFormat,
	type Packet,
	type RecordingBytes,
	type SoundTrack,
} from './container';
import { Cursor } from './cursor';
import { damaged, readBoxHeader } from './mp4/boxes';
import { Fragment } from './mp4/fragment';
import { readMovie, type Movie, type SoundTrackEntry } from './mp4/movie';
import type { Edit, Sample } from './mp4/sampleTable';
import type { SoundCodec } from './mp4/soundDescription';
import { sizeOfM4a, writeM4a } from './mp4/write';

/** What a file of this family may begin with; QuickTime's older ones have no `ftyp`. */
const FIRST_BOXES = new Set(['ftyp', 'moov', 'mdat', 'wide', 'free', 'skip', 'pnot', 'styp']);
/** Before the first sound that is wanted, more is of no use to a decoder. */
const MAX_PRIMING = 0.3;
/** No packet of AAC or ALAC is longer. */
const MAX_PACKET_BYTES = 1 << 22;
/** Beyond it a time is not meant, but damaged. */
const MAX_SECONDS = 10 * 24 * 3600;

/** ISO base media files (ISO/IEC 14496-12) and QuickTime's: MP4, M4A, MOV and 3GP. */
export const MP4: ContainerFormat = {
	name: 'MP4, M4A or MOV',
	matches: (start) => FIRST_BOXES.has(start.toString('latin1', 4, 8)),
	open: async (recording) => {
		const cursor = new Cursor(await recording.open());
		const { movie, kind } = await findMovie(cursor);
		const { sound } = movie;
		if (!sound) throw new UnreadableRecording(`The ${kind} has no sound`);
		if ('refusal' in sound.description) {
			throw new UnreadableRecording(`The ${kind} cannot be cut: ${sound.description.refusal}`);
		}
		if (sound.edit.pieces > 1) {
			const pieces = `an edit list plays ${sound.edit.pieces} pieces of its sound`;
			throw new UnreadableRecording(`The ${kind} cannot be cut: ${pieces}`);
		}
		if (sound.timescale === 0) throw damaged('its unit of time');
		const { codec } = sound.description;
		const reader = await readerOf(recording, cursor, movie, sound);
		return new Mp4SoundTrack(`${kind} (${codec.name})`, movie.isVideo, codec, sound, reader);
	},
};

class Mp4SoundTrack implements SoundTrack {
	readonly duration?: number;

	readonly warmUp: number;

	constructor(
		readonly format: string,
		readonly isVideo: boolean,
		private readonly codec: SoundCodec,
		private readonly entry: SoundTrackEntry,
		private readonly samples: AsyncGenerator<TimedSample, void, undefined>,
	) {
		this.warmUp = codec.warmUp;
		const { edit, timescale } = entry;
		const ticks = entry.samples.ticksInAll();
		const stored = Math.max(0, ticks - edit.from) / timescale;
		if (stored > 0) this.duration = edit.delay + Math.min(stored, edit.duration ?? stored);
	}

	async *packets(): AsyncGenerator<Packet, void, undefined> {
		let held: TimedSample | undefined;
		const time = new Playback(this.entry.edit, this.entry.timescale);
		for await (const sample of this.samples) {
			if (held) {
				held.ticks = sample.at - held.at;
				const packet = time.packet(held, this.codec);
				if (packet) yield packet;
			}
			if (time.isOver(sample)) return;
			held = sample;
		}
		const last = held && time.packet(held, this.codec);
		if (last) yield last;
	}

	sizeOf(packets: number, bytes: number): number {
		return sizeOfM4a(this.codec, packets, bytes);
	}

	write(packets: readonly Packet[]) {
		return writeM4a(this.codec, this.entry.timescale, packets);
	}
}

/** A sample's bytes, and its time in ticks of its track. */
interface TimedSample {
	bytes: Buffer;
	at: number;
	ticks: number;
}

/** Maps a track's own time to that of the recording, as its edit list says. */
class Playback {
	/** In ticks: what is not heard after it. */
	private readonly to: number;

	constructor(
		private readonly edit: Edit,
		private readonly timescale: number,
	) {
		this.to = edit.duration === undefined ? Infinity : edit.from + edit.duration * timescale;
	}

	isOver({ at }: TimedSample): boolean {
		return at >= this.to;
	}

	/** @returns `undefined` for what is long before the beginning */
	packet({ bytes, at, ticks }: TimedSample, codec: SoundCodec): Packet | undefined {
		const { from, delay } = this.edit;
		const end = at + ticks;
		if (end < from - MAX_PRIMING * this.timescale) return undefined;
		const begin = Math.max(at, from);
		const start = delay + (begin - from) / this.timescale;
		if (start > MAX_SECONDS) throw damaged('a time');
		const loudness = codec.loudness(bytes);
		return {
			bytes,
			start,
			duration: Math.max(0, Math.min(end, this.to) - begin) / this.timescale,
			...(at < from && { priming: (Math.min(end, from) - at) / this.timescale }),
			...(loudness !== undefined && { loudness }),
		};
	}
}

interface FoundMovie {
	movie: Movie;
	/** `MP4`, `M4A`, `MOV`, `MP4 video` or `MOV video`. */
	kind: string;
}

/** Passes over what stands before the directory, which is read. */
async function findMovie(cursor: Cursor): Promise<FoundMovie> {
	let brand = 'qt  ';
	for (;;) {
		const box = await readBoxHeader(cursor);
		if (!box || box.type === 'moof') {
			throw new UnreadableRecording(
				'The MP4 or MOV has no directory (moov): its recording was not finished, or it is cut off',
			);
		}
		if (box.type === 'ftyp' && box.end - box.bodyStart >= 4) {
			brand = (await cursor.read(4)).toString('latin1');
		}
		if (box.type === 'moov') {
			const movie = await readMovie(cursor, box);
			await cursor.moveTowards(box.end);
			return { movie, kind: movie.isVideo ? `${kindOf(brand)} video` : kindOf(brand) };
		}
		await cursor.moveTowards(box.end);
	}
}

function kindOf(brand: string): string {
	if (brand === 'qt  ') return 'MOV';
	return /^M4[AB] $/.test(brand) ? 'M4A' : 'MP4';
}

/** The samples from where the cursor is on, or from the beginning where they stand before it. */
async function readerOf(
	recording: RecordingBytes,
	cursor: Cursor,
	movie: Movie,
	{ samples, id }: SoundTrackEntry,
): Promise<AsyncGenerator<TimedSample, void, undefined>> {
	const { length } = recording;
	if (length !== undefined && samples.lastChunkAt() >= length) {
		throw new UnreadableRecording(`The file is cut off: it ends after ${length} bytes`);
	}
	if (movie.fragments) return fragmentedSamples(cursor, samples.samples(), id, movie.fragments);
	if (samples.length === 0) throw new UnreadableRecording('The sound track is empty');
	const isBehind = samples.firstChunkAt() < cursor.position;
	return tableSamples(isBehind ? new Cursor(await recording.open()) : cursor, samples.samples());
}

async function* tableSamples(
	cursor: Cursor,
	samples: Iterable<Sample>,
): AsyncGenerator<TimedSample, void, undefined> {
	let at = 0;
	for (const sample of samples) {
		const { ticks } = sample;
		if (sample.size > 0) yield { bytes: await readSample(cursor, sample), at, ticks };
		at += ticks;
	}
}

/** Walks the fragments (`moof`) and the data behind each, as they stand in the file. */
async function* fragmentedSamples(
	cursor: Cursor,
	first: Iterator<Sample, void, undefined>,
	trackId: number,
	defaults: NonNullable<Movie['fragments']>,
): AsyncGenerator<TimedSample, void, undefined> {
	let samples = first;
	let next = samples.next();
	let at = 0;
	let origin: number | undefined;
	for (let box = await readBoxHeader(cursor); box; box = await readBoxHeader(cursor)) {
		if (box.type === 'moof') {
			if (!next.done) throw damaged('where a fragment keeps its sound');
			const fragment = await Fragment.read(cursor, box, trackId, defaults);
			if (fragment.begins !== undefined) {
				origin ??= fragment.begins - at;
				at = Math.max(at, fragment.begins - origin);
			}
			samples = fragment.samples();
			next = samples.next();
		}
		if (box.type === 'mdat') {
			while (!next.done && next.value.offset + next.value.size <= box.end) {
				const { ticks, size } = next.value;
				if (size > 0) yield { bytes: await readSample(cursor, next.value), at, ticks };
				at += ticks;
				next = samples.next();
			}
		}
		if (box.end === Infinity) break;
		await cursor.moveTo(box.end);
	}
	if (!next.done) throw new UnreadableRecording('The file is cut off: it ends before its sound');
}

async function readSample(cursor: Cursor, { offset, size }: Sample): Promise<Buffer> {
	if (offset < cursor.position) {
		throw new UnreadableRecording('The file does not keep its sound in order of time');
	}
	if (size > MAX_PACKET_BYTES) throw damaged('the size of a packet');
	await cursor.moveTo(offset);
	// A copy, since the bytes of a stream keep all of the piece alive that they came in.
	return Buffer.from(await cursor.read(size));
}
