import { damaged, elementsIn, float, unsigned } from './ebml';
import { ID } from './ids';

/** A track as `Tracks` describes it (RFC 9559, 5.1.4). */
export interface TrackEntry {
	number: number;
	type: number;
	isEnabled: boolean;
	codecId: string;
	codecPrivate: Buffer;
	/** In seconds: what decoding gives before the recording begins. */
	codecDelay: number;
	/** In nanoseconds, as it is stored. */
	seekPreRoll: number;
	/** In Hz. */
	sampleRate: number;
	/** In Hz, with spectral band replication. */
	outputRate?: number;
	channels: number;
	/** What each packet begins with that is not stored. */
	strippedHeader: Buffer;
	/** How the packets are stored, where they cannot be read. */
	obstacle?: string;
}

const SOUND = 2;
const VIDEO = 1;
const MAX_TRACKS = 1_000;
const MAX_STRIPPED = 1_024;
const HEADER_STRIPPING = 3;
const SCOPE_PACKETS = 1;
const COMPRESSIONS = ['zlib', 'bzlib', 'lzo'];

/** Reads the body of `Tracks`. */
export function readTracks(body: Buffer): TrackEntry[] {
	const tracks: TrackEntry[] = [];
	for (const { id, body: entry } of elementsIn(body)) {
		if (id !== ID.trackEntry) continue;
		if (tracks.length === MAX_TRACKS) throw damaged('its number of tracks');
		tracks.push(readTrack(entry));
	}
	return tracks;
}

export function isSound(track: TrackEntry): boolean {
	return track.type === SOUND;
}

export function isVideo(track: TrackEntry): boolean {
	return track.type === VIDEO;
}

function readTrack(entry: Buffer): TrackEntry {
	const track: TrackEntry = {
		number: 0,
		type: 0,
		isEnabled: true,
		codecId: '',
		codecPrivate: Buffer.alloc(0),
		codecDelay: 0,
		seekPreRoll: 0,
		sampleRate: 8_000,
		channels: 1,
		strippedHeader: Buffer.alloc(0),
	};
	for (const { id, body } of elementsIn(entry)) {
		if (id === ID.trackNumber) track.number = unsigned(body);
		else if (id === ID.trackType) track.type = unsigned(body);
		else if (id === ID.flagEnabled) track.isEnabled = unsigned(body) !== 0;
		else if (id === ID.codecId) track.codecId = body.toString('latin1').replace(/\0+$/, '');
		else if (id === ID.codecPrivate) track.codecPrivate = Buffer.from(body);
		else if (id === ID.codecDelay) track.codecDelay = Math.min(unsigned(body) / 1e9, 1);
		else if (id === ID.seekPreRoll) track.seekPreRoll = Math.min(unsigned(body), 1e9);
		else if (id === ID.audio) readAudio(body, track);
		else if (id === ID.contentEncodings) readEncodings(body, track);
	}
	return track;
}

function readAudio(audio: Buffer, track: TrackEntry): void {
	for (const { id, body } of elementsIn(audio)) {
		if (id === ID.samplingFrequency) track.sampleRate = float(body);
		else if (id === ID.outputSamplingFrequency) track.outputRate = float(body);
		else if (id === ID.channels) track.channels = unsigned(body);
	}
}

function readEncodings(encodings: Buffer, track: TrackEntry): void {
	for (const { id, body: encoding } of elementsIn(encodings)) {
		if (id !== ID.contentEncoding) continue;
		let scope = SCOPE_PACKETS;
		let isEncrypted = false;
		let compression: Buffer = Buffer.alloc(0);
		for (const { id: field, body } of elementsIn(encoding)) {
			if (field === ID.contentEncodingScope) scope = unsigned(body);
			else if (field === ID.contentEncodingType) isEncrypted = unsigned(body) === 1;
			else if (field === ID.contentCompression) compression = body;
		}
		if (isEncrypted) track.obstacle = 'its sound is encrypted';
		else if (scope !== SCOPE_PACKETS) track.obstacle = 'the description of its sound is compressed';
		else readCompression(compression, track);
	}
}

function readCompression(compression: Buffer, track: TrackEntry): void {
	let algorithm = 0;
	let settings: Buffer = Buffer.alloc(0);
	for (const { id, body } of elementsIn(compression)) {
		if (id === ID.contentCompressionAlgorithm) algorithm = unsigned(body);
		else if (id === ID.contentCompressionSettings) settings = body;
	}
	if (algorithm !== HEADER_STRIPPING) {
		track.obstacle ??= `its sound is compressed a second time (${COMPRESSIONS[algorithm] ?? algorithm})`;
	} else if (settings.length > MAX_STRIPPED) {
		throw damaged('the beginning of its packets');
	} else {
		track.strippedHeader = Buffer.concat([settings, track.strippedHeader]);
	}
}
