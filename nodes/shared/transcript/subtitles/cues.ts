import type { Transcript } from '../transcript';
import { oneLine } from './cueText';
import { cutToLineLength, LINE_LENGTH, tokensOf, type Token } from './tokens';

const LINES_PER_CUE = 2;
const LONGEST_CUE_MS = 7_000;
/** A pause after which words belong to another cue. */
const LONGEST_PAUSE_MS = 1_000;

/** What is shown at once; times in whole milliseconds. */
export interface Cue {
	startMs: number;
	endMs: number;
	lines: string[];
	speaker?: string;
}

/**
 * The cues of a transcript, made from its segments, or from its words where segments have no times: of
 * at most two lines of 42 characters and 7 s, in order of time, never overlapping, never empty, times
 * rounded to milliseconds.
 *
 * @param speakerInText whether the text of a cue begins with its speaker
 * @returns `undefined` where there is text, but neither words nor segments have times
 */
export function cuesOf(transcript: Transcript, speakerInText: boolean): Cue[] | undefined {
	const tokens = tokensOf(transcript);
	if (tokens.length === 0 && transcript.text.trim() !== '') return undefined;
	return withoutOverlap(groupIntoCues(tokens, speakerInText));
}

function groupIntoCues(tokens: Token[], speakerInText: boolean): Cue[] {
	const cues: Cue[] = [];
	let current: Token[] = [];
	const prefix = (speaker: string | undefined) =>
		speaker && speakerInText
			? cutToLineLength(oneLine(`${speaker}:`).slice(0, LINE_LENGTH)).map(plainWord)
			: [];
	const linesOf = (speaker: string | undefined, [head, ...others]: Token[]) =>
		wrap([...prefix(speaker), ...(head ? [plainWord(head.text)] : []), ...others]);
	const finish = () => {
		const [first] = current;
		if (!first) return;
		const last = current.reduce((latest, { endMs }) => Math.max(latest, endMs), 0);
		cues.push({
			startMs: first.startMs,
			endMs: Math.min(last, first.startMs + LONGEST_CUE_MS),
			lines: linesOf(first.speaker, current),
			speaker: first.speaker,
		});
		current = [];
	};
	for (const token of tokens) {
		const [first] = current;
		const previous = current.at(-1);
		const continues =
			first !== undefined &&
			previous !== undefined &&
			!token.startsCue &&
			token.speaker === first.speaker &&
			token.startMs - previous.endMs <= LONGEST_PAUSE_MS &&
			token.endMs - first.startMs <= LONGEST_CUE_MS &&
			linesOf(first.speaker, [...current, token]).length <= LINES_PER_CUE;
		if (!continues) finish();
		current.push(token);
	}
	finish();
	return cues;
}

type Piece = Pick<Token, 'text' | 'isGlued'>;

function plainWord(text: string): Piece {
	return { text, isGlued: false };
}

function wrap(pieces: Piece[]): string[] {
	const lines: string[] = [];
	for (const { text, isGlued } of pieces) {
		const line = lines.at(-1);
		const longer = `${line}${isGlued ? '' : ' '}${text}`;
		if (line !== undefined && longer.length <= LINE_LENGTH) lines[lines.length - 1] = longer;
		else lines.push(text);
	}
	return lines;
}

function withoutOverlap(cues: Cue[]): Cue[] {
	const sorted = cues.map((cue) => ({ ...cue })).sort((a, b) => a.startMs - b.startMs);
	for (const [index, cue] of sorted.entries()) {
		const next = sorted[index + 1];
		cue.endMs = Math.max(cue.endMs, cue.startMs + 1);
		if (next && next.startMs < cue.endMs) {
			cue.endMs = Math.max(next.startMs, cue.startMs + 1);
			next.startMs = Math.max(next.startMs, cue.endMs);
		}
	}
	return sorted;
}
