import {
	NodeApiError,
	type ICredentialDataDecryptedObject,
	type IDataObject,
	type INodeExecutionData,
	type IRunExecutionData,
	type IWebhookDescription,
	type IWebhookFunctions,
	type IWebhookResponseData,
	type NodeOperationError,
} from 'n8n-workflow';

import { isObject, parseJson } from '../../shared/http/answer';
import { isPassing } from '../../shared/http/passing';
import { maskedJson, maskFor } from '../../shared/http/secrets';
import {
	failureOf,
	isFinal,
	parsePrediction,
	readPrediction,
	type Prediction,
} from '../prediction';
import { CONNECTE } from '../service';
import { predictionJson } from '../transcript';
import { storedState, type WaitState } from './handOver';
import { endLookOut, lookSoon } from './lookOut';
import { RESUME_PATH } from './resumeUrl';

/** By which an execution that waits for a prediction goes on. */
export const resumeWebhooks: IWebhookDescription[] = [
	{
		name: 'default',
		httpMethod: 'POST',
		responseMode: 'onReceived',
		path: RESUME_PATH,
		isFullPath: true,
		restartWebhook: true,
	},
];

const LONGEST_CHECK_MS = 10_000;
const RETRY_AFTER_SECONDS = 5;

/**
 * Ends the wait of an execution. The caller is not believed: the prediction is read from the API by the id
 * that was created. Where the API cannot be reached, what the caller says is taken and marked
 * `confirmed: false`.
 *
 * Answers 400 to what is no prediction, 403 to another one and 503 to one of which the API does not say
 * that it has ended; the execution then goes on waiting. At the deadline it goes on whatever the API says.
 */
export async function resume(context: IWebhookFunctions): Promise<IWebhookResponseData> {
	try {
		return await judge(context);
	} catch (error) {
		// What a webhook function throws would wipe the results of the nodes before it.
		context.logger.error(`A call to a waiting execution: ${(error as Error).message}`);
		return refuse(context, 503, 'The call cannot be judged right now');
	}
}

async function judge(context: IWebhookFunctions): Promise<IWebhookResponseData> {
	const claimed = claimedPrediction(context);
	if (!claimed)
		return refuse(context, 400, "The body is no prediction: it needs 'id' and 'status'");
	const state = storedState(context);
	if (claimed.id !== state?.id) {
		return refuse(context, 403, 'This execution does not wait for this prediction');
	}
	const isTimedOut = claimed.timedOut === true && Date.now() >= state.deadline;
	const confirmed = await readConfirmed(context, state.id);
	if (confirmed === 'unknown' && !isTimedOut) {
		return refuse(context, 403, 'Connecte does not know this prediction');
	}
	const isBelieved = confirmed === 'unreachable' && !isBare(claimed);
	const prediction =
		typeof confirmed === 'object' ? confirmed : await maskedClaim(context, claimed);
	const isKnown = typeof confirmed === 'object' || isBelieved;
	if (!isTimedOut && !(isKnown && isFinal(prediction.status))) {
		lookSoon(state.id);
		return refuse(context, 503, 'Connecte does not say yet that this prediction has ended');
	}
	endLookOutOnceResumed(context, state.id);
	const { status } = prediction;
	const hasResult = isKnown && (status === 'succeeded' || status === 'failed');
	const item = resultOf(context, state, prediction, isTimedOut && !hasResult);
	if (confirmed === 'unreachable') item.json.confirmed = false;
	return { webhookResponse: { message: 'The execution goes on' }, workflowData: [[item]] };
}

function refuse(context: IWebhookFunctions, status: number, message: string): IWebhookResponseData {
	const response = context.getResponseObject();
	if (status === 503) response.setHeader('retry-after', RETRY_AFTER_SECONDS);
	response.status(status).json({ message });
	return { noWebhookResponse: true };
}

function claimedPrediction(context: IWebhookFunctions): Prediction | undefined {
	const body: unknown = context.getBodyData();
	return parsePrediction(typeof body === 'string' ? parseJson(body) : body);
}

/**
 * The prediction as the API has it. Only where the API cannot say anything is it `unreachable`; one that
 * refuses to answer, or another page in its place, is no reason to believe the caller.
 */
async function readConfirmed(
	context: IWebhookFunctions,
	id: string,
): Promise<Prediction | 'unknown' | 'refused' | 'unreachable'> {
	const signal = AbortSignal.timeout(LONGEST_CHECK_MS);
	try {
		const prediction = await readPrediction({ context, itemIndex: 0, signal }, id);
		return prediction.id === id ? prediction : 'unknown';
	} catch (error) {
		if (signal.aborted || isPassing(error)) return 'unreachable';
		// A page in place of JSON comes from something else than the API.
		const isUnknown =
			error instanceof NodeApiError && error.httpCode === '404' && isObject(error.context.data);
		return isUnknown ? 'unknown' : 'refused';
	}
}

/** Whether it has no more than the end, as a call of the look-out, which leaves the result to the API. */
function isBare(claimed: Prediction): boolean {
	return Object.keys(claimed).every((key) => ['id', 'status', 'timedOut'].includes(key));
}

async function maskedClaim(context: IWebhookFunctions, claimed: Prediction): Promise<Prediction> {
	const credential = await context.getCredentials<ICredentialDataDecryptedObject>(
		CONNECTE.credentialType,
	);
	const mask = maskFor(credential, CONNECTE.secretFields);
	return maskedJson(claimed, mask);
}

/** Only when n8n has answered is it sure that it could go on with the execution. */
function endLookOutOnceResumed(context: IWebhookFunctions, id: string): void {
	const response = context.getResponseObject();
	response.once?.('finish', () => {
		if (response.statusCode < 300) endLookOut(id);
	});
}

function resultOf(
	context: IWebhookFunctions,
	{ id, model, simplify }: WaitState,
	prediction: Prediction,
	isTimedOut: boolean,
): INodeExecutionData {
	const pairedItem = { item: 0 };
	const { status } = prediction;
	if (isTimedOut) {
		return { json: { id, status, timedOut: true }, pairedItem };
	}
	const failure = failureOf({ context, itemIndex: 0 }, prediction, model);
	if (failure) return { ...failedItem(context, failure, { id, status }), pairedItem };
	return { json: simplify ? predictionJson(prediction, model) : prediction, pairedItem };
}

/** What n8n hands to webhook functions besides their typed interface. */
interface ResumingContext {
	runExecutionData?: IRunExecutionData | null;
}

/**
 * A failed prediction. What a webhook function returns becomes the node's output, and what it throws
 * would not fail the node; the one way to do so is what n8n itself does when a sub-workflow that was
 * waited for has failed: `resumeError` of the execution's next step. An n8n that does not know it puts
 * the item out as it is.
 */
function failedItem(
	context: IWebhookFunctions,
	failure: NodeOperationError,
	about: IDataObject,
): INodeExecutionData {
	const { message, description, name, stack } = failure;
	// The execution may go on in another process, and an error's own message would not get there.
	const error = { ...failure, name, message, description, stack } as NodeOperationError;
	const node = context.getNode();
	const json = { error: message, details: description };
	// n8n sends it that way only with an error beside it, of which it then leaves the message alone.
	if (node.onError === 'continueErrorOutput') return { json, error };
	if (node.continueOnFail === true || node.onError === 'continueRegularOutput') return { json };
	const { runExecutionData } = context as unknown as ResumingContext;
	const step = runExecutionData?.executionData?.nodeExecutionStack[0];
	if (step?.node.name === node.name) step.metadata = { ...step.metadata, resumeError: error };
	return { json: { ...about, error: message, description } };
}
