import type { INodePropertyOptions } from 'n8n-workflow';

import type { Cue } from './cues';
import { toSrt } from './srt';
import { toWebVtt } from './webVtt';

/** A format of subtitle files; its key is the value of its choice and the extension of its files. */
interface FormatRow {
	/** As the editor shows it. */
	name: string;
	mimeType: string;
	/** Where a cue has its speaker: before its text, or in the format's own markup, which is no text. */
	speaker: 'inText' | 'inMarkup';
	write: (cues: Cue[]) => string;
}

/** In the order the editor shows them. A new format is a row here and its writer. */
export const SUBTITLE_FORMATS = {
	srt: { name: 'SRT', mimeType: 'application/x-subrip', speaker: 'inText', write: toSrt },
	vtt: { name: 'WebVTT', mimeType: 'text/vtt', speaker: 'inMarkup', write: toWebVtt },
} as const satisfies Record<string, FormatRow>;

export type SubtitleFormat = keyof typeof SUBTITLE_FORMATS;

const FORMAT_NAMES = Object.keys(SUBTITLE_FORMATS) as SubtitleFormat[];

/** The formats as choices of a field. */
export const subtitleFormatChoices: INodePropertyOptions[] = FORMAT_NAMES.map((value) => ({
	name: SUBTITLE_FORMATS[value].name,
	value,
}));
