import { oneLine } from './cueText';
import type { Segment } from '../transcript';

/** Hours, where there are any, minutes, seconds and the digits after them. */
const TIME = String.raw`(?:(\d+):)?(\d{1,2}):(\d{2})[.,](\d{1,3})`;
const TIME_PARTS = 4;
const TIME_LINE = new RegExp(String.raw`^\s*${TIME}\s*-->\s*${TIME}`);

/** The cues of an SRT or WebVTT text as segments: spoken text without numbers, times and tags. */
export function parseSubtitles(text: string): Segment[] {
	const segments: Segment[] = [];
	let cue: { start: number; end: number; lines: string[] } | undefined;
	const finish = () => {
		if (!cue) return;
		const { speaker, spoken } = readCueText(cue.lines.join(' '));
		if (spoken) {
			segments.push({ text: spoken, start: cue.start, end: cue.end, ...(speaker && { speaker }) });
		}
		cue = undefined;
	};
	for (const line of text.split(/\r\n|\r|\n/)) {
		const [, ...times] = TIME_LINE.exec(line) ?? [];
		if (times.length > 0) {
			finish();
			const [start, end] = [times.slice(0, TIME_PARTS), times.slice(TIME_PARTS)];
			cue = { start: secondsOf(start), end: secondsOf(end), lines: [] };
		} else if (line.trim() === '') {
			finish();
		} else {
			cue?.lines.push(line.trim());
		}
	}
	finish();
	return segments;
}

function secondsOf([hours = '0', minutes = '0', seconds = '0', fraction = '0']: Array<
	string | undefined
>): number {
	const ms = Number(fraction.padEnd(3, '0'));
	return Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds) + ms / 1_000;
}

function readCueText(text: string): { spoken: string; speaker?: string } {
	const speaker = /<v(?:\.[^\s>]*)?\s+([^>]+)>/.exec(text)?.[1];
	const spoken = text.replace(/<\/?[a-z0-9][^>]*>|\{\\[^}]*\}/gi, '');
	return { spoken: oneLine(unescapeCueText(spoken)), speaker: speaker && unescapeCueText(speaker) };
}

function unescapeCueText(text: string): string {
	const characters: Record<string, string> = {
		lt: '<',
		gt: '>',
		amp: '&',
		nbsp: ' ',
		lrm: '\u200e',
		rlm: '\u200f',
	};
	return text.replace(/&(lt|gt|amp|nbsp|lrm|rlm);/g, (_, name: string) => characters[name] ?? '');
}
