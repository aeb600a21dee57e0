import { NodeApiError, type NodeOperationError } from 'n8n-workflow';

import { isPassing } from '../../shared/http/passing';
import { inputError, type Item } from '../../shared/item';
import { pause } from '../../shared/time';
import { cancelPrediction, isFinal, readPrediction, type Prediction } from '../prediction';
import { cancelAbandoned } from './cancellation';
import type { WaitOptions } from './options';
import { noteQuietTime, quietMs } from './quietTime';

const LONGEST_CANCEL_MS = 30_000;
/** More than a check with all its tries takes; a timer of more than 24 days would fire at once. */
const LONGEST_CHECK_MS = 600_000;
/** For the checks after 'Max Wait': what has ended by then is not to be lost. */
const LAST_CHECK_MS = 3_000;
const MAY_BE_UNKNOWN_MS = 10_000;

export interface PollOptions extends WaitOptions {
	/** How long to wait for the first check; at most `pollIntervalMs` counts. */
	firstCheckMs: number;
	/** Whether nobody else can want the result once this execution has been stopped. */
	cancelOnStop: boolean;
}

/**
 * Asks for the prediction `id` until it has ended: after `firstCheckMs`, then every `pollIntervalMs` and never
 * faster, nor sooner than Retry-After asks of any item with the same credential, and a last time when `maxWaitMs` is over. A service that cannot be reached for a while is asked again as long as `maxWaitMs` allows.
 *
 * @param seen the prediction as it was created; none where this is its first check
 * @throws NodeOperationError with id and last status when the time is up; NodeApiError where the API
 * refuses to answer; the signal's reason when stopped
 */
export async function pollUntilEnd(
	item: Item,
	id: string,
	seen: Prediction | undefined,
	options: PollOptions,
): Promise<Prediction> {
	try {
		const last = await poll(item, id, seen, options);
		return hasEnded(last) ? last : await timedOut(item, id, last, options);
	} finally {
		if (item.signal.aborted && options.cancelOnStop) await cancelAbandoned(item, id);
	}
}

function hasEnded(prediction: Prediction | undefined): prediction is Prediction {
	return prediction !== undefined && isFinal(prediction.status);
}

/** The prediction at its end, or as it was last seen when the time is up. */
async function poll(
	item: Item,
	id: string,
	seen: Prediction | undefined,
	{ firstCheckMs, pollIntervalMs, maxWaitMs }: PollOptions,
): Promise<Prediction | undefined> {
	const end = Date.now() + maxWaitMs;
	// One that was created just now may not be known everywhere yet.
	const unknownUntil = seen ? Date.now() + MAY_BE_UNKNOWN_MS : 0;
	let last = seen;
	let wait = Math.min(firstCheckMs, pollIntervalMs);
	while (!hasEnded(last)) {
		const left = end - Date.now();
		await pause(Math.max(0, Math.min(wait, left)), item.signal);
		if (wait >= left) return (await checkStatus(item, id, LAST_CHECK_MS, unknownUntil)) ?? last;
		last = (await checkStatus(item, id, end - Date.now(), unknownUntil)) ?? last;
		wait = Math.max(pollIntervalMs, quietMs(item));
	}
	return last;
}

/**
 * One check; `undefined` where it failed in a way that may pass, or the time ran out.
 * @param unknownUntil until when it may pass that the service does not know the prediction
 */
async function checkStatus(
	item: Item,
	id: string,
	leftMs: number,
	unknownUntil: number,
): Promise<Prediction | undefined> {
	const timeUp = AbortSignal.timeout(Math.ceil(Math.min(Math.max(1, leftMs), LONGEST_CHECK_MS)));
	try {
		const signal = AbortSignal.any([item.signal, timeUp]);
		return await readPrediction({ ...item, signal }, id);
	} catch (error) {
		item.signal.throwIfAborted();
		noteQuietTime(item, error);
		if (timeUp.aborted || isPassing(error)) return undefined;
		if (isUnknown(error) && Date.now() < unknownUntil) return undefined;
		throw withId(error as NodeApiError | NodeOperationError, id);
	}
}

function isUnknown(error: unknown): boolean {
	return error instanceof NodeApiError && error.httpCode === '404';
}

function withId<E extends NodeApiError | NodeOperationError>(error: E, id: string): E {
	error.description =
		`${error.description ?? ''} The ID of the prediction is ${id}: 'Get' or 'Wait' fetches its result later.`.trim();
	return error;
}

/** The result, should the prediction have ended just before it was cancelled; otherwise throws. */
async function timedOut(
	item: Item,
	id: string,
	last: Prediction | undefined,
	{ maxWaitMs, cancelOnTimeout }: PollOptions,
): Promise<Prediction> {
	let fate = "It goes on: fetch its result later with 'Get' or 'Wait' and this ID.";
	if (cancelOnTimeout) {
		try {
			const signal = AbortSignal.any([item.signal, AbortSignal.timeout(LONGEST_CANCEL_MS)]);
			const cancelled = await cancelPrediction({ ...item, signal }, id);
			if (cancelled.status === 'succeeded' || cancelled.status === 'failed') return cancelled;
			fate = "It was cancelled; 'Get' with this ID shows what is known of it.";
		} catch (error) {
			item.signal.throwIfAborted();
			// It may be refused because there is nothing left to cancel.
			const ended = await checkStatus(item, id, LAST_CHECK_MS, 0);
			if (hasEnded(ended)) return ended;
			fate = `It could not be cancelled (${(error as Error).message}): fetch its result later with 'Get' or 'Wait' and this ID.`;
		}
	}
	throw inputError(
		item,
		`Prediction ${id} did not end within ${maxWaitMs / 1_000} seconds, ${last ? `its last status is '${last.status}'` : 'its status could not be read'}`,
		`${fate} Raise 'Max Wait' if the model needs longer.`,
	);
}
