import type { IDataObject } from 'n8n-workflow';

import { languageCode } from './language';

/** A stretch of speech; times in seconds from the start of the recording, confidence 0 to 1. */
export interface Segment {
	text: string;
	start?: number;
	end?: number;
	speaker?: string;
	confidence?: number;
}

/** A word of a transcript, in the same units as a segment. */
export type Word = Segment;

/** What every transcription of this package yields where 'Simplify' is on. Duration in seconds. */
export interface Transcript {
	text: string;
	language?: string;
	duration?: number;
	segments?: Segment[];
	words?: Word[];
	/** The service that heard it, in lower case. */
	service: string;
	model?: string;
	requestId?: string;
	usage?: IDataObject;
	/** Of a recording that went out in more than one. */
	parts?: TranscriptPart[];
}

/** A part that a recording was sent in, in seconds from its beginning. */
export interface TranscriptPart {
	start: number;
	end: number;
	requestId?: string;
}

/** The transcript as an item's JSON: keys without a value, empty lists too, are left out. */
export function transcriptJson(transcript: Transcript): IDataObject {
	return withoutEmpty({
		...transcript,
		language: languageCode(transcript.language),
		segments: transcript.segments?.map(spokenJson),
		words: transcript.words?.map(spokenJson),
	});
}

/** A segment or word as JSON, its confidence with at most four decimals: what is beyond is noise. */
export function spokenJson(part: Segment): IDataObject {
	const { confidence } = part;
	const rounded = confidence === undefined ? undefined : Math.round(confidence * 1e4) / 1e4;
	return withoutEmpty({ ...part, confidence: rounded });
}

/** The object without keys that have no value or an empty list. */
export function withoutEmpty(value: object): IDataObject {
	return Object.fromEntries(
		Object.entries(value as IDataObject).filter(
			([, entry]) =>
				entry !== undefined && entry !== null && !(Array.isArray(entry) && entry.length === 0),
		),
	);
}

/** A value that services give as a number or as its text; `undefined` for anything else. */
export function asNumber(value: unknown): number | undefined {
	const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
	return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

export function asText(value: unknown): string | undefined {
	return typeof value === 'string' ? value : undefined;
}
