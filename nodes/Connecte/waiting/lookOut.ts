import type { IExecuteFunctions, IHttpRequestOptions } from 'n8n-workflow';

import { pause } from '../../shared/time';
import { cancelPrediction, isFinal, readPrediction, type Prediction } from '../prediction';

/** When to look after the hand-over; from then on every `LATER_MS`, and a last time at the deadline. */
const LOOKS_MS = [1_000, 5_000, 30_000];
const LATER_MS = 5 * 60_000;
const TICK_MS = 100;
/** Requests of all look-outs of this process at once. */
const MOST_AT_ONCE = 10;
const LONGEST_LOOK_MS = 30_000;
const CALL_TIMEOUT_MS = 30_000;
/** Between calls of the resume address: it takes none before n8n has stored the execution. */
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 30_000;
/** Some three minutes: an execution that is still not stored by then has gone on without us. */
const MOST_CONFLICTS = 14;
/** How long n8n's own limit comes after the deadline. */
export const AFTER_DEADLINE_MS = 60_000;

/** An execution that waits for the end of a prediction. */
export interface Waiting {
	/** Must outlive the execution's stop, see `beyondStop`. */
	context: IExecuteFunctions;
	prediction: Prediction;
	resumeUrl: string;
	/** Milliseconds since 1970 until which to wait. */
	deadline: number;
	cancelOnTimeout: boolean;
}

interface Watch extends Waiting {
	started: number;
	due: number;
	looks: number;
	calls: number;
	conflicts: number;
	isBusy: boolean;
	/** What ends the wait, as soon as it is known. */
	ending?: Prediction;
}

/** The look-outs of this process by prediction; one loop serves them all. */
const watches = new Map<string, Watch>();
let isRunning = false;
let busy = 0;

/**
 * Looks after a waiting execution, so that it ends even if no callback ever reaches it: one that comes
 * before n8n has stored the execution is refused, and the service may not repeat it. Returns at once.
 */
export function lookOut(waiting: Waiting): void {
	const started = Date.now();
	const state = { due: started, looks: 0, calls: 0, conflicts: 0, isBusy: false };
	const watch: Watch = { ...waiting, ...state, started };
	watch.due = nextLook(watch);
	watches.set(waiting.prediction.id, watch);
	if (!isRunning) void run();
}

/** Ends the look-out: the execution has gone on. */
export function endLookOut(predictionId: string): void {
	watches.delete(predictionId);
}

/** Makes the next look a short time from now: the service has called, but its API is not as far. */
export function lookSoon(predictionId: string): void {
	const watch = watches.get(predictionId);
	if (watch) watch.due = Math.min(watch.due, Date.now() + FIRST_RETRY_MS);
}

async function run(): Promise<void> {
	isRunning = true;
	const endless = new AbortController().signal;
	while (watches.size > 0) {
		await pause(TICK_MS, endless);
		const now = Date.now();
		for (const watch of watches.values()) {
			if (busy >= MOST_AT_ONCE) break;
			if (!watch.isBusy && watch.due <= now) void advance(watch);
		}
	}
	isRunning = false;
}

/** One step of a look-out. Never throws: nobody is there to be told. */
async function advance(watch: Watch): Promise<void> {
	watch.isBusy = true;
	busy++;
	try {
		watch.ending ??= await endingOf(watch);
		const isOver = watch.ending !== undefined && (await handIn(watch, watch.ending));
		if (isOver || Date.now() > watch.deadline + AFTER_DEADLINE_MS) drop(watch);
	} catch (error) {
		watch.context.logger.debug(
			`Look-out for prediction ${watch.prediction.id}: ${(error as Error).message}`,
		);
	}
	watch.due = watch.ending ? Date.now() + retryMs(watch) : nextLook(watch);
	watch.isBusy = false;
	busy--;
}

function drop(watch: Watch): void {
	if (watches.get(watch.prediction.id) === watch) watches.delete(watch.prediction.id);
}

function nextLook(watch: Watch): number {
	const { started, looks, deadline } = watch;
	const after =
		LOOKS_MS[looks] ?? (LOOKS_MS.at(-1) ?? 0) + (looks - LOOKS_MS.length + 1) * LATER_MS;
	watch.looks++;
	return Math.min(started + after, Math.max(deadline, Date.now() + FIRST_RETRY_MS));
}

function retryMs({ calls }: Watch): number {
	return Math.min(FIRST_RETRY_MS * 2 ** calls, LONGEST_RETRY_MS);
}

/** The prediction at its end, or, marked, at the deadline; `undefined` as long as there is neither. */
async function endingOf(watch: Watch): Promise<Prediction | undefined> {
	const { context, deadline, cancelOnTimeout } = watch;
	const request = { itemIndex: 0, signal: AbortSignal.timeout(LONGEST_LOOK_MS) };
	const isTimeUp = Date.now() >= deadline;
	try {
		watch.prediction = await readPrediction(context, watch.prediction.id, request);
		if (isFinal(watch.prediction.status) || !isTimeUp) {
			return isFinal(watch.prediction.status) ? watch.prediction : undefined;
		}
		if (cancelOnTimeout) {
			watch.prediction = await cancelPrediction(context, watch.prediction.id, request);
		}
	} catch (error) {
		context.logger.debug(
			`Prediction ${watch.prediction.id} could not be looked at: ${(error as Error).message}`,
		);
		if (!isTimeUp) return undefined;
	}
	return { ...watch.prediction, timedOut: true };
}

/** Calls the resume address, as the service would; says whether that, or something else, ended the wait. */
async function handIn(watch: Watch, ending: Prediction): Promise<boolean> {
	watch.calls++;
	const request: IHttpRequestOptions = {
		method: 'POST',
		url: watch.resumeUrl,
		body: ending,
		json: true,
		returnFullResponse: true,
		ignoreHttpStatusErrors: true,
		disableFollowRedirect: true,
		timeout: CALL_TIMEOUT_MS,
	};
	const { statusCode, body } = (await watch.context.helpers.httpRequest(request)) as {
		statusCode: number;
		body: unknown;
	};
	if (statusCode >= 200 && statusCode < 300) return true;
	if (statusCode === 409) {
		return ++watch.conflicts >= MOST_CONFLICTS || /finished/i.test(JSON.stringify(body));
	}
	return statusCode === 401 || statusCode === 403 || statusCode === 404;
}
