import type { Cursor } from '../cursor';
import { UnreadableRecording } from '../container';
import {
	damaged,
	readBody,
	readChildren,
	readUInt64,
	type BoxHandlers,
	type BoxHeader,
} from './boxes';
import { SampleTable, readEditList, type Edit } from './sampleTable';
import { readSoundDescription, type SoundDescription } from './soundDescription';

/** A track of sound, as the directory of a file describes it. */
export interface SoundTrackEntry {
	id: number;
	/** Ticks in a second. */
	timescale: number;
	edit: Edit;
	description: SoundDescription;
	samples: SampleTable;
}

/** What fragments leave out (`trex`): the bytes and ticks of a sample. */
export interface SampleDefaults {
	size: number;
	ticks: number;
}

/** The directory of a file (`moov`). */
export interface Movie {
	/** The one to listen to, where there is any. */
	sound?: SoundTrackEntry;
	isVideo: boolean;
	/** For each track of a file in fragments; `undefined` where it is none. */
	fragments?: Map<number, SampleDefaults>;
}

/** Boxes whose few fields end long before. */
const MAX_FIELDS = 1_024;
const MAX_DESCRIPTIONS = 1 << 20;
const MAX_TRACKS = 1_000;
const IS_ENABLED = 1;

interface TrackDraft {
	id: number;
	isEnabled: boolean;
	handler: string;
	timescale: number;
	edit: Edit;
	description?: SoundDescription;
	samples: SampleTable;
}

/** Reads a `moov`, of which only one track's tables are kept. */
export async function readMovie(cursor: Cursor, moov: BoxHeader): Promise<Movie> {
	const movie: Movie = { isVideo: false };
	let timescale = 0;
	let bestRank = -1;
	let tracks = 0;
	await readChildren(cursor, moov, {
		mvhd: async (box) => {
			timescale = readTimescale(await readBody(cursor, box, MAX_FIELDS));
		},
		trak: async (box) => {
			if (++tracks > MAX_TRACKS) throw damaged('its number of tracks');
			const track = await readTrack(cursor, box, timescale);
			if (track.handler === 'vide') movie.isVideo = true;
			const rank = rankOf(track);
			if (rank <= bestRank || !track.description) return;
			bestRank = rank;
			movie.sound = { ...track, description: track.description };
		},
		mvex: async (box) => {
			const fragments = (movie.fragments ??= new Map<number, SampleDefaults>());
			await readChildren(cursor, box, {
				trex: async (trex) => {
					const bytes = await readBody(cursor, trex, MAX_FIELDS);
					if (bytes.length < 24 || fragments.size > MAX_TRACKS) throw damaged("box 'trex'");
					const defaults = { ticks: bytes.readUInt32BE(12), size: bytes.readUInt32BE(16) };
					fragments.set(bytes.readUInt32BE(4), defaults);
				},
			});
		},
		cmov: () => {
			throw new UnreadableRecording('Its directory is compressed (cmov)');
		},
	});
	return movie;
}

/** The first track that is switched on is the one to hear, if it can be read. */
function rankOf({ handler, isEnabled, description }: TrackDraft): number {
	if (handler !== 'soun' || !description) return -1;
	return ('codec' in description ? 2 : 0) + (isEnabled ? 1 : 0);
}

async function readTrack(cursor: Cursor, trak: BoxHeader, timescale: number): Promise<TrackDraft> {
	const track: TrackDraft = {
		id: 0,
		isEnabled: true,
		handler: '',
		timescale: 0,
		edit: { delay: 0, from: 0, pieces: 0 },
		samples: new SampleTable(cursor),
	};
	await readChildren(cursor, trak, {
		tkhd: async (box) => {
			const bytes = await readBody(cursor, box, MAX_FIELDS);
			const idAt = bytes[0] === 1 ? 20 : 12;
			if (bytes.length < idAt + 4) throw damaged("box 'tkhd'");
			track.isEnabled = (bytes.readUInt8(3) & IS_ENABLED) !== 0;
			track.id = bytes.readUInt32BE(idAt);
		},
		edts: async (box) => {
			await readChildren(cursor, box, {
				elst: async (elst) => {
					track.edit = await readEditList(cursor, elst, timescale);
				},
			});
		},
		mdia: async (box) => {
			await readChildren(cursor, box, mediaHandlers(cursor, track));
		},
	});
	return track;
}

function mediaHandlers(cursor: Cursor, track: TrackDraft): BoxHandlers {
	return {
		mdhd: async (box) => {
			track.timescale = readTimescale(await readBody(cursor, box, MAX_FIELDS));
		},
		hdlr: async (box) => {
			if (box.end - box.bodyStart < 12) throw damaged("box 'hdlr'");
			track.handler = (await cursor.read(12)).toString('latin1', 8);
		},
		minf: async (box) => {
			if (track.handler !== '' && track.handler !== 'soun') return;
			const stsd = async (entries: BoxHeader) => {
				track.description = readSoundDescription(await readBody(cursor, entries, MAX_DESCRIPTIONS));
			};
			await readChildren(cursor, box, {
				stbl: async (table) => {
					await readChildren(cursor, table, { ...track.samples.handlers, stsd });
				},
			});
		},
	};
}

/** Of an `mvhd` or `mdhd`, which begin alike. */
function readTimescale(header: Buffer): number {
	const at = header[0] === 1 ? 20 : 12;
	if (header.length < at + 8) throw damaged('a header of times');
	return header.readUInt32BE(at);
}

/** In ticks: the time that a fragment begins at (`tfdt`). */
export function readFragmentTime(tfdt: Buffer): number {
	const isLong = tfdt[0] === 1;
	if (tfdt.length < (isLong ? 12 : 8)) throw damaged("box 'tfdt'");
	return isLong ? readUInt64(tfdt, 4) : tfdt.readUInt32BE(4);
}
