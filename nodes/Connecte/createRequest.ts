import type { ICredentialDataDecryptedObject, IDataObject } from 'n8n-workflow';

import { inputError, isToolRun, type Item } from '../shared/item';
import { choiceOf, numberWithin, pathSegment } from '../shared/parameters';
import { callService } from '../shared/http/transport';
import { signedCallbackUrl, TOKEN_PARAMETER } from './callback/callbackToken';
import { CONNECTE } from './connecteService';
import { predictionIn, type Prediction } from './prediction';
import { readInput } from './schema/input';
import { withoutCancel } from './waiting/cancellation';
import { waitOptions, type WaitOptions } from './waiting/options';
import { HOW_TO_BE_REACHED, RESUME_URL_NAME, resumeUrlOf } from './waiting/resumeUrl';
import { checkReachable, checkWebhookUrl } from './webhookUrl';

const WAIT_FOR = ['no', 'poll', 'webhook'] as const;
export type WaitFor = (typeof WAIT_FOR)[number];

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
const DEFAULT_SYNC_SECONDS = 30;
/** For the model's page to be found and the answer to be sent, over what the service waits. */
const SYNC_MARGIN_SECONDS = 30;
const LONGEST_SYNC_SECONDS = 3_600;

/** @throws NodeOperationError for what Connecte would refuse or could not do, before anything is sent */
export async function readCreateRequest(item: Item): Promise<CreateRequest> {
	const { context, itemIndex } = item;
	const parameter = (name: string, fallback: string): unknown =>
		context.getNodeParameter(name, itemIndex, fallback);
	const { model, path } = modelOf(item, parameter('model', ''));
	const waitFor = choiceOf(
		item,
		'Wait for Completion',
		parameter('waitForCompletion', 'no'),
		WAIT_FOR,
	);
	if (waitFor === 'webhook' && context.getInputData().length > 1) {
		throw inputError(
			item,
			"'Wait for Completion' by webhook takes one item at a time, since an execution can wait for one webhook only",
			"Choose 'Poll' for several items, or put the node into a 'Loop Over Items' with a batch size of 1.",
		);
	}
	if (waitFor === 'webhook' && isToolRun(context)) {
		throw inputError(
			item,
			"An AI agent waits for its tool, so that 'Wait for Completion' cannot be 'Webhook'",
			"Choose 'Poll' for 'Wait for Completion'.",
		);
	}
	const prefer = choiceOf(item, 'Prefer', parameter('prefer', 'ASYNC'), ['ASYNC', 'SYNC']);
	const isSync = prefer === 'SYNC';
	const syncSeconds = isSync ? syncSecondsOf(item) : 0;
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

function syncSecondsOf(item: Item): number {
	const value = item.context.getNodeParameter(
		'requestTimeout',
		item.itemIndex,
		DEFAULT_SYNC_SECONDS,
	);
	const limits = { min: 1, max: LONGEST_SYNC_SECONDS, integer: true };
	return numberWithin(item, 'Request Timeout', value, limits) ?? DEFAULT_SYNC_SECONDS;
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
