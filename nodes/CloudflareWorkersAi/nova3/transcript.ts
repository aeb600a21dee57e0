import type { IDataObject } from 'n8n-workflow';

import { isObject } from '../../shared/http/answer';
import {
	asNumber,
	asText,
	type Segment,
	type Transcript,
	type Word,
} from '../../shared/transcript/transcript';

export const NOVA3_MODEL = '@cf/deepgram/nova-3';

/**
 * The common transcript of Nova-3's `result`, or `undefined` where it holds no channels.
 *
 * Segments are the utterances; without them the runs of words of one speaker; without speakers the
 * whole text of a channel. Speakers are named `speaker 0`, as Nova-3 counts them, and where there are
 * several channels but no speakers `channel 1` and so on. Only the best alternative is used.
 */
export function toTranscript(result: unknown, requestId?: string): Transcript | undefined {
	const results = isObject(result) && isObject(result.results) ? result.results : result;
	if (!isObject(results) || !Array.isArray(results.channels)) return undefined;
	const metadata = isObject(result) && isObject(result.metadata) ? result.metadata : {};
	const channels = objectsIn(results.channels);
	const count = channels.length;
	const heard = channels.map((channel, index) => heardOf(channel, speakerOfChannel(index, count)));
	const utterances = objectsIn(results.utterances).map((utterance) =>
		segmentOfUtterance(utterance, count),
	);
	return {
		text: heard
			.map(({ text }) => text)
			.filter((text) => text !== '')
			.join('\n'),
		language: channels.map((channel) => asText(channel.detected_language)).find(Boolean),
		duration: asNumber(metadata.duration),
		segments: inOrder(
			utterances.length > 0 ? utterances : heard.flatMap((channel) => segmentsOf(channel)),
		),
		words: inOrder(heard.flatMap(({ words }) => words)),
		service: 'cloudflare',
		model: NOVA3_MODEL,
		requestId: asText(metadata.request_id) ?? requestId,
	};
}

interface HeardChannel {
	text: string;
	confidence?: number;
	words: Word[];
	speaker?: string;
}

function heardOf(channel: IDataObject, speaker: string | undefined): HeardChannel {
	const [best = {}] = objectsIn(channel.alternatives);
	return {
		text: (asText(best.transcript) ?? '').trim(),
		confidence: asNumber(best.confidence),
		words: objectsIn(best.words).map((word) => wordOf(word, speaker)),
		speaker,
	};
}

function wordOf(word: IDataObject, channelSpeaker: string | undefined): Word {
	return {
		text: asText(word.punctuated_word) ?? asText(word.word) ?? '',
		start: asNumber(word.start),
		end: asNumber(word.end),
		speaker: speakerOf(word.speaker) ?? channelSpeaker,
		confidence: asNumber(word.confidence),
	};
}

function segmentOfUtterance(utterance: IDataObject, channelCount: number): Segment {
	return {
		text: (asText(utterance.transcript) ?? '').trim(),
		start: asNumber(utterance.start),
		end: asNumber(utterance.end),
		speaker:
			speakerOf(utterance.speaker) ??
			speakerOfChannel(asNumber(utterance.channel) ?? 0, channelCount),
		confidence: asNumber(utterance.confidence),
	};
}

function segmentsOf({ text, confidence, words, speaker }: HeardChannel): Segment[] {
	const runs = runsBySpeaker(words);
	if (runs.length > 1) {
		return runs.map((run) => ({
			text: run.map((word) => word.text).join(' '),
			start: run[0]?.start,
			end: run.at(-1)?.end,
			speaker: run[0]?.speaker,
		}));
	}
	if (text === '') return [];
	const [run = []] = runs;
	const only = { start: run[0]?.start, end: run.at(-1)?.end, speaker: run[0]?.speaker ?? speaker };
	return [{ text, ...only, confidence }];
}

function runsBySpeaker(words: Word[]): Word[][] {
	const runs: Word[][] = [];
	for (const word of words) {
		const run = runs.at(-1);
		if (run && run[0]?.speaker === word.speaker) run.push(word);
		else runs.push([word]);
	}
	return runs;
}

function speakerOf(value: unknown): string | undefined {
	const number = asNumber(value);
	return number === undefined ? asText(value) : `speaker ${number}`;
}

function speakerOfChannel(index: number, count: number): string | undefined {
	return count > 1 ? `channel ${index + 1}` : undefined;
}

function inOrder<Part extends Segment>(parts: Part[]): Part[] {
	return [...parts].sort((a, b) => (a.start ?? 0) - (b.start ?? 0));
}

function objectsIn(value: unknown): IDataObject[] {
	return Array.isArray(value) ? value.filter((entry) => isObject(entry)) : [];
}
