import type {
	ICredentialDataDecryptedObject,
	IDataObject,
	INodeExecutionData,
	IWebhookDescription,
	IWebhookFunctions,
	IWebhookResponseData,
	NodeOperationError,
} from 'n8n-workflow';

import { maskedJson, maskFor } from '../../shared/http/secrets';
import { inputError } from '../../shared/item';
import { withOthersJobs } from '../../shared/items';
import { pause } from '../../shared/time';
import { CONNECTE } from '../connecteService';
import { isFinal, predictionError, type Prediction } from '../prediction';
import { predictionJson } from '../transcript';
import { Endings, forEach, haveAllEnded } from '../waiting/endings';
import { checkSoon, leaveToCall, stopMonitor } from '../waiting/monitor';
import { RESUME_PATH } from '../waiting/resumeUrl';
import {
	storedState,
	waitingStep,
	type StoredPrediction,
	type WaitState,
} from '../waiting/suspend';
import {
	claimedPrediction,
	NO_PREDICTION,
	onAnswered,
	OWN_ANSWER,
	refuse,
	type Refusal,
} from './call';
import { confirmPrediction, type Confirmation } from './confirmation';
import { webhookCredential, withCredential } from './credential';

/** By which an execution that waits for predictions goes on. */
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

/** What runs out inside a busy n8n says nothing of the API. */
const LONGEST_CHECK_MS = 25_000;
const LONGEST_LAST_CHECK_MS = 10_000;
const RETRY_AFTER_SECONDS = 5;
/** Between looks of one process at what else a wait is for. */
const BETWEEN_LOOKS_MS = 2_000;
const PROGRESS_EVERY = 100;
const NEVER = new AbortController().signal;

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
const GOES_ON = { message: 'The execution goes on' };
const IS_NOTED = { message: 'The execution goes on when the other predictions have ended as well' };

/**
 * Ends the wait of an execution. The caller is not believed: the prediction is read from the API by the id
 * that was created. Where the API cannot be reached, what the caller says is taken and marked
 * `confirmed: false`.
 *
 * Answers 400 to what is no prediction, 403 to another one and 503 to one of which the API does not say
 * that it has ended; the execution then goes on waiting. At the deadline it goes on whatever the API says.
 *
 * Where the execution waits for several, each call is answered when its own prediction is confirmed, and that
 * of the last one to end reads the results of all.
 */
export async function resume(context: IWebhookFunctions): Promise<IWebhookResponseData> {
	try {
		return await judge(context);
	} catch (error) {
		// What a webhook function throws would wipe the results of the nodes before it.
		context.logger.error(`A call to a waiting execution: ${(error as Error).message}`);
		if (context.getResponseObject().headersSent) return { noWebhookResponse: true };
		return refuse(context, NOT_JUDGED, RETRY_AFTER_SECONDS);
	}
}

async function judge(context: IWebhookFunctions): Promise<IWebhookResponseData> {
	const refused = (refusal: Refusal) => refuse(context, refusal, RETRY_AFTER_SECONDS);
	const claimed = claimedPrediction(context);
	if (!claimed) return refused(NO_PREDICTION);
	const state = storedState(context);
	const stored = state?.predictions.find(({ id }) => id === claimed.id);
	if (!state || !stored) return refused(ANOTHER);
	const isTimedOut = claimed.timedOut === true && Date.now() >= state.deadline;
	const signal = AbortSignal.timeout(LONGEST_CHECK_MS);
	const credential = await webhookCredential(context, signal);
	const wait = new Wait(context, state, credential, isTimedOut);
	const seen = await wait.see(stored.id, signal, claimed);
	if (seen.confirmation === 'unknown' && !isTimedOut) return refused(UNKNOWN);
	if (!isTimedOut && !hasEnded(seen)) {
		checkSoon(wait.key);
		return refused(NOT_ENDED);
	}
	if (state.predictions.length === 1) {
		onAnswered(context, (statusCode) => {
			if (statusCode < 300) stopMonitor(wait.key);
		});
		return { webhookResponse: GOES_ON, workflowData: [await wait.results()] };
	}
	context
		.getResponseObject()
		.status(200)
		.json(isTimedOut ? GOES_ON : IS_NOTED);
	if (!isTimedOut && !(await wait.isOver())) return { noWebhookResponse: true };
	leaveToCall(wait.key);
	return { noWebhookResponse: true, workflowData: [await wait.results()] };
}

/** What is known of a prediction: from the API, or where that could not be reached from the caller. */
interface Seen {
	confirmation: 'confirmed' | Exclude<Confirmation, Prediction>;
	/** None where neither says anything that counts. */
	prediction?: Prediction;
}

function hasEnded({ prediction }: Seen): boolean {
	return prediction !== undefined && isFinal(prediction.status);
}

/** The wait of an execution, as one call finds it. */
class Wait {
	/** What this call has read. Results may be large, so that nothing of them outlives it. */
	private readonly seen = new Map<string, Seen>();

	private readonly endings: Endings;

	private readonly api: IWebhookFunctions;

	constructor(
		private readonly context: IWebhookFunctions,
		private readonly state: WaitState,
		private readonly credential: ICredentialDataDecryptedObject,
		private readonly isTimedOut: boolean,
	) {
		this.api = withCredential(context, credential);
		this.endings = Endings.of(this.key, state.limit);
	}

	/** What monitor and `Endings` know the wait by. */
	get key(): string {
		return this.state.predictions[0]?.id ?? '';
	}

	/**
	 * Reads a prediction, once a call.
	 * @param claimed what the caller says of it
	 */
	async see(id: string, signal: AbortSignal, claimed?: Prediction): Promise<Seen> {
		const known = this.seen.get(id);
		if (known) return known;
		const confirmation = await confirmPrediction(this.api, id, signal);
		const seen = this.judged(confirmation, claimed ?? this.endings.claims.get(id));
		this.seen.set(id, seen);
		const { prediction } = seen;
		if (prediction && isFinal(prediction.status)) {
			this.endings.ids.add(id);
			if (seen.confirmation !== 'confirmed') this.endings.claims.set(id, prediction);
		}
		return seen;
	}

	private judged(confirmation: Confirmation, claimed: Prediction | undefined): Seen {
		if (typeof confirmation === 'object') {
			return { confirmation: 'confirmed', prediction: confirmation };
		}
		const isBelieved = confirmation === 'unreachable' && claimed !== undefined && !isBare(claimed);
		if (!isBelieved) return { confirmation };
		const mask = maskFor(this.credential, CONNECTE);
		return { confirmation, prediction: maskedJson(claimed, mask) };
	}

	/**
	 * Whether all predictions have ended, as far as this process knows or, at most every two seconds, the API
	 * says. Of calls at once only one stays to look, again as long as further ones come.
	 */
	async isOver(): Promise<boolean> {
		const { endings } = this;
		const ids = this.state.predictions.map(({ id }) => id);
		if (ids.every((id) => endings.ids.has(id))) return true;
		endings.calls++;
		if (endings.isLooking) return false;
		endings.isLooking = true;
		try {
			for (;;) {
				await pause(endings.lookedAt + BETWEEN_LOOKS_MS - Date.now(), NEVER);
				const { calls } = endings;
				if (await haveAllEnded(endings, ids, async (id) => await this.statusOf(id))) return true;
				// A call that came meanwhile has left it to this one to look again.
				if (endings.calls === calls) return false;
			}
		} finally {
			endings.isLooking = false;
		}
	}

	/** Without the result, which may be large: it is read when all are there. */
	private async statusOf(id: string): Promise<string | undefined> {
		const signal = AbortSignal.timeout(LONGEST_CHECK_MS);
		const confirmation = await confirmPrediction(this.api, id, signal);
		return typeof confirmation === 'object' ? confirmation.status : undefined;
	}

	/** The node's output: what was there before the wait, with the results in the places of their items. */
	async results(): Promise<INodeExecutionData[]> {
		const { predictions } = this.state;
		const longest = this.isTimedOut ? LONGEST_LAST_CHECK_MS : LONGEST_CHECK_MS;
		await forEach(predictions, async ({ id }) => {
			await this.see(id, AbortSignal.timeout(longest));
			this.logProgress();
			return true;
		});
		const items = [...(waitingStep(this.context)?.data.main?.[0] ?? [])];
		for (const stored of predictions) items[stored.index] = this.resultItem(stored);
		return items;
	}

	private logProgress(): void {
		const { size } = this.seen;
		if (size % PROGRESS_EVERY > 0) return;
		const all = this.state.predictions.length;
		this.context.logger.info(`Read ${size} of the ${all} predictions that were waited for`);
	}

	private resultItem(stored: StoredPrediction): INodeExecutionData {
		const seen = this.seen.get(stored.id) ?? { confirmation: 'refused' };
		const item = this.resultOf(stored, seen.prediction);
		if (seen.confirmation === 'unreachable') item.json.confirmed = false;
		return { ...item, pairedItem: { item: stored.index } };
	}

	private resultOf(
		{ id, index, model, simplify }: StoredPrediction,
		prediction: Prediction | undefined,
	): INodeExecutionData {
		const { context } = this;
		const { status } = prediction ?? { status: this.statusBefore(index) };
		const hasResult = prediction && (status === 'succeeded' || status === 'failed');
		if (this.isTimedOut && !hasResult) return { json: { id, status, timedOut: true } };
		const item = { context, itemIndex: index };
		if (!prediction) {
			const message = `Prediction ${id} has ended, but its result could not be read`;
			const failure = inputError(item, message, "Fetch it with 'Get' and this ID.");
			return failedItem(context, this.amongOthers(failure, index), { id, status });
		}
		const failure = predictionError(item, prediction, model);
		if (failure) return failedItem(context, this.amongOthers(failure, index), { id, status });
		return { json: simplify ? predictionJson(prediction, model) : prediction };
	}

	private statusBefore(index: number): string {
		const stored = waitingStep(this.context)?.data.main?.[0]?.[index]?.json.status;
		return typeof stored === 'string' ? stored : 'unknown';
	}

	/** The error of one of several, which n8n may show for all of them. */
	private amongOthers(failure: NodeOperationError, index: number): NodeOperationError {
		const { predictions } = this.state;
		if (predictions.length === 1) return failure;
		failure.message += ` [item ${index}]`;
		if (continuesOnError(this.context)) return failure;
		const jobs = predictions.map((stored) => ({ kind: 'prediction', ...stored }));
		return withOthersJobs(failure, jobs);
	}
}

/** Whether it has no more than the end, as a call of the monitor, which leaves the result to the API. */
function isBare(claimed: Prediction): boolean {
	return Object.keys(claimed).every((key) => ['id', 'status', 'timedOut'].includes(key));
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
	if (continuesOnError(context)) return { json };
	const step = waitingStep(context);
	// Of several the first one.
	if (step) step.metadata = { resumeError: error, ...step.metadata };
	return { json: { ...about, error: message, description } };
}

function continuesOnError(context: IWebhookFunctions): boolean {
	const { continueOnFail, onError } = context.getNode();
	return (
		continueOnFail === true ||
		onError === 'continueRegularOutput' ||
		onError === 'continueErrorOutput'
	);
}
