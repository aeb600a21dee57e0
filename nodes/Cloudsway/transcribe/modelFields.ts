import type { INodeProperties } from 'n8n-workflow';

import { choiceName } from '../../shared/fieldValues';
import { modelsAnswering, type ResponseFormat } from '../service';

export const modelField: INodeProperties = {
	displayName: 'Model',
	name: 'model',
	type: 'options',
	options: [
		{ name: 'MaaS 4o Mini Transcribe', value: 'MaaS_GP_4o_mini_transcribe' },
		{ name: 'MaaS 4o Transcribe', value: 'MaaS_GP_4o_transcribe' },
		{ name: 'MaaS 4o Transcribe Diarize', value: 'MaaS_GP_4o_transcribe_diarize' },
		{ name: 'Other', value: 'other', description: 'Shows and allows every field' },
		{ name: 'Whisper', value: 'whisper-1' },
	],
	default: 'MaaS_GP_4o_mini_transcribe',
	description:
		'The model behind the endpoint path. It is not sent; it decides which fields are shown and allowed.',
};

export const responseFormatField: INodeProperties = {
	displayName: 'Response Format',
	name: 'responseFormat',
	type: 'options',
	options: [
		{
			name: 'Diarized JSON',
			value: 'diarized_json',
			description: 'Text in segments with speakers and times',
			displayOptions: { show: { model: modelsAnswering('diarized_json') } },
		},
		{
			name: 'JSON',
			value: 'json',
			description: 'Text, without times',
		},
		{
			name: 'SRT',
			value: 'srt',
			description: 'Subtitles in the SubRip format',
			displayOptions: { show: { model: modelsAnswering('srt') } },
		},
		{
			name: 'Text',
			value: 'text',
			description: 'Text alone',
			displayOptions: { show: { model: modelsAnswering('text') } },
		},
		{
			name: 'Verbose JSON',
			value: 'verbose_json',
			description: 'Text with language, duration and the times of segments or words',
			displayOptions: { show: { model: modelsAnswering('verbose_json') } },
		},
		{
			name: 'WebVTT',
			value: 'vtt',
			description: 'Subtitles in the WebVTT format',
			displayOptions: { show: { model: modelsAnswering('vtt') } },
		},
	],
	default: 'json',
	description: 'The form of the answer. Which ones there are depends on the model.',
};

/** A response format, quoted with its field, as the editor shows it. */
export function quotedFormat(format: ResponseFormat): string {
	return `'${responseFormatField.displayName}' ${choiceName(responseFormatField, format)}`;
}

/** A model, quoted with its field, as the editor shows it. */
export function quotedModel(model: string): string {
	return `'${modelField.displayName}' ${choiceName(modelField, model)}`;
}
