import {
	updateDisplayOptions,
	type IDataObject,
	type INodeExecutionData,
	type INodeProperties,
} from 'n8n-workflow';

import { audioSource } from '../../shared/audio/source';
import {
	audioInputFields,
	concurrencyOption,
	simplifyField,
	subtitleOptions,
	timeoutOption,
} from '../../shared/fields';
import type { Item } from '../../shared/item';
import { optionsCollection } from '../../shared/options';
import { isOn, nonEmpty, numberWithin } from '../../shared/parameters';
import { subtitleRequest } from '../../shared/transcript/subtitleBinary';
import { transcribeFile } from '../fileTranscription';
import { keytermsOf, keytermsOption } from '../keyterms';
import { NOVA3_MODEL, toTranscript } from '../nova3/transcript';

const fields: INodeProperties[] = [
	...audioInputFields,
	simplifyField,
	optionsCollection([
		concurrencyOption,
		{
			displayName: 'Detect Language',
			name: 'detectLanguage',
			type: 'boolean',
			default: false,
			description: 'Whether to find out which language is spoken',
		},
		{
			displayName: 'Diarize',
			name: 'diarize',
			type: 'boolean',
			default: false,
			description: 'Whether to tell speakers apart',
		},
		keytermsOption,
		{
			displayName: 'Language',
			name: 'language',
			type: 'string',
			default: '',
			placeholder: 'e.g. en',
			description: 'The language that is spoken, as a BCP-47 tag',
		},
		{
			displayName: 'Punctuate',
			name: 'punctuate',
			type: 'boolean',
			default: false,
			description: 'Whether to set punctuation and capitals',
		},
		{
			displayName: 'Smart Format',
			name: 'smartFormat',
			type: 'boolean',
			default: false,
			description: 'Whether to write dates, amounts and the like in their usual form',
		},
		...subtitleOptions,
		timeoutOption,
		{
			displayName: 'Utterances',
			name: 'utterances',
			type: 'boolean',
			default: false,
			description: 'Whether to divide the text into utterances with times',
		},
	]),
];

/** The fields of the operation, in the order the editor shows them. */
export const description: INodeProperties[] = updateDisplayOptions(
	{ show: { resource: ['audio'], operation: ['transcribeNova3'] } },
	fields,
);

/** Switches that are sent where the user set them: the option's name and the service's. */
const SWITCHES = [
	['detectLanguage', 'detect_language'],
	['diarize', 'diarize'],
	['punctuate', 'punctuate'],
	['smartFormat', 'smart_format'],
	['utterances', 'utterances'],
] as const;

/**
 * Transcribes one item's audio file, of any format, as a whole.
 *
 * POST of the file itself: https://developers.cloudflare.com/workers-ai/models/nova-3/
 *
 * @returns one item: the common transcript, or with 'Simplify' off Cloudflare's `result`; for an AI
 * agent `{ text }`
 * @throws NodeOperationError for parameters or files that cannot be sent; NodeApiError for what
 * Cloudflare answers
 */
export async function execute(item: Item): Promise<INodeExecutionData[]> {
	const { context, itemIndex } = item;
	const options = context.getNodeParameter('options', itemIndex, {}) as IDataObject;
	return await transcribeFile(item, {
		model: NOVA3_MODEL,
		source: audioSource(item),
		query: queryOf(item, options),
		timeoutSeconds: numberWithin(item, 'Timeout', options.timeout, { min: 1, max: 86_400 }) ?? 300,
		simplify: isOn(context.getNodeParameter('simplify', itemIndex, true)),
		subtitles: subtitleRequest(options),
		toTranscript,
	});
}

function queryOf(item: Item, options: IDataObject): URLSearchParams {
	const query = new URLSearchParams();
	const language = nonEmpty(options.language);
	if (language !== undefined) query.append('language', language);
	for (const [option, name] of SWITCHES) {
		const value = options[option];
		if (value !== undefined && value !== '') query.append(name, String(isOn(value)));
	}
	for (const keyterm of keytermsOf(item, options.keyterms)) query.append('keyterm', keyterm);
	return query;
}
