import { updateDisplayOptions, type INodeExecutionData, type INodeProperties } from 'n8n-workflow';

import { concurrencyOption, isSimplified, simplifyField } from '../../shared/fields';
import { isPassing } from '../../shared/http/passing';
import type { Item } from '../../shared/item';
import {
	createPrediction,
	preferField,
	readCreateRequest,
	requestTimeoutField,
	waitForCompletionField,
	type CreateRequest,
} from '../createRequest';
import { cancelOnTimeoutOption, maxWaitOption, pollIntervalOption } from '../fields';
import { resultItem } from '../output';
import { isFinal, predictionError, readPrediction, type Prediction } from '../prediction';
import { inputModeField } from '../schema/input';
import { cancelAbandoned } from '../waiting/cancellation';
import { pollUntilEnd } from '../waiting/poll';
import { awaitedItem } from '../waiting/suspend';

/** Small models are done by then. */
const FIRST_CHECK_MS = 500;

const whileWaiting = { show: { '/waitForCompletion': ['poll', 'webhook'] } };

const fields: INodeProperties[] = [
	{
		displayName: 'Model',
		name: 'model',
		type: 'string',
		required: true,
		default: 'openai/whisper',
		placeholder: 'e.g. openai/whisper',
		description: "Company and name of the model, as in the address of the model's page",
	},
	inputModeField,
	{
		displayName: 'Input JSON',
		name: 'inputJson',
		type: 'json',
		required: true,
		default: '{}',
		placeholder: 'e.g. {"audio": "https://example.com/audio.mp3"}',
		description:
			"The inputs of the model, as its page shows them under 'API > Schema'. An audio file is given by its public URL.",
		displayOptions: { show: { inputMode: ['json'] } },
	},
	{
		displayName: 'Input Schema',
		name: 'inputSchema',
		type: 'json',
		noDataExpression: true,
		default: '',
		description:
			"The JSON Schema from the model's page, under 'API > Schema'. It makes the fields below and checks the input before it is sent. Not needed for openai/whisper.",
		displayOptions: { show: { inputMode: ['fields'] } },
	},
	{
		displayName: 'Input',
		name: 'input',
		type: 'resourceMapper',
		noDataExpression: true,
		default: { mappingMode: 'defineBelow', value: null },
		typeOptions: {
			loadOptionsDependsOn: ['model', 'inputSchema'],
			resourceMapper: {
				resourceMapperMethod: 'getInputFields',
				mode: 'add',
				fieldWords: { singular: 'input', plural: 'inputs' },
				addAllFields: true,
				multiKeyMatch: false,
				supportAutoMap: true,
			},
		},
		displayOptions: { show: { inputMode: ['fields'] } },
	},
	preferField,
	requestTimeoutField,
	waitForCompletionField,
	simplifyField,
	{
		displayName: 'Options',
		name: 'options',
		type: 'collection',
		placeholder: 'Add option',
		default: {},
		options: [
			{ ...cancelOnTimeoutOption, displayOptions: whileWaiting },
			concurrencyOption,
			{ ...maxWaitOption, displayOptions: whileWaiting },
			{ ...pollIntervalOption, displayOptions: { show: { '/waitForCompletion': ['poll'] } } },
			{
				displayName: 'Webhook URL',
				name: 'webhookUrl',
				type: 'string',
				default: '',
				displayOptions: { hide: { '/waitForCompletion': ['webhook'] } },
				placeholder: 'e.g. https://n8n.example.com/webhook/…',
				description:
					"The address Connecte calls when the prediction has succeeded or failed, such as that of a Connecte Trigger. It is signed where the credential has a 'Webhook Secret'.",
			},
		],
	},
];

/** The fields of the operation, in the order the editor shows them. */
export const description: INodeProperties[] = updateDisplayOptions(
	{ show: { resource: ['prediction'], operation: ['create'] } },
	fields,
);

/**
 * Creates a prediction of one item's input: POST `/{company}/{model}`.
 *
 * https://connecte.ai/docs/api-reference/methods
 *
 * @returns one item: the result where it was waited for, as 'Simplify' says, else the prediction as it is
 * @throws NodeOperationError for input that Connecte would refuse, before anything is sent, and for a
 * prediction that failed or did not end in time; NodeApiError for what Connecte answers
 */
export async function execute(item: Item): Promise<INodeExecutionData[]> {
	const { signal } = item;
	const request = await readCreateRequest(item);
	const simplify = isSimplified(item);
	const prediction =
		(await predictionOfEarlierTry(item)) ?? (await createPrediction(item, request));
	if (item.work) item.work.job = { kind: 'prediction', id: prediction.id };
	if (signal.aborted) {
		await cancelAbandoned(item, prediction.id);
		signal.throwIfAborted();
	}
	const isWaitedFor = request.waitFor !== 'no' && !isFinal(prediction.status);
	if (isWaitedFor && request.resumeUrl !== undefined) {
		return await waitForWebhook(item, request, request.resumeUrl, prediction, simplify);
	}
	const options = { ...request.waiting, firstCheckMs: FIRST_CHECK_MS, cancelOnStop: true };
	const last = isWaitedFor
		? await pollUntilEnd(item, prediction.id, prediction, options)
		: prediction;
	return [resultItem(item, last, simplify, request.model)];
}

/** The prediction that an earlier try has created; none where it ended without a result, so that a new one is needed. */
async function predictionOfEarlierTry(item: Item): Promise<Prediction | undefined> {
	const { job } = item.work ?? {};
	if (job === undefined) return undefined;
	const prediction = await readPrediction(item, job.id);
	return predictionError(item, prediction) === undefined ? prediction : undefined;
}

/** Checks once more, since a callback that comes from now on until the execution is stored is lost. */
async function waitForWebhook(
	item: Item,
	{ model, waiting }: CreateRequest,
	resumeUrl: string,
	prediction: Prediction,
	simplify: boolean,
): Promise<INodeExecutionData[]> {
	const { context, signal } = item;
	let last = prediction;
	try {
		last = await readPrediction(item, prediction.id, 10);
	} catch (error) {
		if (signal.aborted) await cancelAbandoned(item, prediction.id);
		signal.throwIfAborted();
		// The monitor asks again; the prediction is under way and paid for.
		if (!isPassing(error))
			context.logger.warn(`Prediction ${last.id}: ${(error as Error).message}`);
	}
	if (isFinal(last.status)) return [resultItem(item, last, simplify, model)];
	return [awaitedItem({ item, prediction: last, model, simplify, waiting, resumeUrl })];
}
