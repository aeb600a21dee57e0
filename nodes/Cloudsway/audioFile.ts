import { namedAudioFile, type NamedFile } from '../shared/audio/format';

/** What the service takes: https://docs.cloudsway.net/maasapi/api-reference/asr/4omini-transcribe (file) */
export const AUDIO_EXTENSIONS = [
	'flac',
	'mp3',
	'm4a',
	'mp4',
	'mpeg',
	'mpga',
	'ogg',
	'wav',
	'webm',
] as const;

/**
 * The name and MIME type with which the service takes a file; `undefined` for one that it does not take.
 */
export function uploadNameOf(
	fileName: string | undefined,
	mimeType: string | undefined,
): NamedFile | undefined {
	return namedAudioFile(fileName, mimeType, AUDIO_EXTENSIONS);
}
