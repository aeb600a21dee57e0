import type { Segment, Transcript, Word } from './transcript';

/** A stretch of text that a reader may be warned about; confidence 0 to 1, as the service gave it. */
export interface Piece {
	text: string;
	confidence?: number;
}

/** What stands together on the page: one speaker, without a long pause; times in seconds. */
export interface Paragraph {
	pieces: Piece[];
	start?: number;
	end?: number;
	speaker?: string;
}

/** A stretch of the text with the word that was heard there, if it is known. */
interface Heard {
	text: string;
	word?: Word;
}

/** A pause in seconds after which a new paragraph begins. */
const LONG_PAUSE = 2;
/** A paragraph of this many characters ends with its sentence … */
const FULL_LENGTH = 480;
/** … and one without an end of a sentence at the next word after this many. */
const LONGEST = 1_500;
/** How far ahead of the last word found the next one is looked for, in characters. */
const REACH = 80;

const RIGHT_TO_LEFT =
	/[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Adlam}]/u;
/** Scripts written without spaces: words begin anywhere, and sentences join without a space. */
const UNSPACED =
	/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const SENTENCE_END = /[.!?…。！？؟۔।][\p{Pe}\p{Pf}"']*\s*$/u;
/** Invisible marks that turn the direction of what follows: what was said has none. */
const DIRECTION_OVERRIDES = /[\u202a-\u202e\u2066-\u2069]/g;
const UNPRINTABLE = /[\p{Surrogate}\p{Cc}]/gu;

/**
 * Text that is safe to show: white space as single blanks, without marks that reverse what is read,
 * and with U+FFFD for each control character and each half of a surrogate pair.
 */
export function readableText(text: string): string {
	return text.replace(DIRECTION_OVERRIDES, '').replace(/\s+/g, ' ').replace(UNPRINTABLE, '\ufffd');
}

/** A time or length that can be: finite and not negative; `undefined` for anything else. */
export function validTime(seconds: number | undefined): number | undefined {
	return seconds !== undefined && Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
}

/**
 * The paragraphs to read. Their text is that of the segments, word for word; without segments the
 * transcript's text, cut where the words have another speaker or a pause; without words at its line
 * breaks. Long ones are cut at the end of a sentence.
 */
export function paragraphsOf(transcript: Transcript): Paragraph[] {
	return joined(stretchesOf(transcript).flatMap(cut).map(toParagraph));
}

interface Stretch extends Omit<Segment, 'text'> {
	heard: Heard[];
}

function stretchesOf({ text, segments = [], words = [] }: Transcript): Stretch[] {
	const spoken = inOrder(segments.filter((segment) => segment.text.trim() !== ''));
	if (spoken.length > 0) {
		const wordsOf = wordsBySegment(spoken, words);
		return spoken.map((segment) => ({
			...segment,
			heard: inSentences(aligned(segment.text, wordsOf.get(segment) ?? [])),
		}));
	}
	if (words.length > 0) {
		const found = aligned(text, words);
		const isFound = found.filter(({ word }) => word).length * 2 >= words.length;
		return [{ heard: inSentences(isFound ? found : spaced(words)) }];
	}
	return text
		.split(/[\r\n]+/)
		.filter((line) => line.trim() !== '')
		.map((line) => ({ heard: inSentences([{ text: readableText(line).trim() }]) }));
}

function inOrder<T extends Segment>(parts: T[]): T[] {
	const areTimed = parts.every(({ start }) => validTime(start) !== undefined);
	return areTimed ? [...parts].sort((a, b) => (a.start ?? 0) - (b.start ?? 0)) : parts;
}

/** The words of each segment: those that begin in it and, where both are known, of its speaker. */
function wordsBySegment(segments: Segment[], words: Word[]): Map<Segment, Word[]> {
	const found = new Map<Segment, Word[]>();
	const timed = segments.filter(({ start }) => validTime(start) !== undefined);
	const speakers = new Map<string | undefined, Segment[]>([[undefined, timed]]);
	for (const segment of timed) {
		if (segment.speaker === undefined) continue;
		const own = speakers.get(segment.speaker);
		if (own) own.push(segment);
		else speakers.set(segment.speaker, [segment]);
	}
	for (const word of timed.length > 0 ? inOrder(words) : []) {
		const candidates = speakers.get(word.speaker) ?? timed;
		const segment = word.start === undefined ? undefined : lastBegun(candidates, word.start);
		if (!segment) continue;
		const own = found.get(segment);
		if (own) own.push(word);
		else found.set(segment, [word]);
	}
	const [only] = segments;
	if (timed.length === 0 && only && segments.length === 1) found.set(only, words);
	return found;
}

function lastBegun(segments: Segment[], time: number): Segment | undefined {
	let low = 0;
	let high = segments.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if ((segments[middle]?.start ?? 0) <= time) low = middle + 1;
		else high = middle;
	}
	return segments[low - 1];
}

/** The whole text in stretches, in order; each word is looked for a little ahead of the last one. */
function aligned(raw: string, words: Word[]): Heard[] {
	const text = readableText(raw).trim();
	const heard: Heard[] = [];
	let end = 0;
	for (const word of words) {
		const needle = readableText(word.text).trim();
		const start = needle === '' ? -1 : find(text, needle, end);
		if (start < 0) continue;
		if (start > end) heard.push({ text: text.slice(end, start) });
		end = start + needle.length;
		heard.push({ text: text.slice(start, end), word });
	}
	if (end < text.length) heard.push({ text: text.slice(end) });
	return heard;
}

/** Where the word begins in the text, letters in either case; -1 where it is not near. */
function find(text: string, word: string, from: number): number {
	const near = text.slice(from, from + REACH + word.length);
	const hasSameLength = near.toLowerCase().length === near.length;
	const [line, needle] = hasSameLength ? [near.toLowerCase(), word.toLowerCase()] : [near, word];
	for (let at = line.indexOf(needle); at >= 0; at = line.indexOf(needle, at + 1)) {
		if (!isWithinWord(text.charAt(from + at - 1), word)) return from + at;
	}
	return -1;
}

function isWithinWord(before: string, needle: string): boolean {
	const isLetter = /[\p{L}\p{N}]/u;
	const [first = ''] = needle;
	return isLetter.test(before) && isLetter.test(first) && !UNSPACED.test(first);
}

function spaced(words: Word[]): Heard[] {
	return words.flatMap((word, index) => {
		const text = readableText(word.text).trim();
		return [...(index > 0 ? [{ text: ' ' }] : []), { text, word }];
	});
}

/** Text between words may be long, or be all there is: it is cut into sentences. */
function inSentences(heard: Heard[]): Heard[] {
	const sentences = new Intl.Segmenter(undefined, { granularity: 'sentence' });
	return heard.flatMap((part) =>
		part.word || part.text.length < FULL_LENGTH
			? [part]
			: [...sentences.segment(part.text)].map(({ segment }) => ({ text: segment })),
	);
}

/** A stretch in parts at changes of the speaker, at pauses, and where it is too long to read. */
function cut(stretch: Stretch): Stretch[] {
	const parts: Stretch[] = [];
	let current: Heard[] = [];
	let length = 0;
	let last: Word | undefined;
	const finish = () => {
		if (current.some(({ text }) => text.trim() !== '')) parts.push({ ...stretch, heard: current });
		current = [];
		length = 0;
	};
	for (const part of stretch.heard) {
		const { text, word } = part;
		const isLong =
			(length >= FULL_LENGTH && SENTENCE_END.test(textOf(current.slice(-2)))) ||
			(length >= LONGEST && /^\s|\s$/.test(current.at(-1)?.text ?? ''));
		const isOther = word !== undefined && last !== undefined && isApart(last, word, stretch);
		if (isOther || (isLong && text.trim() !== '')) finish();
		current.push(part);
		length += text.length;
		last = word ?? last;
	}
	finish();
	return parts.length > 1 ? parts.map((part, index) => timedByWords(part, index === 0)) : parts;
}

function isApart(last: Word, word: Word, stretch: Stretch): boolean {
	if (stretch.speaker === undefined && word.speaker !== last.speaker) return true;
	return (word.start ?? 0) - (last.end ?? last.start ?? Infinity) >= LONG_PAUSE;
}

function timedByWords(part: Stretch, isFirst: boolean): Stretch {
	const words = part.heard.flatMap(({ word }) => word ?? []);
	const start = words[0]?.start ?? (isFirst ? part.start : undefined);
	const last = words.at(-1);
	return { ...part, start, end: last?.end ?? last?.start };
}

function toParagraph(stretch: Stretch): Paragraph {
	const words = stretch.heard.flatMap(({ word }) => word ?? []);
	const isKnownByWord = words.some(({ confidence }) => confidence !== undefined);
	const start = validTime(stretch.start ?? words[0]?.start);
	const end = validTime(stretch.end ?? words.at(-1)?.end);
	return {
		pieces: isKnownByWord
			? stretch.heard.map(({ text, word }) => ({ text, confidence: word?.confidence }))
			: [{ text: textOf(stretch.heard), confidence: stretch.confidence }],
		start,
		end: end !== undefined && start !== undefined && end < start ? start : end,
		speaker: stretch.speaker ?? words[0]?.speaker,
	};
}

function textOf(parts: Array<{ text: string }>): string {
	return parts.map(({ text }) => text).join('');
}

/** Neighbours of one speaker that belong together, as one: services cut sentences into segments. */
function joined(paragraphs: Paragraph[]): Paragraph[] {
	const result: Paragraph[] = [];
	let length = 0;
	for (const paragraph of paragraphs) {
		const current = result.at(-1);
		const text = textOf(paragraph.pieces);
		if (current && belongsTo(current, length, paragraph)) {
			const isUnspaced = UNSPACED.test(current.pieces.at(-1)?.text.at(-1) ?? '');
			if (!isUnspaced) current.pieces.push({ text: ' ' });
			current.pieces.push(...paragraph.pieces);
			current.end = paragraph.end ?? current.end;
			length += text.length + 1;
		} else {
			result.push({ ...paragraph, pieces: [...paragraph.pieces] });
			length = text.length;
		}
	}
	return result;
}

function belongsTo(current: Paragraph, length: number, next: Paragraph): boolean {
	if (next.start === undefined || current.start === undefined) return false;
	if (next.speaker !== current.speaker || length >= FULL_LENGTH) return false;
	const isContinued = next.start - (current.end ?? current.start) < LONG_PAUSE;
	return (
		isContinued && isRightToLeft(textOf(current.pieces)) === isRightToLeft(textOf(next.pieces))
	);
}

function isRightToLeft(text: string): boolean {
	return RIGHT_TO_LEFT.test(/\p{L}/u.exec(text)?.[0] ?? '');
}
