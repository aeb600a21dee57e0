import type { Transcript } from '../transcript';
import { nameAfterRecording } from '../fileName';
import { cuesOf } from './cues';
import { SUBTITLE_FORMATS, type SubtitleFormat } from './formats';

export interface SubtitleFile {
	content: string;
	fileName: string;
	mimeType: string;
}

/**
 * The subtitles of a transcript as a file, in cues as `cuesOf` makes them.
 * @param recording the recording's file name, after which the file is called
 * @returns `undefined` where there is text, but neither words nor segments have times
 */
export function makeSubtitles(
	transcript: Transcript,
	format: SubtitleFormat,
	recording?: string,
): SubtitleFile | undefined {
	const { mimeType, speaker, write } = SUBTITLE_FORMATS[format];
	const cues = cuesOf(transcript, speaker === 'inText');
	const fileName = nameAfterRecording(recording, format, 'subtitles');
	return cues && { content: write(cues), fileName, mimeType };
}
