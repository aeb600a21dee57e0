import {
	updateDisplayOptions,
	type IDataObject,
	type INodeExecutionData,
	type INodeProperties,
} from 'n8n-workflow';

import { isObject, parseJson } from '../../shared/http/answer';
import { concurrencyOption } from '../../shared/fields';
import { optionsOf } from '../../shared/fieldValues';
import { inputError, type Item } from '../../shared/item';
import { optionsCollection } from '../../shared/options';
import { callService } from '../../shared/http/transport';
import {
	encodingField,
	fluxOptions,
	readFluxParameters,
	runRequest,
	sampleRateField,
} from '../flux/parameters';
import { FLUX_MODEL } from '../flux/transcription';
import { CLOUDFLARE, modelPath, readResult } from '../service';

const TIMEOUT_SECONDS = 300;

const contentTypeOption: INodeProperties = {
	displayName: 'Content Type',
	name: 'contentType',
	type: 'string',
	default: 'application/json',
	description: 'The media type of the request body',
};

const queueRequestOption: INodeProperties = {
	displayName: 'Queue Request',
	name: 'queueRequest',
	type: 'boolean',
	default: false,
	description: 'Whether to have the request queued, where Cloudflare offers it for the model',
};

const fields: INodeProperties[] = [
	{
		displayName:
			"This is the call of Cloudflare's reference, which takes no audio. To transcribe a recording, use the operation Transcribe with Flux or Transcribe with Nova-3.",
		name: 'runFluxNotice',
		type: 'notice',
		default: '',
	},
	encodingField,
	sampleRateField,
	optionsCollection([
		...fluxOptions,
		concurrencyOption,
		{
			displayName: 'Additional Body',
			name: 'additionalBody',
			type: 'json',
			default: '{}',
			description:
				'Further fields of the body, as a JSON object. They replace fields of the same name.',
		},
		contentTypeOption,
		queueRequestOption,
	]),
];

/** The fields of the operation, in the order the editor shows them. */
export const description: INodeProperties[] = updateDisplayOptions(
	{ show: { resource: ['audio'], operation: ['runFlux'] } },
	fields,
);

/**
 * The documented POST of Flux: https://developers.cloudflare.com/api/resources/ai/methods/run/
 *
 * @returns one item: the envelope's `result` (as `{ result }` where it is no object)
 * @throws NodeOperationError for parameters out of range, before anything is sent; NodeApiError for
 * what Cloudflare answers, `success: false` included
 */
export async function execute(item: Item): Promise<INodeExecutionData[]> {
	const { context, itemIndex } = item;
	const options = optionsOf(item);
	const additionalBody: unknown = context.getNodeParameter('options.additionalBody', itemIndex, '');
	const { body, query } = runRequest(readFluxParameters(item), {
		queueRequest: options.switchIfSet(queueRequestOption),
		additionalBody: additionalBodyOf(item, additionalBody),
	});
	const content = Buffer.from(JSON.stringify(body));
	const headers = {
		'Content-Type': options.text(contentTypeOption),
		'Content-Length': String(content.length),
	};
	const result = await callService(
		item,
		CLOUDFLARE,
		{
			method: 'POST',
			path: await modelPath(item, FLUX_MODEL),
			query,
			body: () => Promise.resolve({ content, headers }),
			timeoutSeconds: TIMEOUT_SECONDS,
		},
		async (answer) => await readResult(item, answer),
	);
	return [{ json: isObject(result) ? result : ({ result } as IDataObject) }];
}

function additionalBodyOf(item: Item, value: unknown): IDataObject | undefined {
	if (value === undefined || value === '') return undefined;
	const body = typeof value === 'string' ? parseJson(value) : value;
	if (isObject(body)) return body;
	throw inputError(
		item,
		"'Additional Body' is not a JSON object",
		'Write it in braces, for example { "field": "value" }, or remove it.',
	);
}
