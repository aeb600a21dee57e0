import type { IDataObject } from 'n8n-workflow';

import { isObject } from '../../shared/http/answer';
import { WRITTEN_WITHOUT_SPACES } from '../../shared/text';
import { parseSubtitles } from '../../shared/transcript/subtitles/parse';
import {
	asNumber,
	asText,
	type Segment,
	type Transcript,
	type Word,
} from '../../shared/transcript/transcript';
import type { Model, ResponseFormat } from '../service';

/** An answer as the service gave it: JSON, or text in one of the text formats. */
export type TranscriptionAnswer = IDataObject | string;

/**
 * The common transcript of an answer in any of the six response formats.
 *
 * Confidence is a probability from 0 to 1. A word's is the product of the probabilities of its tokens
 * (the exponential of the sum of their `logprob`); a segment's, and that of the whole text, is the
 * geometric mean of the probabilities of its tokens (the exponential of the mean: `avg_logprob` of
 * verbose_json). An answer with `logprobs` but no segments has its text as its only segment, which
 * has no times and carries the confidence of the whole text.
 */
export function toTranscript(
	answer: TranscriptionAnswer,
	{ model, responseFormat, requestId }: About,
): Transcript {
	const about = {
		service: 'cloudsway' as const,
		model: model === 'other' ? undefined : model,
		requestId,
	};
	if (typeof answer === 'string') {
		if (responseFormat === 'text') return { text: answer.trim(), ...about };
		const segments = parseSubtitles(answer);
		const text =
			segments.length > 0
				? segments.map((segment) => segment.text).join(' ')
				: answer.replace(/^\s*WEBVTT.*/, '').trim();
		return { text, segments, ...about };
	}
	const text = (asText(answer.text) ?? '').trim();
	const tokens = objectsIn(answer.logprobs);
	const segments = objectsIn(answer.segments).map(segmentOf);
	const words = objectsIn(answer.words).map(wordOf);
	return {
		text,
		language: asText(answer.language),
		duration: asNumber(answer.duration),
		segments: segments.length > 0 ? segments : segmentOfTokens(text, tokens),
		words: words.length > 0 ? words : wordsOfTokens(tokens),
		...about,
		usage: isObject(answer.usage) ? answer.usage : undefined,
	};
}

export interface About {
	model: Model;
	responseFormat: ResponseFormat;
	requestId?: string;
}

function objectsIn(value: unknown): IDataObject[] {
	return Array.isArray(value) ? value.filter((entry) => isObject(entry)) : [];
}

function segmentOf(segment: IDataObject): Segment {
	const averageLogprob = asNumber(segment.avg_logprob);
	return {
		text: (asText(segment.text) ?? '').trim(),
		start: asNumber(segment.start),
		end: asNumber(segment.end),
		speaker: asText(segment.speaker),
		confidence: averageLogprob === undefined ? undefined : probability(averageLogprob),
	};
}

function wordOf(word: IDataObject): Word {
	return {
		text: (asText(word.word) ?? asText(word.text) ?? '').trim(),
		start: asNumber(word.start),
		end: asNumber(word.end),
		speaker: asText(word.speaker),
	};
}

function segmentOfTokens(text: string, tokens: IDataObject[]): Segment[] {
	const logprobs = logprobsOf(tokens);
	if (text === '' || logprobs.length === 0) return [];
	const mean = logprobs.reduce((sum, value) => sum + value, 0) / logprobs.length;
	return [{ text, confidence: probability(mean) }];
}

/**
 * Tokens put together to words: a token that begins with white space begins a word.
 * None in a script that is written without spaces, where the whole text would be one word.
 */
function wordsOfTokens(tokens: IDataObject[]): Word[] {
	const groups: IDataObject[][] = [];
	for (const token of tokens) {
		const beginsWord = /^\s/.test(asText(token.token) ?? '');
		const group = groups.at(-1);
		if (group && !beginsWord) group.push(token);
		else groups.push([token]);
	}
	if (groups.length === 1 && WRITTEN_WITHOUT_SPACES.test(textOfTokens(tokens))) return [];
	return groups
		.map((group) => ({
			text: textOfTokens(group).trim(),
			confidence: probability(logprobsOf(group).reduce((sum, value) => sum + value, 0)),
		}))
		.filter(({ text }) => text !== '');
}

/** Bytes are the exact form: a character may be split over tokens. */
function textOfTokens(tokens: IDataObject[]): string {
	return Buffer.concat(
		tokens.map(({ bytes, token }) =>
			Array.isArray(bytes) ? Buffer.from(bytes as number[]) : Buffer.from(asText(token) ?? ''),
		),
	).toString('utf8');
}

function logprobsOf(tokens: IDataObject[]): number[] {
	return tokens
		.map(({ logprob }) => asNumber(logprob))
		.filter((value): value is number => value !== undefined);
}

function probability(logprob: number): number {
	return Math.min(1, Math.exp(logprob));
}
