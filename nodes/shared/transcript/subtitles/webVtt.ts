import { timestamp, oneLine } from './cueText';
import type { Cue } from './cues';

/** WebVTT: https://www.w3.org/TR/webvtt1/ */
export function toWebVtt(cues: Cue[]): string {
	const blocks = cues.map(({ startMs, endMs, lines, speaker }) => {
		const voice = speaker ? `<v ${escapeCueText(oneLine(speaker))}>` : '';
		return `${timestamp(startMs, '.')} --> ${timestamp(endMs, '.')}\n${voice}${escapeCueText(lines.join('\n'))}\n`;
	});
	return ['WEBVTT\n', ...blocks].join('\n');
}

function escapeCueText(text: string): string {
	return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
