import { timestamp } from './cueText';
import type { Cue } from './cues';

/** SubRip, for which there is no standard: text as it is, but for the arrow that makes a line of times. */
export function toSrt(cues: Cue[]): string {
	return cues
		.map(({ startMs, endMs, lines }, index) => {
			const text = lines.map((line) => line.replaceAll('-->', '→')).join('\n');
			return `${index + 1}\n${timestamp(startMs, ',')} --> ${timestamp(endMs, ',')}\n${text}\n`;
		})
		.join('\n');
}
