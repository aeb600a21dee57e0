import type { IDataObject } from 'n8n-workflow';

import { isObject } from '../http/answer';
import type { Segment, Transcript, TranscriptPart, Word } from './transcript';
import {
	isTimed,
	partSegments,
	partTexts,
	partUntimedWords,
	partWords,
	type Overlap,
	type Timed,
} from './overlap';

/** The answer for one part of a recording. Times in seconds from the recording's beginning. */
export interface TranscribedPart {
	start: number;
	end: number;
	/** Where the part's file begins, which the times of its transcript count from. */
	offset: number;
	/** How many seconds from `start` on the part before has too. */
	overlap: number;
	/** With times as the service gave them; missing where the part failed. */
	transcript?: Transcript;
}

export interface JoinedTranscript {
	transcript: Transcript;
	/** Where text may stand twice, since what two parts both heard could not be matched: in seconds. */
	doubts: Overlap[];
	/** What has no transcript. */
	missing: Overlap[];
}

/**
 * One transcript of the parts of a recording, in order. Its times count from the recording's
 * beginning; an answer without times gives one segment, from the part's start to its end. `usage` is
 * summed, the language is that of the first part that has one.
 */
export function joinTranscripts(parts: readonly TranscribedPart[]): JoinedTranscript {
	const doubts: Overlap[] = [];
	const heard: Heard[] = [];
	for (const [index, part] of parts.entries()) {
		if (!part.transcript) continue;
		const right = { part, ...shifted(part.transcript, part.offset) };
		const left = heard.at(-1);
		heard.push(right);
		if (!left || left.part !== parts[index - 1] || part.overlap === 0) continue;
		const overlap = { start: part.start, end: part.start + part.overlap };
		if (!partTranscripts(left, right, overlap)) doubts.push(rounded(overlap));
	}
	const missing = parts
		.filter(({ transcript }) => !transcript)
		.map(({ start, end }) => rounded({ start, end }));
	return { transcript: joined(heard, parts), doubts, missing };
}

/** What a part says, with the recording's times; what the part before says too is taken out. */
interface Heard extends Texts {
	part: TranscribedPart;
}

interface Texts {
	text: string;
	segments: Segment[];
	words: Word[];
}

function shifted({ text, segments = [], words = [] }: Transcript, offset: number): Texts {
	const shift = <Value extends Segment>(value: Value): Value => ({
		...value,
		...(value.start !== undefined && { start: later(value.start, offset) }),
		...(value.end !== undefined && { end: later(value.end, offset) }),
	});
	return { text, segments: segments.map(shift), words: words.map(shift) };
}

function later(seconds: number, offset: number): number {
	return Math.max(0, milliseconds(seconds + offset));
}

/** Takes out of both what they say twice. @returns whether that could be told */
function partTranscripts(left: Heard, right: Heard, overlap: Overlap): boolean {
	if (left.text === '' || right.text === '') return true;
	const words = bothTimed(left.words, right.words);
	const segments = bothTimed(left.segments, right.segments);
	if (!words) {
		const parted = partUntimedWords(left.words, right.words, overlap);
		left.words = parted.left;
		right.words = parted.right;
		if (!segments) return partPlainTexts(left, right, overlap);
		const { isSure, ...sides } = partSegments(segments.left, segments.right, overlap);
		takeSegments(left, sides.left);
		takeSegments(right, sides.right);
		return isSure;
	}
	const parted = partWords(words.left, words.right, overlap);
	left.words = parted.left;
	right.words = parted.right;
	if (segments) {
		takeSegments(left, withWords(segments.left, words.left, parted.left));
		takeSegments(right, withWords(segments.right, words.right, parted.right));
	} else if (!partPlainTexts(left, right, overlap)) {
		left.text = textOf(left.words);
		right.text = textOf(right.words);
	}
	return parted.isSure;
}

function partPlainTexts(left: Heard, right: Heard, overlap: Overlap): boolean {
	const parted = partTexts(left.text, right.text, overlap);
	left.text = parted.left;
	right.text = parted.right;
	return parted.isSure;
}

function takeSegments(side: Heard, segments: Segment[]): void {
	side.segments = segments;
	side.text = textOf(segments);
}

function bothTimed<Value extends Segment>(
	left: readonly Value[],
	right: readonly Value[],
): { left: Array<Timed<Value>>; right: Array<Timed<Value>> } | undefined {
	const timed = { left: left.filter(isTimed), right: right.filter(isTimed) };
	const isWhole = timed.left.length === left.length && timed.right.length === right.length;
	return isWhole && left.length > 0 && right.length > 0 ? timed : undefined;
}

/** Segments of which only some words were kept; one that has no words of its own stays. */
function withWords(
	segments: ReadonlyArray<Timed<Segment>>,
	words: ReadonlyArray<Timed<Word>>,
	kept: ReadonlyArray<Timed<Word>>,
): Segment[] {
	const isKept = new Set(kept);
	return segments.flatMap((segment) => {
		const own = words.filter((word) => {
			const middle = (word.start + word.end) / 2;
			return segment.start <= middle && middle < segment.end;
		});
		const left = own.filter((word) => isKept.has(word));
		const [first, last] = [left[0], left.at(-1)];
		if (left.length === own.length) return [segment];
		if (!first || !last) return [];
		return [{ ...segment, text: textOf(left), start: first.start, end: last.end }];
	});
}

function joined(heard: readonly Heard[], parts: readonly TranscribedPart[]): Transcript {
	const transcripts = heard.map(({ part }) => part.transcript).filter((one) => one !== undefined);
	const [first] = transcripts;
	return {
		text: textOf(heard),
		language: transcripts.find(({ language }) => language)?.language,
		duration: milliseconds(parts.at(-1)?.end ?? 0),
		segments: inOrder(heard.flatMap((part) => timedSegments(part))),
		words: inOrder(heard.flatMap(({ words }) => words)),
		service: first?.service ?? 'cloudsway',
		model: first?.model,
		...(parts.length === 1 && { requestId: first?.requestId }),
		usage: sumOfUsage(transcripts.map(({ usage }) => usage)),
		...(parts.length > 1 && { parts: parts.map((part) => partOf(part)) }),
	};
}

/** Where two parts overlap, one may keep what comes after the beginning of the other. */
function inOrder<Value extends Segment>(values: Value[]): Value[] {
	return values.every(isTimed) ? [...values].sort((a, b) => a.start - b.start) : values;
}

function partOf({ start, end, transcript }: TranscribedPart): TranscriptPart {
	const requestId = transcript?.requestId;
	return { ...rounded({ start, end }), ...(requestId !== undefined && { requestId }) };
}

/** The segments of a part, or the part as one where they have no times. */
function timedSegments({ part, text, segments }: Heard): Segment[] {
	if (text === '') return [];
	if (segments.length > 0 && segments.every(isTimed)) return segments;
	const { start, end } = rounded(part);
	const alone = segments.length === 1 ? segments[0] : undefined;
	return [{ ...alone, text, start, end }];
}

/** Numbers of the same name are added, also those in objects; of others the first is kept. */
function sumOfUsage(usages: ReadonlyArray<IDataObject | undefined>): IDataObject | undefined {
	const known = usages.filter((usage) => usage !== undefined);
	if (known.length === 0) return undefined;
	const sum: IDataObject = {};
	for (const [name, value] of known.flatMap((usage) => Object.entries(usage))) {
		const before = sum[name];
		if (typeof value === 'number' && typeof before === 'number') sum[name] = before + value;
		else if (isObject(value) && isObject(before)) sum[name] = sumOfUsage([before, value]);
		else sum[name] ??= value;
	}
	return sum;
}

const NO_SPACE_BESIDE =
	/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

/** One text of several, without a space between two characters of a script that has none. */
function textOf(pieces: ReadonlyArray<{ text: string }>): string {
	return pieces.reduce((joinedText, { text: piece }) => {
		const text = piece.trim();
		if (joinedText === '' || text === '') return joinedText + text;
		const hasSpace = ![joinedText.slice(-1), text.slice(0, 1)].every((character) =>
			NO_SPACE_BESIDE.test(character),
		);
		return joinedText + (hasSpace ? ' ' : '') + text;
	}, '');
}

function rounded({ start, end }: Overlap): Overlap {
	return { start: milliseconds(start), end: milliseconds(end) };
}

function milliseconds(seconds: number): number {
	return Math.round(seconds * 1_000) / 1_000;
}
