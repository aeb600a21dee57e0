import type { INodeProperties } from 'n8n-workflow';

import type { FieldValues } from '../../shared/fieldValues';
import { inputError, type Item } from '../../shared/item';
import { modelsAnswering, modelsThat, type ModelRules, type ResponseFormat } from '../service';
import { knownSpeakersOption, speakerFields } from './knownSpeakers';
import { quotedFormat, quotedModel } from './modelFields';

/** A field of the form, under the service's name for it. */
export type FormField = [name: string, value: string];

/** An option of the node with what it adds to the form. */
interface FormOption {
	field: INodeProperties;
	/** Nothing where the option is not set. */
	formFields: (options: FieldValues, item: Item) => FormField[] | Promise<FormField[]>;
	/** The models that take it, where not all do; `goOn` is for the user of another one. */
	models?: { taking: (rules: ModelRules) => boolean; goOn: string };
	/** The only response format it goes with, where that is one; `goOn` is for the user of another. */
	responseFormat?: { needed: ResponseFormat; goOn: string };
}

function formField(name: string, value: string | number | undefined): FormField[] {
	return value === undefined ? [] : [[name, String(value)]];
}

const chunkingStrategy: INodeProperties = {
	displayName: 'Chunking Strategy',
	name: 'chunkingStrategy',
	type: 'options',
	options: [
		{ name: 'None', value: 'none', description: 'Transcribe the audio as a single block' },
		{
			name: 'Auto',
			value: 'auto',
			description: 'Normalise loudness and cut where nobody speaks',
		},
		{
			name: 'Server VAD',
			value: 'serverVad',
			description: 'Cut where nobody speaks, as the fields below say',
		},
	],
	default: 'none',
	description:
		'How the audio is cut into chunks. The diarize model needs one for audio longer than 30 seconds.',
	displayOptions: { hide: { '/model': ['whisper-1'] } },
};

function strategyOf(options: FieldValues): 'none' | 'auto' | 'serverVad' {
	return options.choice(chunkingStrategy);
}

/** A number that goes with Server VAD only. */
function vadOption(field: INodeProperties, name: string): FormOption {
	return {
		field: { ...field, displayOptions: { show: { chunkingStrategy: ['serverVad'] } } },
		formFields: (options) =>
			strategyOf(options) === 'serverVad' ? formField(name, options.numberIfSet(field)) : [],
	};
}

const include: INodeProperties = {
	displayName: 'Include',
	name: 'include',
	type: 'multiOptions',
	options: [
		{
			name: 'Log Probabilities',
			value: 'logprobs',
			description: 'How sure the model is of each token',
		},
	],
	default: [],
	description: 'What to have in the answer besides the text',
};

const timestampGranularities: INodeProperties = {
	displayName: 'Timestamp Granularities',
	name: 'timestampGranularities',
	type: 'multiOptions',
	options: [
		{ name: 'Segment', value: 'segment' },
		{ name: 'Word', value: 'word', description: 'Takes the service a little longer' },
	],
	default: ['segment'],
	description: 'What to give times for, with the response format Verbose JSON',
	displayOptions: { show: { '/model': modelsAnswering('verbose_json') } },
};

const language: INodeProperties = {
	displayName: 'Language',
	name: 'language',
	type: 'string',
	default: '',
	placeholder: 'e.g. en',
	description:
		'The language of the audio as an ISO-639-1 code of two letters. Detected where it is left out.',
};

function languageOf(options: FieldValues, item: Item): string | undefined {
	const given = options.textIfSet(language);
	const code = given?.toLowerCase();
	if (code === undefined || /^[a-z]{2}$/.test(code)) return code;
	throw inputError(
		item,
		`'Language' must be a code of two letters, but is ${JSON.stringify(given)}`,
		'Use the ISO-639-1 code, for example en or de, or remove it to have the language detected.',
	);
}

const prompt: INodeProperties = {
	displayName: 'Prompt',
	name: 'prompt',
	type: 'string',
	typeOptions: { rows: 2 },
	default: '',
	description: 'Text in the language of the audio that guides the style or goes before this audio',
};

const stream: INodeProperties = {
	displayName: 'Stream',
	name: 'stream',
	type: 'boolean',
	default: false,
	description:
		'Whether to have the text sent as it is transcribed. Where the workflow answers in a stream, the pieces go out at once.',
	displayOptions: { hide: { '/model': ['whisper-1'] } },
};

const temperature: INodeProperties = {
	displayName: 'Temperature',
	name: 'temperature',
	type: 'number',
	typeOptions: { minValue: 0, maxValue: 1, numberPrecision: 2 },
	default: 0,
	description: 'How freely the model chooses its words: 0 is the most exact',
};

/** Every option that goes into the form, in the order it is sent. A new one needs no other place. */
const FORM_OPTIONS: readonly FormOption[] = [
	{
		field: chunkingStrategy,
		formFields: (options) => {
			const strategy = strategyOf(options);
			if (strategy === 'auto') return formField('chunking_strategy', 'auto');
			return strategy === 'serverVad' ? formField('chunking_strategy[type]', 'server_vad') : [];
		},
	},
	vadOption(
		{
			displayName: 'VAD Threshold',
			name: 'vadThreshold',
			type: 'number',
			typeOptions: { minValue: 0, maxValue: 1, numberPrecision: 2 },
			default: 0.5,
			description: 'How sure the detection must be of speech: higher suits noisy audio',
		},
		'chunking_strategy[threshold]',
	),
	vadOption(
		{
			displayName: 'VAD Prefix Padding',
			name: 'vadPrefixPaddingMs',
			type: 'number',
			typeOptions: { minValue: 0, numberPrecision: 0 },
			default: 300,
			description: 'How many milliseconds before detected speech to keep',
		},
		'chunking_strategy[prefix_padding_ms]',
	),
	vadOption(
		{
			displayName: 'VAD Silence Duration',
			name: 'vadSilenceDurationMs',
			type: 'number',
			typeOptions: { minValue: 0, numberPrecision: 0 },
			default: 200,
			description: 'How many milliseconds of silence end a chunk',
		},
		'chunking_strategy[silence_duration_ms]',
	),
	{
		field: include,
		formFields: (options) => options.list(include).map((value) => ['include[]', value]),
		models: {
			taking: ({ logprobs }) => logprobs,
			goOn: "Remove 'Include': log probabilities come with MaaS 4o Transcribe and its Mini only.",
		},
		responseFormat: {
			needed: 'json',
			goOn: "Set 'Response Format' to JSON, or remove 'Include'.",
		},
	},
	{
		field: timestampGranularities,
		formFields: (options) =>
			options.list(timestampGranularities).map((value) => ['timestamp_granularities[]', value]),
		responseFormat: {
			needed: 'verbose_json',
			goOn: "Set 'Response Format' to Verbose JSON, which Whisper has, or remove 'Timestamp Granularities'.",
		},
	},
	{
		field: language,
		formFields: (options, item) => formField('language', languageOf(options, item)),
	},
	{
		field: prompt,
		formFields: (options) => formField('prompt', options.textIfSet(prompt)),
		models: { taking: (rules) => rules.prompt, goOn: "Remove 'Prompt'." },
	},
	{
		field: stream,
		formFields: (options) => (isStreamed(options) ? formField('stream', 'true') : []),
	},
	{
		field: temperature,
		formFields: (options) => formField('temperature', options.numberIfSet(temperature)),
	},
	{
		field: knownSpeakersOption,
		formFields: speakerFields,
		models: {
			taking: ({ knownSpeakers }) => knownSpeakers,
			goOn: "Remove 'Known Speakers', or choose MaaS 4o Transcribe Diarize.",
		},
	},
];

/** The fields of these options, each shown with the models that take it. */
export const formOptions: INodeProperties[] = FORM_OPTIONS.map(({ field, models }) => ({
	...field,
	...(models && { displayOptions: { show: { '/model': modelsThat(models.taking) } } }),
}));

/** Whether the answer is to come as a stream of events. */
export function isStreamed(options: FieldValues): boolean {
	return options.isOn(stream);
}

/** What is known of the model, by which options are refused; nothing is, where it is not known. */
export interface KnownModel {
	name: string;
	rules: ModelRules;
}

/**
 * What the options of an item add to the form.
 * @throws NodeOperationError naming an option of a wrong form, or one that the model or the response
 * format does not go with
 */
export async function formFieldsOf(
	item: Item,
	options: FieldValues,
	responseFormat: ResponseFormat,
	model: KnownModel | undefined,
): Promise<FormField[]> {
	const all: FormField[] = [];
	for (const option of FORM_OPTIONS) {
		const formFields = await option.formFields(options, item);
		if (model && formFields.length > 0) refuseConflicts(item, option, responseFormat, model);
		all.push(...formFields);
	}
	return all;
}

function refuseConflicts(
	item: Item,
	option: FormOption,
	responseFormat: ResponseFormat,
	model: KnownModel,
): void {
	const { displayName } = option.field;
	if (option.models && !option.models.taking(model.rules)) {
		throw notWithModel(item, `'${displayName}'`, model.name, option.models.goOn);
	}
	if (option.responseFormat && option.responseFormat.needed !== responseFormat) {
		throw inputError(
			item,
			`'${displayName}' cannot be used with ${quotedFormat(responseFormat)}`,
			option.responseFormat.goOn,
		);
	}
}

/** The error for what the model does not take. */
export function notWithModel(item: Item, what: string, model: string, goOn: string): Error {
	return inputError(
		item,
		`${what} cannot be used with ${quotedModel(model)}`,
		`${goOn} Choose the model 'Other' to send any combination.`,
	);
}
