import type { Segment, Word } from './transcript';

/** The stretch of a recording that two parts both hold, in seconds from its beginning. */
export interface Overlap {
	start: number;
	end: number;
}

/** What is left of both sides once what they say twice is said once. */
export interface Parted<Value> {
	left: Value;
	right: Value;
	/** False where both stay, since it could not be told what is said twice. */
	isSure: boolean;
}

export type Timed<Value extends Segment> = Value & { start: number; end: number };

export function isTimed<Value extends Segment>(value: Value): value is Timed<Value> {
	return value.start !== undefined && value.end !== undefined;
}

/** The times that two answers give one word differ by less. */
const SAME_WORD_SECONDS = 0.6;

/**
 * Words of both parts, each of which belongs to the half of the overlap that it is nearer to. One
 * that only the part of the other half has is kept too, unless that half says something else at its
 * time.
 */
export function partWords(
	left: ReadonlyArray<Timed<Word>>,
	right: ReadonlyArray<Timed<Word>>,
	{ start, end }: Overlap,
): Parted<Array<Timed<Word>>> {
	const seam = (start + end) / 2;
	// One that both heard may lie in the overlap by the times of one answer, and beside it by the other's.
	const isInOverlap = (word: Timed<Word>) =>
		word.end > start - SAME_WORD_SECONDS && word.start < end + SAME_WORD_SECONDS;
	const dropped = new Set<Timed<Word>>();
	const paired = new Set<Timed<Word>>();
	for (const [a, b] of pairWords(left.filter(isInOverlap), right.filter(isInOverlap))) {
		paired.add(a).add(b);
		dropped.add(middleOf(a) + middleOf(b) < 2 * seam ? b : a);
	}
	const isOwn = (word: Timed<Word>, isInHalf: boolean) =>
		paired.has(word) ? !dropped.has(word) : isInHalf;
	const ownLeft = left.filter((word) => isOwn(word, middleOf(word) < seam));
	const ownRight = right.filter((word) => isOwn(word, middleOf(word) >= seam));
	// A word that both heard was said beside this one, not instead of it.
	const alone = (words: ReadonlyArray<Timed<Word>>) => words.filter((word) => !paired.has(word));
	const unsaid = (
		words: ReadonlyArray<Timed<Word>>,
		own: ReadonlyArray<Timed<Word>>,
		others: ReadonlyArray<Timed<Word>>,
	) => without(words, [own, dropped]).filter((word) => !isCovered(word, alone(others)));
	const unsaidLeft = unsaid(left, ownLeft, ownRight);
	const unsaidRight = unsaid(right, ownRight, ownLeft);
	return {
		left: inOrder([...ownLeft, ...unsaidLeft]),
		right: inOrder([...unsaidRight, ...ownRight]),
		isSure: unsaidLeft.length === 0 && unsaidRight.length === 0,
	};
}

function middleOf({ start, end }: Timed<Word>): number {
	return (start + end) / 2;
}

function without(
	words: ReadonlyArray<Timed<Word>>,
	others: ReadonlyArray<Iterable<Timed<Word>>>,
): Array<Timed<Word>> {
	const taken = new Set(others.flatMap((list) => [...list]));
	return words.filter((word) => !taken.has(word));
}

/**
 * Whether one of the others was heard instead of a word: only what lies at its middle, since the word
 * beside it may be the first that the other part does not have.
 */
function isCovered(word: Timed<Word>, others: ReadonlyArray<Timed<Word>>): boolean {
	const middle = middleOf(word);
	return others.some(({ start, end }) => start <= middle && middle <= end);
}

function inOrder(words: Array<Timed<Word>>): Array<Timed<Word>> {
	return words.sort((a, b) => a.start - b.start);
}

/** Words that both parts heard at about the same time, each at most once, in order. */
function pairWords(
	left: ReadonlyArray<Timed<Word>>,
	right: ReadonlyArray<Timed<Word>>,
): Array<[Timed<Word>, Timed<Word>]> {
	const pairs: Array<[Timed<Word>, Timed<Word>]> = [];
	let from = 0;
	for (const word of left) {
		const at = right.findIndex(
			(other, index) =>
				index >= from &&
				normal(other.text) === normal(word.text) &&
				Math.abs(middleOf(other) - middleOf(word)) < SAME_WORD_SECONDS,
		);
		const other = right[at];
		if (!other) continue;
		pairs.push([word, other]);
		from = at + 1;
	}
	return pairs;
}

/** Fast speech has fewer. */
const WORDS_A_SECOND = 5;
const SPARE_WORDS = 5;
/** As many words in a row do not agree by chance. */
const SURE_RUN = 3;

/**
 * The texts of two parts whose overlap is not timed: the words that the first ends with are sought
 * among those that the second begins with. The texts change over in the middle of the longest run of
 * words that both have.
 */
export function partTexts(left: string, right: string, overlap: Overlap): Parted<string> {
	const most = mostWords(overlap);
	const tail = wordsIn(left).slice(-most);
	const head = wordsIn(right).slice(0, most);
	if (tail.length === 0 || head.length === 0) return { left, right, isSure: true };
	const seam = changeOver(tail, head);
	if (!seam) return { left, right, isSure: false };
	const leftEnd = tail[seam.left]?.end ?? left.length;
	const rightStart = head[seam.right]?.end ?? 0;
	return {
		left: left.slice(0, leftEnd).trim(),
		right: right.slice(rightStart).trim(),
		isSure: true,
	};
}

function mostWords({ start, end }: Overlap): number {
	return Math.ceil((end - start) * WORDS_A_SECOND) + SPARE_WORDS;
}

/** Words without times, aligned as those of a text. */
export function partUntimedWords(
	left: readonly Word[],
	right: readonly Word[],
	overlap: Overlap,
): Parted<Word[]> {
	const most = mostWords(overlap);
	const listed = (words: readonly Word[], from: number) =>
		words.map(({ text }, index) => ({ normal: normal(text), end: from + index + 1 }));
	const tail = listed(left.slice(-most), Math.max(0, left.length - most));
	const head = listed(right.slice(0, most), 0);
	const seam = changeOver(tail, head);
	const leftEnd = seam && tail[seam.left]?.end;
	const rightStart = seam && head[seam.right]?.end;
	return {
		left: left.slice(0, leftEnd),
		right: right.slice(rightStart),
		isSure: seam !== undefined || left.length === 0 || right.length === 0,
	};
}

/**
 * Segments with times, of which those that reach into the overlap are aligned by their words. A
 * segment within which the change lies is cut, and its time ends or begins there in proportion.
 */
export function partSegments(
	left: ReadonlyArray<Timed<Segment>>,
	right: ReadonlyArray<Timed<Segment>>,
	overlap: Overlap,
): Parted<Array<Timed<Segment>>> {
	const unchanged = { left: [...left], right: [...right] };
	const words = (
		segments: ReadonlyArray<Timed<Segment>>,
		isIn: (segment: Timed<Segment>) => boolean,
	) =>
		segments.flatMap((segment, index) =>
			isIn(segment) ? wordsIn(segment.text).map((word) => ({ ...word, index })) : [],
		);
	const tail = words(left, ({ end }) => end > overlap.start);
	const head = words(right, ({ start }) => start < overlap.end);
	if (tail.length === 0 || head.length === 0) return { ...unchanged, isSure: true };
	const seam = changeOver(tail, head);
	const lastLeft = seam && tail[seam.left];
	const lastRight = seam && head[seam.right];
	if (!lastLeft || !lastRight) return { ...unchanged, isSure: false };
	return {
		left: [...left.slice(0, lastLeft.index), ...cutSegment(left[lastLeft.index], 0, lastLeft.end)],
		right: [
			...cutSegment(right[lastRight.index], lastRight.end),
			...right.slice(lastRight.index + 1),
		],
		isSure: true,
	};
}

function cutSegment(
	segment: Timed<Segment> | undefined,
	from: number,
	to = segment?.text.length ?? 0,
): Array<Timed<Segment>> {
	const text = segment?.text.slice(from, to).trim() ?? '';
	if (!segment || text === '') return [];
	const secondsAt = (index: number) =>
		segment.start + ((segment.end - segment.start) * index) / segment.text.length;
	return [{ ...segment, text, start: secondsAt(from), end: secondsAt(to) }];
}

/** A word of a text, and where in it what belongs to the word ends: at the next word. */
interface TextWord {
	normal: string;
	end: number;
}

const SEGMENTER = new Intl.Segmenter(undefined, { granularity: 'word' });

function wordsIn(text: string): TextWord[] {
	const words = [...SEGMENTER.segment(text)].filter(({ isWordLike }) => isWordLike);
	return words.map(({ segment }, index) => ({
		normal: normal(segment),
		end: words[index + 1]?.index ?? text.length,
	}));
}

/** A word without regard to case, punctuation and the forms that Unicode has for one letter. */
function normal(text: string): string {
	return text
		.normalize('NFKC')
		.toLowerCase()
		.replace(/[^\p{L}\p{M}\p{N}]/gu, '');
}

/**
 * The middle of the longest run of words that both lists have, as indexes of the same word in each;
 * `undefined` where none is long enough to be no chance, or not all of the shorter list.
 */
function changeOver(
	left: readonly TextWord[],
	right: readonly TextWord[],
): { left: number; right: number } | undefined {
	let best = { length: 0, left: 0, right: 0 };
	let before = new Uint16Array(right.length + 1);
	for (const [leftIndex, { normal: word }] of left.entries()) {
		const runs = new Uint16Array(right.length + 1);
		for (const [rightIndex, other] of right.entries()) {
			if (other.normal !== word) continue;
			const length = (before[rightIndex] ?? 0) + 1;
			runs[rightIndex + 1] = length;
			if (length > best.length) best = { length, left: leftIndex, right: rightIndex };
		}
		before = runs;
	}
	const needed = Math.min(SURE_RUN, left.length, right.length);
	if (best.length < needed) return undefined;
	const back = Math.floor((best.length - 1) / 2);
	return { left: best.left - back, right: best.right - back };
}
