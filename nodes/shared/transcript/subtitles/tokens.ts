import { WRITTEN_WITHOUT_SPACES } from '../../text';
import type { Segment, Transcript } from '../transcript';

/** In characters, as subtitles are made as a rule. */
export const LINE_LENGTH = 42;
/** How long the last words are shown where their end is not known. */
const LAST_WORD_MS = 3_000;
/** By how much services let the words of a segment begin before it or end after it, in seconds. */
const TOLERANCE = 0.05;
/** Segments that can be under way together: one for each of many speakers. */
const AT_ONCE = 50;
/** By how many seconds a word may come before any segment that it can belong to. */
const LONGEST_LEAD = 1;
/** Words that are less of the segment's text than this are not its words, but some of them. */
const MOST = 0.5;

/** A piece of text without white space; times in whole milliseconds. */
export interface Token {
	text: string;
	startMs: number;
	endMs: number;
	speaker?: string;
	/** The first of a segment: it never continues a cue. */
	startsCue: boolean;
	/** Whether it follows the token before it without white space. */
	isGlued: boolean;
}

type Timed = Segment & { start: number };
type Span = Pick<Token, 'startMs' | 'endMs'>;

/**
 * The text of a transcript in tokens with times: that of its segments with the times of their words, else
 * that of its words. Text whose words are not known has a share of its segment's time, by its length.
 */
export function tokensOf(transcript: Transcript): Token[] {
	const segments = timed(transcript.segments);
	const words = timed(transcript.words);
	if (segments.length === 0) return words.flatMap((word) => shares(word, spanOf(word)));
	const wordsBySegment = assigned(words, segments);
	return segments.flatMap((segment) => {
		const tokens = tokensOfSegment(segment, wordsBySegment.get(segment) ?? []);
		return tokens.map((token, index) => ({ ...token, startsCue: index === 0 }));
	});
}

/** The parts that have text and a start, in order; one without an end lasts until the next. */
function timed(parts: Segment[] = []): Timed[] {
	return parts
		.filter((part): part is Timed => Number.isFinite(part.start) && part.text.trim() !== '')
		.sort((a, b) => a.start - b.start)
		.map((part, index, sorted) => ({ ...part, end: part.end ?? sorted[index + 1]?.start }));
}

function spanOf({ start, end }: Timed): Span {
	const startMs = Math.max(0, Math.round(start * 1_000));
	const endMs = Number.isFinite(end) ? Math.round((end ?? start) * 1_000) : startMs + LAST_WORD_MS;
	return { startMs, endMs: Math.max(startMs, endMs) };
}

/** The words of each segment: by the text where all of it is the words', else by the times. */
function assigned(words: Timed[], segments: Timed[]): Map<Timed, Timed[]> {
	const wordsOf = new Map(segments.map((segment): [Timed, Timed[]] => [segment, []]));
	const texts = segments.map(({ text }) => joined(lettersOf(text)));
	const spoken = words.map(({ text }) => joined(lettersOf(text)));
	const isAlike = texts.join('') === spoken.join('');
	let place = 0;
	let reached = texts[0]?.length ?? 0;
	let passed = 0;
	for (const [index, word] of words.entries()) {
		while (isAlike && passed >= reached && place < segments.length - 1) {
			reached += texts[++place]?.length ?? 0;
		}
		passed += spoken[index]?.length ?? 0;
		while (!isAlike && (segments[place]?.start ?? Infinity) <= word.start + TOLERANCE) place++;
		const segment = isAlike ? segments[place] : segmentAt(word, segments, place);
		if (segment) wordsOf.get(segment)?.push(word);
	}
	return wordsOf;
}

/**
 * The last segment of the word's speaker that has begun by then and has not ended before, else the one
 * that is about to begin.
 * @param begun how many segments have begun by then
 */
function segmentAt(word: Timed, segments: Timed[], begun: number): Timed | undefined {
	const before = segments.slice(Math.max(0, begun - AT_ONCE), begun);
	const next = segments[begun];
	const isAboutToBegin = next !== undefined && next.start - word.start < LONGEST_LEAD;
	return (
		before.reverse().find((segment) => isSpokenIn(word, segment)) ??
		(isAboutToBegin ? next : undefined)
	);
}

function isSpokenIn(word: Timed, segment: Timed): boolean {
	const isItsSpeaker = word.speaker === undefined || word.speaker === segment.speaker;
	return isItsSpeaker && word.start <= (segment.end ?? Infinity) + TOLERANCE;
}

function tokensOfSegment(segment: Timed, words: Timed[]): Token[] {
	const letters = lettersOf(segment.text);
	const spoken = words.map((word) => lettersOf(word.text));
	const all = joined(spoken.flat());
	if (all !== '' && all === joined(letters)) {
		return alignedTokens(segment, letters, words, spoken);
	}
	if (all !== '' && all.length >= joined(letters).length * MOST) {
		return words.flatMap((word) => shares({ ...word, speaker: segment.speaker }, spanOf(word)));
	}
	return shares(segment, spanOf(segment));
}

interface Letter {
	letter: string;
	/** Where it stands in the text. */
	from: number;
	to: number;
}

/** The letters and digits of a text, alike however it is punctuated and capitalised. */
function lettersOf(text: string): Letter[] {
	let from = 0;
	return [...text].flatMap((character) => {
		const to = from + character.length;
		const letter = character
			.normalize('NFKC')
			.toLowerCase()
			.replace(/[^\p{L}\p{N}\p{M}]/gu, '');
		const found = letter === '' ? [] : [{ letter, from, to }];
		from = to;
		return found;
	});
}

/** The segment's own text, cut where its words begin: punctuation stays with the word beside it. */
function alignedTokens(
	{ text, speaker }: Timed,
	letters: Letter[],
	words: Timed[],
	spoken: Letter[][],
): Token[] {
	const tokens: Token[] = [];
	let cut = 0;
	let last = -1;
	let lettersLeft = 0;
	for (const [index, word] of words.entries()) {
		const own = joined(spoken[index] ?? []).length;
		if (own === 0) continue;
		for (lettersLeft += own; lettersLeft > 0; )
			lettersLeft -= letters[++last]?.letter.length ?? own;
		const end = endOfWord(text, letters[last]?.to ?? text.length, letters[last + 1]?.from);
		const piece = text.slice(cut, end);
		const [first, ...others] = shares({ text: piece, speaker }, spanOf(word));
		if (first) addToken(tokens, { ...first, isGlued: cut > 0 && !/^\s/.test(piece) });
		tokens.push(...others);
		cut = end;
	}
	return tokens;
}

function joined(letters: Letter[]): string {
	return letters.map(({ letter }) => letter).join('');
}

/** Where a word ends that has its last letter before `to`, where the next word's letters begin at `next`. */
function endOfWord(text: string, to: number, next: number | undefined): number {
	if (next === undefined) return text.length;
	const space = text.slice(to, next).search(/\s\S*$/);
	return space < 0 ? next : to + space;
}

/** Parts of one word, such as `don` and `'t`, are shown as one. */
function addToken(tokens: Token[], token: Token): void {
	const previous = tokens.at(-1);
	if (!previous || !token.isGlued || WRITTEN_WITHOUT_SPACES.test(previous.text + token.text)) {
		tokens.push(token);
		return;
	}
	previous.text += token.text;
	previous.endMs = Math.max(previous.endMs, token.endMs);
}

/** The text in pieces of at most a line, each with a share of the time by its length. */
function shares({ text, speaker }: Pick<Segment, 'text' | 'speaker'>, span: Span): Token[] {
	const { startMs, endMs } = span;
	const pieces = text
		.split(/\s+/)
		.filter((part) => part !== '')
		.flatMap((part) =>
			cutToLineLength(part).map((piece, index) => ({ piece, isGlued: index > 0 })),
		);
	const total = pieces.reduce((sum, { piece }) => sum + piece.length, 0);
	let before = 0;
	return pieces.map(({ piece, isGlued }) => {
		const at = (length: number) => Math.round(startMs + ((endMs - startMs) * length) / total);
		const own = { startMs: at(before), endMs: at(before + piece.length) };
		before += piece.length;
		return { text: piece, ...own, speaker, startsCue: false, isGlued };
	});
}

/** The text in pieces that fit into a line. */
export function cutToLineLength(text: string): string[] {
	const parts: string[] = [];
	let part = '';
	for (const character of text) {
		if (part.length + character.length > LINE_LENGTH) {
			parts.push(part);
			part = '';
		}
		part += character;
	}
	return [...parts, part];
}
