import type { IDataObject } from 'n8n-workflow';

import { readSmallBinary, storedFile } from '../shared/audio/source';
import { inputError, type Item } from '../shared/item';
import { isOn, listOf, nonEmpty, numberWithin, pathSegment } from '../shared/parameters';
import { subtitleRequest, type SubtitleRequest } from '../shared/transcript/subtitleBinary';
import { AUDIO_EXTENSIONS, uploadNameOf } from './audioFile';
import { MODEL_RULES, type Model, type ModelRules, type ResponseFormat } from './service';

const MAX_KNOWN_SPEAKERS = 4;
/** A sample is 2 to 10 seconds long; even uncompressed audio of that length is smaller. */
const MAX_SAMPLE_BYTES = 8 * 1024 * 1024;

/** The parameters of one item, checked; nothing has been sent yet. */
export interface TranscriptionRequest {
	/** Percent-encoded. */
	endpointPath: string;
	model: Model;
	responseFormat: ResponseFormat;
	simplify: boolean;
	/** Whether the answer is to come as a stream of events. */
	stream: boolean;
	/** The form's fields but for the file, in the order they are sent. */
	fields: Array<[name: string, value: string]>;
	fileName?: string;
	subtitles?: SubtitleRequest;
	timeoutSeconds: number;
}

/**
 * Reads the parameters of an item and refuses what the service would refuse.
 * @throws NodeOperationError naming the parameters that do not go together, or the value that is wrong
 */
export async function readRequest(item: Item): Promise<TranscriptionRequest> {
	const { context, itemIndex } = item;
	const model = modelOf(item);
	const responseFormat = context.getNodeParameter('responseFormat', itemIndex) as ResponseFormat;
	const options = context.getNodeParameter('options', itemIndex, {}) as IDataObject;
	const include = listOf(options.include);
	const granularities = listOf(options.timestampGranularities);
	const speakers = speakersOf(options);

	const rules = model === 'other' ? undefined : MODEL_RULES[model];
	if (rules)
		refuseCombinations(item, {
			model,
			rules,
			responseFormat,
			include,
			granularities,
			options,
			speakers,
		});

	const fields: TranscriptionRequest['fields'] = [['response_format', responseFormat]];
	const add = (name: string, value: unknown) => {
		if (value !== undefined) fields.push([name, String(value)]);
	};
	for (const [name, value] of chunkingFields(item, options)) add(name, value);
	for (const value of include) add('include[]', value);
	for (const value of granularities) add('timestamp_granularities[]', value);
	add('language', languageOf(item, options.language));
	add('prompt', nonEmpty(options.prompt));
	const stream = isOn(options.stream);
	if (stream) add('stream', 'true');
	add('temperature', numberWithin(item, 'Temperature', options.temperature, { min: 0, max: 1 }));
	for (const [name, value] of await speakerFields(item, speakers)) add(name, value);

	return {
		endpointPath: pathSegment(
			item,
			'Endpoint Path',
			context.getNodeParameter('endpointPath', itemIndex),
		),
		model,
		responseFormat,
		simplify: isOn(context.getNodeParameter('simplify', itemIndex, true)),
		stream,
		fields,
		fileName: nonEmpty(options.fileName),
		subtitles: subtitlesOf(item, options, rules ? responseFormat : undefined),
		timeoutSeconds: numberWithin(item, 'Timeout', options.timeout, { min: 1, max: 86_400 }) ?? 300,
	};
}

interface Speaker {
	name: unknown;
	referenceType: 'binary' | 'dataUrl';
	/** The name of a binary field, a data URL, or by an expression the binary file itself. */
	reference: unknown;
}

function modelOf({ context, itemIndex }: Item): Model {
	const model = String(context.getNodeParameter('model', itemIndex));
	if (model === 'other' || Object.hasOwn(MODEL_RULES, model)) return model as Model;
	throw inputError(
		{ context, itemIndex },
		`'Model' ${JSON.stringify(model)} is not known`,
		`Choose one of: ${Object.keys(MODEL_RULES).join(', ')}; or other, which allows everything.`,
	);
}

function speakersOf(options: IDataObject): Speaker[] {
	const collection = options.knownSpeakers as { speaker?: Speaker[] } | undefined;
	return collection?.speaker ?? [];
}

function refuseCombinations(
	item: Item,
	{
		model,
		rules,
		responseFormat,
		include,
		granularities,
		options,
		speakers,
	}: {
		model: Model;
		rules: ModelRules;
		responseFormat: ResponseFormat;
		include: string[];
		granularities: string[];
		options: IDataObject;
		speakers: Speaker[];
	},
): void {
	const notWithModel = (parameter: string, goOn: string) =>
		inputError(
			item,
			`${parameter} cannot be used with 'Model' ${model}`,
			`${goOn} Choose the model 'Other' to send any combination.`,
		);
	if (!rules.responseFormats.includes(responseFormat)) {
		const takes = rules.responseFormats.join(', ');
		throw notWithModel(`'Response Format' ${responseFormat}`, `This model answers in: ${takes}.`);
	}
	if (granularities.length > 0 && responseFormat !== 'verbose_json') {
		throw inputError(
			item,
			`'Timestamp Granularities' cannot be used with 'Response Format' ${responseFormat}`,
			"Set 'Response Format' to verbose_json, which whisper-1 has, or remove 'Timestamp Granularities'.",
		);
	}
	if (include.length > 0 && !rules.logprobs) {
		throw notWithModel(
			"'Include'",
			"Remove 'Include': log probabilities come with MaaS_GP_4o_transcribe and its mini only.",
		);
	}
	if (include.length > 0 && responseFormat !== 'json') {
		throw inputError(
			item,
			`'Include' cannot be used with 'Response Format' ${responseFormat}`,
			"Set 'Response Format' to json, or remove 'Include'.",
		);
	}
	if (speakers.length > 0 && !rules.knownSpeakers) {
		throw notWithModel(
			"'Known Speakers'",
			"Remove 'Known Speakers', or choose MaaS_GP_4o_transcribe_diarize.",
		);
	}
	if (nonEmpty(options.prompt) !== undefined && !rules.prompt) {
		throw notWithModel("'Prompt'", "Remove 'Prompt'.");
	}
}

function chunkingFields(item: Item, options: IDataObject): Array<[string, unknown]> {
	if (options.chunkingStrategy === 'auto') return [['chunking_strategy', 'auto']];
	if (options.chunkingStrategy !== 'serverVad') return [];
	const milliseconds = { min: 0, max: Infinity, integer: true };
	return [
		['chunking_strategy[type]', 'server_vad'],
		[
			'chunking_strategy[threshold]',
			numberWithin(item, 'VAD Threshold', options.vadThreshold, { min: 0, max: 1 }),
		],
		[
			'chunking_strategy[prefix_padding_ms]',
			numberWithin(item, 'VAD Prefix Padding', options.vadPrefixPaddingMs, milliseconds),
		],
		[
			'chunking_strategy[silence_duration_ms]',
			numberWithin(item, 'VAD Silence Duration', options.vadSilenceDurationMs, milliseconds),
		],
	];
}

function languageOf(item: Item, value: unknown): string | undefined {
	const language = nonEmpty(value)?.toLowerCase();
	if (language !== undefined && !/^[a-z]{2}$/.test(language)) {
		throw inputError(
			item,
			`'Language' must be a code of two letters, but is ${JSON.stringify(value)}`,
			'Use the ISO-639-1 code, for example en or de, or remove it to have the language detected.',
		);
	}
	return language;
}

async function speakerFields(item: Item, speakers: Speaker[]): Promise<Array<[string, string]>> {
	if (speakers.length > MAX_KNOWN_SPEAKERS) {
		throw inputError(
			item,
			`'Known Speakers' takes at most ${MAX_KNOWN_SPEAKERS} speakers, but has ${speakers.length}`,
			'Remove speakers until four are left.',
		);
	}
	const names: Array<[string, string]> = [];
	const references: Array<[string, string]> = [];
	for (const speaker of speakers) {
		const name = nonEmpty(speaker.name);
		if (name === undefined) {
			throw inputError(
				item,
				"A speaker of 'Known Speakers' has no 'Name'",
				"Give each speaker a short name, for example 'agent'.",
			);
		}
		names.push(['known_speaker_names[]', name]);
		references.push(['known_speaker_references[]', await sampleOf(item, name, speaker)]);
	}
	return [...names, ...references];
}

async function sampleOf(
	item: Item,
	name: string,
	{ referenceType, reference: value }: Speaker,
): Promise<string> {
	const reference = typeof value === 'object' && value !== null ? value : (nonEmpty(value) ?? '');
	if (typeof reference === 'string' && referenceType === 'dataUrl') {
		if (!/^data:(audio|video)\/[^,]+;base64,[A-Za-z0-9+/]+={0,2}$/.test(reference)) {
			throw inputError(
				item,
				`'Reference' of the known speaker '${name}' is not a data URL of audio`,
				"It must begin with data:audio/…;base64, and hold the sample. For a file of the item, set 'Reference Type' to Binary Field.",
			);
		}
		return reference;
	}
	const { fileName, mimeType } = storedFile(item, reference);
	const audio = uploadNameOf(fileName, mimeType);
	const sample = await readSmallBinary(item, reference, MAX_SAMPLE_BYTES);
	if (!audio || !sample) {
		throw inputError(
			item,
			`'Reference' of the known speaker '${name}' is not a short audio file`,
			`It must hold 2 to 10 seconds of audio in one of: ${AUDIO_EXTENSIONS.join(', ')}.`,
		);
	}
	return `data:${audio.mimeType};base64,${sample.toString('base64')}`;
}

function subtitlesOf(
	item: Item,
	options: IDataObject,
	responseFormat: ResponseFormat | undefined,
): SubtitleRequest | undefined {
	const subtitles = subtitleRequest(options);
	if (subtitles && (responseFormat === 'json' || responseFormat === 'text')) {
		throw inputError(
			item,
			`'Subtitles' cannot be made from 'Response Format' ${responseFormat}, which has no times`,
			FORMATS_WITH_TIMES,
		);
	}
	return subtitles;
}

/** How to get an answer with times, for the user. */
export const FORMATS_WITH_TIMES =
	"Set 'Response Format' to verbose_json, srt or vtt (whisper-1) or diarized_json (MaaS_GP_4o_transcribe_diarize).";
