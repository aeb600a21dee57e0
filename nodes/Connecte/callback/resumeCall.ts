import type {
	IDataObject,
	INodeExecutionData,
	IRunExecutionData,
	IWebhookDescription,
	IWebhookFunctions,
	IWebhookResponseData,
	NodeOperationError,
} from 'n8n-workflow';

import { maskedJson, maskFor } from '../../shared/http/secrets';
import { CONNECTE } from '../connecteService';
import { isFinal, predictionError, type Prediction } from '../prediction';
import { predictionJson } from '../transcript';
import { checkSoon, stopMonitor } from '../waiting/monitor';
import { RESUME_PATH } from '../waiting/resumeUrl';
import { storedState, type WaitState } from '../waiting/suspend';
import {
	claimedPrediction,
	NO_PREDICTION,
	onAnswered,
	OWN_ANSWER,
	refuse,
	type Refusal,
} from './call';
import { confirmPrediction } from './confirmation';
import { webhookCredential, withCredential } from './credential';

/** By which an execution that waits for a prediction goes on. */
export const resumeWebhooks: IWebhookDescription[] = [
	{
		name: 'default',
		httpMethod: 'POST',
		responseMode: 'onReceived',
		responseData: OWN_ANSWER,
		path: RESUME_PATH,
		isFullPath: true,
		restartWebhook: true,
	},
];

const LONGEST_CHECK_MS = 10_000;
const RETRY_AFTER_SECONDS = 5;

const ANOTHER: Refusal = {
	status: 403,
	message: 'This execution does not wait for this prediction',
};
const UNKNOWN: Refusal = { status: 403, message: 'Connecte does not know this prediction' };
const NOT_ENDED: Refusal = {
	status: 503,
	message: 'Connecte does not say yet that this prediction has ended',
};
const NOT_JUDGED: Refusal = { status: 503, message: 'The call cannot be judged right now' };

/**
 * Ends the wait of an execution. The caller is not believed: the prediction is read from the API by the id
 * that was created. Where the API cannot be reached, what the caller says is taken and marked
 * `confirmed: false`.
 *
 * Answers 400 to what is no prediction, 403 to another one and 503 to one of which the API does not say
 * that it has ended; the execution then goes on waiting. At the deadline it goes on whatever the API says.
 */
export async function resume(context: IWebhookFunctions): Promise<IWebhookResponseData> {
	const verdict = await judge(context).catch((error: Error) => {
		// What a webhook function throws would wipe the results of the nodes before it.
		context.logger.error(`A call to a waiting execution: ${error.message}`);
		return NOT_JUDGED;
	});
	if (!('json' in verdict)) return refuse(context, verdict, RETRY_AFTER_SECONDS);
	return { webhookResponse: { message: 'The execution goes on' }, workflowData: [[verdict]] };
}

async function judge(context: IWebhookFunctions): Promise<INodeExecutionData | Refusal> {
	const claimed = claimedPrediction(context);
	if (!claimed) return NO_PREDICTION;
	const state = storedState(context);
	if (claimed.id !== state?.id) return ANOTHER;
	const isTimedOut = claimed.timedOut === true && Date.now() >= state.deadline;
	const signal = AbortSignal.timeout(LONGEST_CHECK_MS);
	const credential = await webhookCredential(context, signal);
	const confirmation = await confirmPrediction(
		withCredential(context, credential),
		state.id,
		signal,
	);
	if (confirmation === 'unknown' && !isTimedOut) return UNKNOWN;
	const isConfirmed = typeof confirmation === 'object';
	const isBelieved = confirmation === 'unreachable' && !isBare(claimed);
	const prediction = isConfirmed
		? confirmation
		: maskedJson(claimed, maskFor(credential, CONNECTE));
	const isKnown = isConfirmed || isBelieved;
	if (!isTimedOut && !(isKnown && isFinal(prediction.status))) {
		checkSoon(state.id);
		return NOT_ENDED;
	}
	onAnswered(context, (statusCode) => {
		if (statusCode < 300) stopMonitor(state.id);
	});
	const { status } = prediction;
	const hasResult = isKnown && (status === 'succeeded' || status === 'failed');
	const item = resultOf(context, state, prediction, isTimedOut && !hasResult);
	if (confirmation === 'unreachable') item.json.confirmed = false;
	return item;
}

/** Whether it has no more than the end, as a call of the monitor, which leaves the result to the API. */
function isBare(claimed: Prediction): boolean {
	return Object.keys(claimed).every((key) => ['id', 'status', 'timedOut'].includes(key));
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
	const failure = predictionError({ context, itemIndex: 0 }, prediction, model);
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
