import type { INodeProperties } from 'n8n-workflow';

import type { PartLimits } from '../../shared/audio/parts';
import {
	audioInputFields,
	concurrencyOption,
	isSimplified,
	pathSegment,
	simplifyField,
	subtitleOptions,
	timeoutOption,
} from '../../shared/fields';
import { choiceName, optionsOf, parametersOf, type FieldValues } from '../../shared/fieldValues';
import { inputError, type Item } from '../../shared/item';
import { LongRecordingOptions } from '../../shared/longRecordings/fields';
import { optionsCollection } from '../../shared/options';
import { subtitleRequest, type SubtitleRequest } from '../../shared/transcript/subtitleBinary';
import { AUDIO_EXTENSIONS } from '../audioFile';
import {
	KNOWN_MODELS,
	MODEL_RULES,
	modelsAnswering,
	type Model,
	type ResponseFormat,
} from '../service';
import {
	formFieldsOf,
	formOptions,
	isStreamed,
	notWithModel,
	type FormField,
	type KnownModel,
} from './formOptions';
import { modelField, quotedFormat, responseFormatField } from './modelFields';

const endpointPathField: INodeProperties = {
	displayName: 'Endpoint Path',
	name: 'endpointPath',
	type: 'string',
	required: true,
	default: '',
	placeholder: 'e.g. RkBOAlaWzKcubSji',
	description:
		'The endpoint path from the Cloudsway console. It selects the model that transcribes.',
};

const fileNameOption: INodeProperties = {
	displayName: 'File Name',
	name: 'fileName',
	type: 'string',
	default: '',
	placeholder: 'e.g. meeting.ogg',
	description: `The name to send the file with, where its own name or type is wrong or missing. Ends in one of: ${AUDIO_EXTENSIONS.join(', ')}.`,
};

const longRecordings = new LongRecordingOptions('split', {
	show: { '/model': KNOWN_MODELS.filter((model) => MODEL_RULES[model].minutesCount) },
});

/** The fields of the operation, in the order the editor shows them. */
export const fields: INodeProperties[] = [
	endpointPathField,
	modelField,
	...audioInputFields,
	responseFormatField,
	simplifyField,
	optionsCollection([
		concurrencyOption,
		fileNameOption,
		...formOptions,
		...longRecordings.options,
		...subtitleOptions.map((option) => ({
			...option,
			displayOptions: {
				show: {
					...option.displayOptions?.show,
					'/model': modelsAnswering('verbose_json', 'srt', 'vtt', 'diarized_json'),
				},
			},
		})),
		timeoutOption,
	]),
];

/** The parameters of one item, checked; nothing has been sent yet. */
export interface TranscriptionRequest {
	/** Percent-encoded. */
	endpointPath: string;
	model: Model;
	responseFormat: ResponseFormat;
	simplify: boolean;
	/** Whether the answer is to come as a stream of events. */
	stream: boolean;
	/** All but the file, in the order they are sent. */
	formFields: FormField[];
	fileName?: string;
	/** What is sent whole; without it everything is. */
	limits?: PartLimits;
	subtitles?: SubtitleRequest;
	timeoutSeconds: number;
}

/**
 * Reads the parameters of an item and refuses what the service would refuse.
 * @throws NodeOperationError naming the parameters that do not go together, or the value that is wrong
 */
export async function readRequest(item: Item): Promise<TranscriptionRequest> {
	const parameters = parametersOf(item);
	const options = optionsOf(item);
	const model = modelOf(item);
	const known = model === 'other' ? undefined : { name: model, rules: MODEL_RULES[model] };
	const responseFormat = responseFormatOf(item, parameters, known);
	return {
		endpointPath: pathSegment(
			item,
			endpointPathField.displayName,
			item.context.getNodeParameter(endpointPathField.name, item.itemIndex),
		),
		model,
		responseFormat,
		simplify: isSimplified(item),
		stream: isStreamed(options),
		formFields: [
			['response_format', responseFormat],
			...(await formFieldsOf(item, options, responseFormat, known)),
		],
		fileName: options.textIfSet(fileNameOption),
		limits: limitsOf(options, known),
		subtitles: subtitlesOf(item, options, known && responseFormat),
		timeoutSeconds: options.number(timeoutOption),
	};
}

function modelOf(item: Item): Model {
	const model = String(item.context.getNodeParameter(modelField.name, item.itemIndex));
	if (model === 'other' || Object.hasOwn(MODEL_RULES, model)) return model as Model;
	throw inputError(
		item,
		`'Model' ${JSON.stringify(model)} is not known`,
		`Choose one of: ${Object.keys(MODEL_RULES).join(', ')}; or other, which allows everything.`,
	);
}

function limitsOf(options: FieldValues, model: KnownModel | undefined): PartLimits | undefined {
	const limits = longRecordings.limitsOf(options);
	return !limits || model?.rules.minutesCount ? limits : { ...limits, seconds: Infinity };
}

function responseFormatOf(
	item: Item,
	parameters: FieldValues,
	model: KnownModel | undefined,
): ResponseFormat {
	const format = parameters.choice<ResponseFormat>(responseFormatField);
	if (!model || model.rules.responseFormats.includes(format)) return format;
	throw notWithModel(
		item,
		quotedFormat(format),
		model.name,
		`This model answers in: ${model.rules.responseFormats.map((answered) => choiceName(responseFormatField, answered)).join(', ')}.`,
	);
}

function subtitlesOf(
	item: Item,
	options: FieldValues,
	responseFormat: ResponseFormat | undefined,
): SubtitleRequest | undefined {
	const subtitles = subtitleRequest(options);
	if (subtitles && (responseFormat === 'json' || responseFormat === 'text')) {
		throw inputError(
			item,
			`'Subtitles' cannot be made from ${quotedFormat(responseFormat)}, which has no times`,
			FORMATS_WITH_TIMES,
		);
	}
	return subtitles;
}

/** How to get an answer with times, for the user. */
export const FORMATS_WITH_TIMES =
	"Set 'Response Format' to Verbose JSON, SRT or WebVTT (model Whisper) or Diarized JSON (model MaaS 4o Transcribe Diarize).";
