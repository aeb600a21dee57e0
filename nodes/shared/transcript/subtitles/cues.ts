import type { Segment, Transcript, Word } from '../transcript';
import { oneLine } from './cueText';

const LINE_LENGTH = 42;
const LINES_PER_CUE = 2;
const LONGEST_CUE_MS = 7_000;
/** How long the last words are shown where their end is not known. */
const LAST_CUE_MS = 3_000;
/** A pause after which words belong to another cue. */
const LONGEST_PAUSE_MS = 1_000;

/** A piece of text without white space; times in whole milliseconds. */
interface Token {
	text: string;
	startMs: number;
	endMs: number;
	speaker?: string;
	/** The first of a segment: it never continues a cue. */
	startsCue: boolean;
}

/** What is shown at once; times in whole milliseconds. */
export interface Cue {
	startMs: number;
	endMs: number;
	lines: string[];
	speaker?: string;
}

type Timed = Segment & { start: number };

/**
 * The cues of a transcript, made from its segments, or from its words where segments have no times: of
 * at most two lines of 42 characters and 7 s, in order of time, never overlapping, never empty, times
 * rounded to milliseconds.
 *
 * @param speakerInText whether the text of a cue begins with its speaker
 * @returns `undefined` where there is text, but neither words nor segments have times
 */
export function cuesOf(transcript: Transcript, speakerInText: boolean): Cue[] | undefined {
	const segments = timed(transcript.segments);
	const words = timed(transcript.words);
	const tokens =
		segments.length > 0
			? segments.flatMap((segment) => tokensOfSegment(segment, words))
			: words.flatMap((word) => tokensOfText(word, wordTimes(word)));
	if (tokens.length === 0 && transcript.text.trim() !== '') return undefined;
	return withoutOverlap(groupIntoCues(tokens, speakerInText));
}

/** The parts that have text and a start, in order; one without an end lasts until the next. */
function timed(parts: Segment[] = []): Timed[] {
	return parts
		.filter((part): part is Timed => Number.isFinite(part.start) && part.text.trim() !== '')
		.sort((a, b) => a.start - b.start)
		.map((part, index, sorted) => ({ ...part, end: part.end ?? sorted[index + 1]?.start }));
}

function wordTimes({ start, end }: Timed): { startMs: number; endMs: number } {
	const startMs = Math.max(0, Math.round(start * 1_000));
	const endMs = Number.isFinite(end) ? Math.round((end ?? start) * 1_000) : startMs + LAST_CUE_MS;
	return { startMs, endMs: Math.max(startMs, endMs) };
}

/**
 * The text of a segment in tokens. Each has the times of its word where the words within the segment
 * correspond one to one; otherwise a share of the segment's time by its length.
 */
function tokensOfSegment(segment: Timed, words: Word[]): Token[] {
	const times = wordTimes(segment);
	const tokens = tokensOfText(segment, times);
	const first = tokens[0];
	if (first) first.startsCue = true;
	const inside = words.filter(
		(word): word is Timed =>
			word.start !== undefined &&
			word.start >= segment.start &&
			word.start < (segment.end ?? Infinity) &&
			word.speaker === segment.speaker,
	);
	if (inside.length === tokens.length) {
		for (const [index, token] of tokens.entries()) {
			const word = inside[index];
			if (word) Object.assign(token, wordTimes(word));
		}
	}
	return tokens;
}

function tokensOfText(
	{ text, speaker }: Segment,
	{ startMs, endMs }: { startMs: number; endMs: number },
): Token[] {
	const texts = text
		.split(/\s+/)
		.filter((part) => part !== '')
		.flatMap(cutToLineLength);
	const total = texts.reduce((sum, part) => sum + part.length, 0);
	let before = 0;
	return texts.map((part) => {
		const at = (length: number) => Math.round(startMs + ((endMs - startMs) * length) / total);
		const token = { text: part, startMs: at(before), endMs: at(before + part.length) };
		before += part.length;
		return { ...token, speaker, startsCue: false };
	});
}

function cutToLineLength(text: string): string[] {
	const characters = [...text];
	const parts: string[] = [];
	let part = '';
	for (const character of characters) {
		if (part.length + character.length > LINE_LENGTH) {
			parts.push(part);
			part = '';
		}
		part += character;
	}
	return [...parts, part];
}

function groupIntoCues(tokens: Token[], speakerInText: boolean): Cue[] {
	const cues: Cue[] = [];
	let current: Token[] = [];
	const prefix = (speaker: string | undefined) =>
		speaker && speakerInText ? cutToLineLength(oneLine(`${speaker}:`).slice(0, LINE_LENGTH)) : [];
	const finish = () => {
		const [first] = current;
		if (!first) return;
		const last = current.reduce((latest, { endMs }) => Math.max(latest, endMs), 0);
		cues.push({
			startMs: first.startMs,
			endMs: Math.min(last, first.startMs + LONGEST_CUE_MS),
			lines: wrap([...prefix(first.speaker), ...current.map(({ text }) => text)]),
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
			wrap([...prefix(first.speaker), ...current.map(({ text }) => text), token.text]).length <=
				LINES_PER_CUE;
		if (!continues) finish();
		current.push(token);
	}
	finish();
	return cues;
}

function wrap(texts: string[]): string[] {
	const lines: string[] = [];
	for (const text of texts) {
		const line = lines.at(-1);
		if (line !== undefined && line.length + 1 + text.length <= LINE_LENGTH) {
			lines[lines.length - 1] = `${line} ${text}`;
		} else {
			lines.push(text);
		}
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
