import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';

import { hearWav, phrasesOf, type HeardAudio } from '../hearing/wav.ts';

export type Input = Record<string, unknown>;
export type Output = Record<string, unknown>;

/** Ends a prediction as failed, with a message for its user. */
export class ModelFailure extends Error {}

/** A model as its page describes it: what it takes (API > Schema) and what it does. */
export interface Model {
	schema: Record<string, unknown>;
	run: (input: Input, signal: AbortSignal) => Promise<Output> | Output;
}

/** A word or phrase with its place, times in seconds from the start of the recording. */
interface Stretch {
	start: number;
	end: number;
	text: string;
	speaker?: string;
	words?: Array<{ word: string; start: number; end: number; probability: number }>;
}

const LONGEST_DOWNLOAD_MS = 20_000;

export const MODELS: Readonly<Record<string, Model>> = {
	'openai/whisper': {
		schema: {
			type: 'object',
			title: 'Input',
			required: ['audio'],
			properties: {
				audio: {
					type: 'string',
					format: 'uri',
					title: 'Audio',
					description: 'Address of the audio file',
				},
				model: {
					type: 'string',
					title: 'Model',
					enum: ['large-v3-turbo'],
					default: 'large-v3-turbo',
				},
				diarize: { type: 'boolean', title: 'Diarize', default: false },
				language: {
					type: 'string',
					title: 'Language',
					enum: ['auto', 'de', 'en', 'es', 'fr', 'ru'],
					default: 'auto',
				},
				speakers: { type: 'integer', title: 'Speakers', minimum: 1, maximum: 10, default: 1 },
				word_timestamp: { type: 'boolean', title: 'Word timestamp', default: false },
			},
		},
		run: transcribe,
	},
	'oliverguhr/deepmultilingualpunctuation': {
		schema: {
			type: 'object',
			title: 'Input',
			required: ['text'],
			properties: { text: { type: 'string', title: 'Text', minLength: 1 } },
		},
		run: ({ text }) => ({
			text: `${String(text)
				.trim()
				.replace(/[.!?]+$/, '')}.`,
		}),
	},
	/**
	 * Not a model of the service: takes every kind of field, and gives back what it was given. `plan` says
	 * how the prediction goes, see predictions.ts.
	 */
	'sandbox/echo': {
		schema: {
			type: 'object',
			title: 'Input',
			required: ['text'],
			properties: {
				text: { type: 'string', title: 'Text' },
				count: { type: 'integer', title: 'Count', minimum: 1, maximum: 5, default: 1 },
				ratio: { type: 'number', title: 'Ratio', exclusiveMinimum: 0, maximum: 1 },
				mode: { type: 'string', title: 'Mode', enum: ['plain', 'upper'], default: 'plain' },
				loud: { type: 'boolean', title: 'Loud', default: false },
				tags: { type: 'array', title: 'Tags', items: { type: 'string' } },
				extra: {
					type: 'object',
					title: 'Extra',
					required: ['key'],
					properties: { key: { type: 'string' } },
				},
				plan: { type: 'object', title: 'Plan' },
			},
		},
		run: (input) => ({
			...input,
			text: Array.from({ length: Number(input.count) }, () =>
				input.mode === 'upper' ? String(input.text).toUpperCase() : String(input.text),
			).join(' '),
		}),
	},
};

const ajv = new Ajv({ allErrors: true, useDefaults: true, strict: false });
ajv.addFormat('uri', (text) => URL.canParse(text));
const validators = new Map<string, ValidateFunction>();

/** The input with the defaults of the model's schema, or what is wrong with it, by field. */
export function checkInput(
	name: string,
	model: Model,
	given: Input,
): { input: Input } | { errors: Array<{ field: string; message: string }> } {
	const validate = validators.get(name) ?? ajv.compile(model.schema);
	validators.set(name, validate);
	const input = structuredClone(given);
	const known = Object.keys((model.schema.properties ?? {}) as object);
	const strangers = Object.keys(given).filter((field) => !known.includes(field));
	const errors = strangers.map((field) => ({ field, message: 'unknown field' }));
	if (!validate(input)) errors.push(...(validate.errors ?? []).map(fieldError));
	return errors.length > 0 ? { errors } : { input };
}

function fieldError({ instancePath, keyword, params, message = '' }: ErrorObject) {
	const missing =
		keyword === 'required' ? [(params as { missingProperty: string }).missingProperty] : [];
	const field = [...instancePath.split('/').slice(1), ...missing].join('.');
	return { field, message: missing.length > 0 ? 'is required' : message };
}

async function transcribe(input: Input, signal: AbortSignal): Promise<Output> {
	const audio = hear(await download(String(input.audio), signal));
	// What a channel says is one voice; the service tells voices apart, of which this cannot be sure.
	const voices = input.diarize === true ? audio.channels.slice(0, Number(input.speakers)) : [];
	const segments = (input.diarize === true ? voices : audio.channels.slice(0, 1))
		.flatMap((words, channel) =>
			phrasesOf(words).map((phrase): Stretch => {
				const timed = phrase.map(({ text, start, end, purity }) => ({
					word: text,
					start: rounded(start),
					end: rounded(end),
					probability: rounded(purity),
				}));
				return {
					start: timed[0]?.start ?? 0,
					end: timed.at(-1)?.end ?? 0,
					text: ` ${phrase.map(({ text }) => text).join(' ')}`,
					...(input.diarize === true && { speaker: `SPEAKER_${String(channel).padStart(2, '0')}` }),
					...(input.word_timestamp === true && { words: timed }),
				};
			}),
		)
		.sort((one, other) => one.start - other.start);
	return {
		segments: segments.map((segment, id) => ({ id, ...segment })),
		transcirption: segments.map(({ text }) => text).join(''),
		translation: null,
		detected_language: input.language === 'auto' ? 'en' : input.language,
	};
}

function hear(bytes: Buffer): HeardAudio {
	try {
		return hearWav(bytes);
	} catch {
		throw new ModelFailure('The audio file is of a kind that cannot be decoded');
	}
}

async function download(address: string, signal: AbortSignal): Promise<Buffer> {
	if (!isLoopback(address)) throw new ModelFailure(`The audio file at ${address} is not reachable`);
	const limit = AbortSignal.any([signal, AbortSignal.timeout(LONGEST_DOWNLOAD_MS)]);
	try {
		const answer = await fetch(address, { signal: limit });
		if (answer.ok) return Buffer.from(await answer.arrayBuffer());
		throw new ModelFailure(`The audio file's server answered ${answer.status}`);
	} catch (error) {
		if (error instanceof ModelFailure) throw error;
		throw new ModelFailure(`The audio file at ${address} could not be downloaded`);
	}
}

/** The sandbox calls nothing beyond the machine it runs on. */
export function isLoopback(address: string): boolean {
	if (!URL.canParse(address)) return false;
	const { protocol, hostname } = new URL(address);
	const isLocal = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
	return isLocal && (protocol === 'http:' || protocol === 'https:');
}

function rounded(value: number): number {
	return Math.round(value * 1_000) / 1_000;
}
