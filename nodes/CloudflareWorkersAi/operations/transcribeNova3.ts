import {
	updateDisplayOptions,
	type IDataObject,
	type INodeExecutionData,
	type INodeProperties,
} from 'n8n-workflow';

import { isObject } from '../../shared/http/answer';
import { audioMimeType } from '../../shared/audio/format';
import { AUDIO_BODY, audioSource, type AudioSource } from '../../shared/audio/source';
import {
	audioInputFields,
	concurrencyOption,
	simplifyField,
	subtitleOptions,
	timeoutOption,
} from '../../shared/fields';
import { inputError, isToolRun, type Item } from '../../shared/item';
import { isOn, nonEmpty, numberWithin } from '../../shared/parameters';
import { subtitleBinary, subtitleRequest } from '../../shared/transcript/subtitleBinary';
import { transcriptJson } from '../../shared/transcript/transcript';
import type { RequestBody } from '../../shared/http/service';
import { callService } from '../../shared/http/transport';
import { byDisplayName, keytermsOf, keytermsOption } from '../flux/parameters';
import { toTranscript } from '../nova3/transcript';
import { CLOUDFLARE, modelPath, NOVA3_MODEL, readResult } from '../service';

const fields: INodeProperties[] = [
	...audioInputFields,
	simplifyField,
	{
		displayName: 'Options',
		name: 'options',
		type: 'collection',
		placeholder: 'Add option',
		default: {},
		options: byDisplayName([
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
	},
];

/** The fields of the operation, in the order the editor shows them. */
export const description: INodeProperties[] = updateDisplayOptions(
	{ show: { resource: ['audio'], operation: ['transcribeNova3'] } },
	fields,
);

const NO_TIMES = 'Cloudflare gave no words with times.';

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
	const query = queryOf(item, options);
	const subtitles = subtitleRequest(options);
	const timeoutSeconds =
		numberWithin(item, 'Timeout', options.timeout, { min: 1, max: 86_400 }) ?? 300;
	const { result, requestId } = await callService(
		item,
		CLOUDFLARE,
		{
			method: 'POST',
			path: await modelPath(item, NOVA3_MODEL),
			query,
			body: fileBody(item, audioSource(item)),
			bodyWords: AUDIO_BODY,
			timeoutSeconds,
		},
		async (answer) => ({
			result: await readResult(item, answer),
			requestId: answer.header('cf-ray'),
		}),
	);
	const simplify = isOn(context.getNodeParameter('simplify', itemIndex, true));
	if (!simplify && !subtitles && !isToolRun(context)) {
		return [{ json: isObject(result) ? result : ({ result } as IDataObject) }];
	}
	const transcript = toTranscript(result, requestId);
	if (!transcript) {
		throw inputError(
			item,
			"Cloudflare's answer holds no transcript",
			"Turn off 'Simplify' and 'Subtitles' to see what it holds.",
		);
	}
	if (isToolRun(context)) return [{ json: { text: transcript.text } }];
	const binary = subtitles && (await subtitleBinary(item, transcript, subtitles, NO_TIMES));
	const json = simplify ? transcriptJson(transcript) : (result as IDataObject);
	return [{ json, ...(binary && { binary }) }];
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

/** The file as it is, with its type and, where it is known, its length. */
function fileBody(item: Item, source: AudioSource): (signal: AbortSignal) => Promise<RequestBody> {
	return async (signal) => {
		const { content, length, fileName, mimeType, failure, isRead, close } = await source(signal);
		if (length === 0) {
			close();
			throw inputError(
				item,
				'The audio file is empty',
				'Check the node that supplies it: the file has no bytes.',
			);
		}
		return {
			content,
			headers: {
				'Content-Type': audioMimeType(fileName, mimeType),
				...(length !== undefined && { 'Content-Length': String(length) }),
			},
			failure,
			isRead,
			close,
		};
	};
}
