import type { IExecuteFunctions, INodeProperties } from 'n8n-workflow';

import { FieldValues, parametersOf } from './fieldValues';
import { inputError, type Item } from './item';
import { subtitleFormatChoices } from './transcript/subtitles/formats';

export const inputTypeField: INodeProperties = {
	displayName: 'Input Type',
	name: 'inputType',
	type: 'options',
	options: [
		{ name: 'Binary File', value: 'binary', description: 'A file that the item carries' },
		{ name: 'URL', value: 'url', description: 'A file on the web, downloaded by n8n' },
	],
	default: 'binary',
	description: 'Where the audio comes from',
};

/** Where the audio of an item comes from; read by `audioSource`. */
export const audioInputFields: INodeProperties[] = [
	{ ...inputTypeField, displayOptions: { hide: { '@tool': [true] } } },
	{ ...inputTypeField, default: 'url', displayOptions: { show: { '@tool': [true] } } },
	{
		displayName:
			"An AI agent cannot hand a file to a tool: let it fill in 'Audio URL' by the button beside the field.",
		name: 'toolNotice',
		type: 'notice',
		default: '',
		displayOptions: { show: { '@tool': [true] } },
	},
	{
		displayName: 'Input Binary Field',
		name: 'binaryPropertyName',
		type: 'string',
		required: true,
		default: 'data',
		placeholder: 'e.g. data',
		hint: 'The name of the input binary field that holds the audio file',
		displayOptions: { show: { inputType: ['binary'] } },
	},
	{
		displayName: 'Audio URL',
		name: 'audioUrl',
		type: 'string',
		required: true,
		default: '',
		placeholder: 'e.g. https://example.com/recording.mp3',
		description:
			'The address of the audio file. It is downloaded and sent on; nothing of it is stored.',
		displayOptions: { show: { inputType: ['url'] } },
	},
];

export const simplifyField: INodeProperties = {
	displayName: 'Simplify',
	name: 'simplify',
	type: 'boolean',
	default: true,
	description: 'Whether to return a simplified version of the response instead of the raw data',
};

/** @throws NodeOperationError where an expression gives what is no switch */
export function isSimplified(item: Item): boolean {
	return parametersOf(item).isOn(simplifyField);
}

export const concurrencyOption: INodeProperties = {
	displayName: 'Concurrency',
	name: 'concurrency',
	type: 'number',
	typeOptions: { minValue: 1, maxValue: 100, numberPrecision: 0 },
	default: 10,
	description: 'How many items are processed at once. The order of the results does not change.',
};

/**
 * How many items of this node run at once, which the first item says.
 * @throws NodeOperationError where it is out of range
 */
export function concurrencyOf(context: IExecuteFunctions): number {
	const first = new FieldValues({ context, itemIndex: 0 }, ({ name }) =>
		context.getNodeParameter(`options.${name}`, 0, null),
	);
	return first.number(concurrencyOption);
}

export const timeoutOption: INodeProperties = {
	displayName: 'Timeout',
	name: 'timeout',
	type: 'number',
	typeOptions: { minValue: 1, maxValue: 24 * 60 * 60 },
	default: 300,
	description:
		'How many seconds one try may take: reading the file, sending it and receiving the answer',
};

export const subtitlesOption: INodeProperties = {
	displayName: 'Subtitles',
	name: 'subtitles',
	type: 'options',
	options: [{ name: 'None', value: 'none' }, ...subtitleFormatChoices],
	default: 'none',
	description: 'Whether to add a subtitle file, made from the times in the transcript',
};

export const subtitlesPropertyOption: INodeProperties = {
	displayName: 'Subtitles Field',
	name: 'subtitlesProperty',
	type: 'string',
	default: 'subtitles',
	description: 'The name of the output binary field to put the subtitle file in',
	displayOptions: { show: { subtitles: subtitleFormatChoices.map(({ value }) => value) } },
};

/** Read by `subtitleRequest`. */
export const subtitleOptions: INodeProperties[] = [subtitlesOption, subtitlesPropertyOption];

export const reportOptions: INodeProperties[] = [
	{
		displayName: 'Report',
		name: 'report',
		type: 'boolean',
		default: false,
		description:
			'Whether to add an HTML file of the transcript to read, search and print, as binary data',
	},
	{
		displayName: 'Report Field',
		name: 'reportProperty',
		type: 'string',
		default: 'report',
		description: 'The name of the output binary field to put the report in',
		displayOptions: { show: { report: [true] } },
	},
];

/**
 * The value as one path segment of a URL, percent-encoded.
 * @throws NodeOperationError for an empty value, a whole address, `.` and `..`
 */
export function pathSegment(item: Item, displayName: string, value: unknown): string {
	const isText = typeof value !== 'object' || value === null;
	const segment = isText ? String(value ?? '').trim() : undefined;
	if (segment === '') {
		throw inputError(item, `'${displayName}' is empty`, `Set '${displayName}'.`);
	}
	if (segment === undefined || ['.', '..'].includes(segment) || segment.includes('://')) {
		throw inputError(
			item,
			`'${displayName}' is not a single path segment`,
			`Set '${displayName}' to the segment alone, without an address or dots.`,
		);
	}
	return encodeURIComponent(segment);
}
