import { readableText } from './reportParagraphs';

/**
 * The recording's name with another ending: `meeting.srt` for `calls/meeting.mp3`.
 * @param otherwise the name where the recording has none
 */
export function nameAfterRecording(
	recording: string | undefined,
	extension: string,
	otherwise: string,
): string {
	const name = (recording ?? '').split(/[/\\]/).pop() ?? '';
	const stem = readableText(name)
		.replace(/\.[^.]*$/, '')
		.replace(/[<>:"|?*\ufffd]/g, '')
		.trim();
	return `${stem || otherwise}.${extension}`;
}
