import type { IDataObject } from 'n8n-workflow';

import { isObject } from '../shared/http/answer';
import {
	asNumber,
	asText,
	transcriptJson,
	type Segment,
	type Transcript,
} from '../shared/transcript/transcript';
import type { Prediction } from './prediction';
import { KNOWN_SCHEMAS } from './schema/models';

/**
 * The prediction as 'Simplify' puts it out: the common transcript where its output can be read as one,
 * the prediction itself otherwise.
 * @param model the name that was asked for, where it is known; a prediction does not carry it
 */
export function predictionJson(prediction: Prediction, model?: string): IDataObject {
	const transcript = toTranscript(prediction, model);
	return transcript ? transcriptJson(transcript) : prediction;
}

/** The only model whose output is documented. */
const TRANSCRIBING_MODEL = 'openai/whisper';

/** What is known of its output: https://connecte.ai/docs/api-reference/methods, and what Whisper adds. */
const OUTPUT_FIELDS = new Set([
	'segments',
	'transcirption',
	'transcription',
	'translation',
	'detected_language',
	'duration',
	'words',
]);
const INPUT_FIELDS = new Set(Object.keys(KNOWN_SCHEMAS[TRANSCRIBING_MODEL]?.properties ?? {}));

/**
 * Whether a prediction that does not say its model is one of openai/whisper: it then repeats that model's
 * inputs, with `audio` among them, and has no output that a transcript would drop.
 */
function isTranscribing(input: unknown, output: IDataObject): boolean {
	return (
		isObject(input) &&
		typeof input.audio === 'string' &&
		Object.keys(input).every((field) => INPUT_FIELDS.has(field)) &&
		Object.keys(output).every((field) => OUTPUT_FIELDS.has(field))
	);
}

/**
 * The transcript of a succeeded prediction of openai/whisper; `undefined` for any other. Where the model
 * is not known, its input and output tell.
 */
export function toTranscript(prediction: Prediction, model?: string): Transcript | undefined {
	const { id, status, input, output, runtime, cost } = prediction;
	if (status !== 'succeeded' || !isObject(output)) return undefined;
	const isOfModel =
		model === undefined ? isTranscribing(input, output) : model === TRANSCRIBING_MODEL;
	if (!isOfModel) return undefined;
	// The service spells it so; should it ever be corrected, the right spelling counts as well.
	const spoken = textIn(output.transcirption) ?? textIn(output.transcription);
	const segments = objectsIn(output.segments);
	if (spoken === undefined && !segments.some(({ text }) => typeof text === 'string')) {
		return undefined;
	}
	const mapped = segments.map(segmentOf);
	const words = segments.flatMap((segment) => objectsIn(segment.words)).map(segmentOf);
	const text = spoken ?? mapped.map((segment) => segment.text).join(' ');
	const variant = isObject(input) ? asText(input.model) : undefined;
	const usage = Object.fromEntries(
		Object.entries({ runtime, cost }).filter(([, value]) => asNumber(value) !== undefined),
	);
	return {
		text: text.trim(),
		language: textIn(output.detected_language),
		duration: asNumber(output.duration),
		segments: mapped,
		words: words.length > 0 ? words : objectsIn(output.words).map(segmentOf),
		service: 'connecte',
		model: model ?? variant,
		requestId: id,
		usage: Object.keys(usage).length > 0 ? usage : undefined,
	};
}

/** Text as such, within an object, or in pieces: the docs do not show which of them comes. */
function textIn(value: unknown): string | undefined {
	if (typeof value === 'string') return value;
	if (Array.isArray(value)) return value.map(textIn).filter(Boolean).join(' ') || undefined;
	return isObject(value) ? textIn(value.text ?? value.language ?? value.code) : undefined;
}

/** A list, or an object with the entries as its values. */
function objectsIn(value: unknown): IDataObject[] {
	const entries = isObject(value) ? Object.values(value) : value;
	return Array.isArray(entries) ? entries.filter((entry) => isObject(entry)) : [];
}

function segmentOf(stretch: IDataObject): Segment {
	return {
		text: (asText(stretch.text) ?? asText(stretch.word) ?? '').trim(),
		start: asNumber(stretch.start),
		end: asNumber(stretch.end),
		speaker: asText(stretch.speaker),
		confidence: asNumber(stretch.probability) ?? asNumber(stretch.score),
	};
}
