import type { ICredentialDataDecryptedObject, IDataObject, INodeProperties } from 'n8n-workflow';

import { pathSegment } from '../shared/fields';
import { parametersOf } from '../shared/fieldValues';
import { inputError, isToolRun, type Item } from '../shared/item';
import { callService } from '../shared/http/transport';
import { signedCallbackUrl, TOKEN_PARAMETER } from './callback/callbackToken';
import { CONNECTE } from './connecteService';
import { predictionIn, type Prediction } from './prediction';
import { readInput } from './schema/input';
import { withoutCancel } from './waiting/cancellation';
import { waitOptions, type WaitOptions } from './waiting/options';
import { HOW_TO_BE_REACHED, RESUME_URL_NAME, resumeUrlOf } from './waiting/resumeUrl';
import { checkReachable, checkWebhookUrl } from './webhookUrl';

export type WaitFor = 'no' | 'poll' | 'webhook';

export const preferField: INodeProperties = {
	displayName: 'Prefer',
	name: 'prefer',
	type: 'options',
	options: [
		{
			name: 'ASYNC',
			value: 'ASYNC',
			description: 'Connecte answers at once, before the work is done',
		},
		{
			name: 'SYNC',
			value: 'SYNC',
			description: 'Connecte keeps the connection open until the result is there',
		},
	],
	default: 'ASYNC',
	description: 'When Connecte answers the request',
};

export const requestTimeoutField: INodeProperties = {
	displayName: 'Request Timeout',
	name: 'requestTimeout',
	type: 'number',
	typeOptions: { minValue: 1, maxValue: 60 * 60, numberPrecision: 0 },
	default: 30,
	description: 'How many seconds Connecte keeps the connection open',
	displayOptions: { show: { prefer: ['SYNC'] } },
};

export const waitForCompletionField: INodeProperties = {
	displayName: 'Wait for Completion',
	name: 'waitForCompletion',
	type: 'options',
	options: [
		{
			name: 'No',
			value: 'no',
			description: 'Put out the prediction as Connecte answers it',
		},
		{
			name: 'Poll',
			value: 'poll',
			description: 'Ask for the result until it is there. Works for any number of items.',
		},
		{
			name: 'Webhook',
			value: 'webhook',
			description:
				"Store the execution and go on when Connecte has called for all items. Takes an n8n that is reachable by https. A prediction that has not ended by 'Max Wait' is put out with its ID and 'timedOut'.",
		},
	],
	default: 'poll',
	description: 'Whether and how to wait for the end of the prediction',
};

/** Everything `create` sends and does, read from the parameters of one item and checked. */
export interface CreateRequest {
	model: string;
	path: string;
	input: IDataObject;
	headers: Record<string, string>;
	/** Of the webhook's address: who knows them may call it. */
	secrets: string[];
	timeoutSeconds: number;
	waitFor: WaitFor;
	waiting: WaitOptions;
	/** Where the execution goes on, for `webhook`. */
	resumeUrl?: string;
}

const ASYNC_TIMEOUT_SECONDS = 60;
/** For the model's page to be found and the answer to be sent, over what the service waits. */
const SYNC_MARGIN_SECONDS = 30;

/** @throws NodeOperationError for what Connecte would refuse or could not do, before anything is sent */
export async function readCreateRequest(item: Item): Promise<CreateRequest> {
	const { context, itemIndex } = item;
	const parameters = parametersOf(item);
	const { model, path } = modelOf(item, context.getNodeParameter('model', itemIndex, ''));
	const waitFor = parameters.choice<WaitFor>(waitForCompletionField);
	if (waitFor === 'webhook' && isToolRun(context)) {
		throw inputError(
			item,
			"An AI agent waits for its tool, so that 'Wait for Completion' cannot be 'Webhook'",
			"Choose 'Poll' for 'Wait for Completion'.",
		);
	}
	const prefer = parameters.choice<'ASYNC' | 'SYNC'>(preferField);
	const isSync = prefer === 'SYNC';
	const syncSeconds = isSync ? parameters.number(requestTimeoutField) : 0;
	const resumeUrl = waitFor === 'webhook' ? resumeUrlOf(item) : undefined;
	const webhookUrl = await webhookUrlOf(item, resumeUrl);
	return {
		model,
		path,
		input: readInput(item, model),
		headers: {
			Prefer: prefer,
			...(isSync && { 'Request-Timeout': String(syncSeconds) }),
			// The service's own pages name different headers for it.
			...(webhookUrl !== undefined && { 'Webhook-URL': webhookUrl, 'X-Webhook-URL': webhookUrl }),
		},
		secrets: webhookUrl === undefined ? [] : secretsIn(webhookUrl),
		timeoutSeconds: isSync ? syncSeconds + SYNC_MARGIN_SECONDS : ASYNC_TIMEOUT_SECONDS,
		waitFor,
		waiting: waitOptions(item),
		resumeUrl,
	};
}

function modelOf(item: Item, value: unknown): { model: string; path: string } {
	const model = String(value ?? '').trim();
	const segments = model.split('/');
	if (segments.length !== 2 || segments.some((segment) => segment.trim() === '')) {
		throw inputError(
			item,
			`'Model' must be a company and a name, but is ${JSON.stringify(model)}`,
			"Set 'Model' to the two last parts of its page's address, such as openai/whisper.",
		);
	}
	const path = segments.map((segment) => `/${pathSegment(item, 'Model', segment)}`).join('');
	return { model, path };
}

const USE_TRIGGER_URL =
	"Connecte calls nothing else. Use the production URL of a 'Connecte Trigger' on an n8n that is reachable by https.";

/** The address Connecte is to call: the execution's own, or the user's, signed where there is a secret. */
async function webhookUrlOf(
	item: Item,
	resumeUrl: string | undefined,
): Promise<string | undefined> {
	const { context, itemIndex } = item;
	const value = context.getNodeParameter('options.webhookUrl', itemIndex, '') as unknown;
	const url = String(value ?? '').trim();
	if (resumeUrl !== undefined && url !== '') {
		throw inputError(
			item,
			"'Webhook URL' cannot be used while 'Wait for Completion' is 'Webhook'",
			"Connecte calls one address only, and it is that of the waiting execution: remove 'Webhook URL', or choose another 'Wait for Completion'.",
		);
	}
	if (resumeUrl === undefined && url === '') return undefined;
	if (url !== '') checkWebhookUrl(item, "'Webhook URL'", url, USE_TRIGGER_URL);
	const credential = await context.getCredentials<ICredentialDataDecryptedObject>(
		CONNECTE.credentialType,
		itemIndex,
	);
	if (resumeUrl !== undefined) {
		checkReachable(item, RESUME_URL_NAME, resumeUrl, credential.baseUrl, HOW_TO_BE_REACHED);
		return resumeUrl;
	}
	checkReachable(item, "'Webhook URL'", url, credential.baseUrl, USE_TRIGGER_URL);
	const { webhookSecret } = credential;
	const isSecret = typeof webhookSecret === 'string' && webhookSecret.trim() !== '';
	return isSecret ? signedCallbackUrl(url, webhookSecret) : url;
}

/** The token of a signed address, or n8n's for the address of a waiting execution. */
function secretsIn(webhookUrl: string): string[] {
	const { searchParams } = new URL(webhookUrl);
	return [TOKEN_PARAMETER, 'signature'].flatMap((name) => searchParams.getAll(name));
}

/**
 * Creates the prediction: POST `/{company}/{model}`. The request is not broken off when the execution is
 * stopped, since the prediction could then not be cancelled; no further try begins after a stop.
 *
 * @throws NodeApiError for what Connecte or the network answered
 */
export async function createPrediction(
	item: Item,
	{ path, input, headers, secrets, timeoutSeconds }: CreateRequest,
): Promise<Prediction> {
	const content = JSON.stringify(input);
	const request = {
		method: 'POST' as const,
		path,
		headers,
		secrets,
		body: async () => {
			item.signal.throwIfAborted();
			return await Promise.resolve({ content, headers: { 'Content-Type': 'application/json' } });
		},
		timeoutSeconds,
	};
	return await callService(withoutCancel(item), CONNECTE, request, async (answer) =>
		predictionIn(item, answer),
	);
}
