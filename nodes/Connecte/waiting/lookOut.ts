import type { IExecuteFunctions, IHttpRequestOptions } from 'n8n-workflow';

import { isObject } from '../../shared/http/answer';
import { pause } from '../../shared/time';
import { cancelPrediction, isFinal, readPrediction, type Prediction } from '../prediction';
import { CONNECTE } from '../service';

/** When to look after the hand-over; from then on every `LATER_MS`, and a last time at the deadline. */
const LOOKS_MS = [1_000, 5_000, 30_000];
const LATER_MS = 5 * 60_000;
const TICK_MS = 100;
/** Steps of one kind at once, see `kindOf`. */
const MOST_AT_ONCE = 10;
const LONGEST_LOOK_MS = 30_000;
/** At the deadline, for the look as for the cancelling: n8n's own limit comes soon after. */
const LONGEST_LAST_LOOK_MS = 10_000;
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
	/** Whether the wait is to be ended: the prediction has, or the time is up. */
	isEnding: boolean;
	isWarned: boolean;
}

/** The look-outs of this process by prediction; one loop serves them all. */
const watches = new Map<string, Watch>();
let isRunning = false;
/** How many steps of each kind are under way. */
const underWay = new Map<string, number>();

/**
 * Looks after a waiting execution, so that it ends even if no callback ever reaches it: one that comes
 * before n8n has stored the execution is refused, and the service may not repeat it. Returns at once.
 */
export function lookOut(waiting: Waiting): void {
	const { id, status } = waiting.prediction;
	const started = Date.now();
	const watch: Watch = {
		...waiting,
		// Not its input, which may be large.
		prediction: { id, status },
		started,
		due: started,
		looks: 0,
		calls: 0,
		conflicts: 0,
		isBusy: false,
		isEnding: false,
		isWarned: false,
	};
	watch.due = nextLook(watch);
	watches.set(id, watch);
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
		const due = [...watches.values()].filter((watch) => !watch.isBusy && watch.due <= now);
		for (const watch of due.sort((one, other) => one.due - other.due)) {
			const kind = kindOf(watch, now);
			if ((underWay.get(kind) ?? 0) < MOST_AT_ONCE) void advance(watch, kind);
		}
	}
	isRunning = false;
}

/**
 * Steps that may hold each other up: the looks with one credential, whose API may be slow, apart from
 * those at the deadline and from the calls of this n8n.
 */
function kindOf({ context, deadline, isEnding }: Watch, now: number): string {
	if (isEnding) return 'call';
	const { id } = context.getNode().credentials?.[CONNECTE.credentialType] ?? {};
	return `${now < deadline ? 'look' : 'last look'} ${id}`;
}

/** One step of a look-out: a look, or a call that ends the wait. Never throws: nobody is there to be told. */
async function advance(watch: Watch, kind: string): Promise<void> {
	watch.isBusy = true;
	underWay.set(kind, (underWay.get(kind) ?? 0) + 1);
	try {
		if (watch.isEnding) {
			if (await handIn(watch)) drop(watch);
			watch.due = Date.now() + retryMs(watch);
		} else {
			watch.isEnding = await isAtEnd(watch);
			watch.due = watch.isEnding ? Date.now() : nextLook(watch);
		}
	} finally {
		if (Date.now() > watch.deadline + AFTER_DEADLINE_MS) drop(watch);
		watch.isBusy = false;
		leave(kind);
	}
}

function leave(kind: string): void {
	const left = (underWay.get(kind) ?? 0) - 1;
	if (left > 0) underWay.set(kind, left);
	else underWay.delete(kind);
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

/** Whether the prediction has ended, or the time is up; it is then cancelled where that is wanted. */
async function isAtEnd(watch: Watch): Promise<boolean> {
	const isTimeUp = Date.now() >= watch.deadline;
	await update(watch, readPrediction);
	if (isFinal(watch.prediction.status)) return true;
	// Also where the look failed: what is not cancelled goes on costing.
	if (isTimeUp && watch.cancelOnTimeout) await update(watch, cancelPrediction);
	return isTimeUp;
}

async function update(
	watch: Watch,
	request: typeof readPrediction | typeof cancelPrediction,
): Promise<void> {
	const { context, prediction, deadline } = watch;
	try {
		const isTimeUp = Date.now() >= deadline;
		const signal = AbortSignal.timeout(isTimeUp ? LONGEST_LAST_LOOK_MS : LONGEST_LOOK_MS);
		const { status } = await request({ context, itemIndex: 0, signal }, prediction.id);
		watch.prediction = { ...prediction, status };
	} catch (error) {
		context.logger.debug(
			`Prediction ${prediction.id} could not be looked after: ${(error as Error).message}`,
		);
	}
}

/**
 * Calls the resume address; says whether that, or something else, ended the wait. The prediction itself is
 * read by whoever takes the call, and may be larger than n8n takes.
 */
async function handIn(watch: Watch): Promise<boolean> {
	const { context, prediction, deadline } = watch;
	watch.calls++;
	const request: IHttpRequestOptions = {
		method: 'POST',
		url: watch.resumeUrl,
		body: { ...prediction, ...(Date.now() >= deadline && { timedOut: true }) },
		json: true,
		returnFullResponse: true,
		ignoreHttpStatusErrors: true,
		disableFollowRedirect: true,
		timeout: CALL_TIMEOUT_MS,
	};
	try {
		const answer = (await context.helpers.httpRequest(request)) as ResumeAnswer;
		return endsLookOut(watch, answer);
	} catch (error) {
		const text = `The execution that waits for prediction ${prediction.id} cannot be called: ${(error as Error).message}. Check n8n's variable WEBHOOK_URL, and that n8n can reach that address itself.`;
		if (!watch.isWarned) context.logger.warn(text);
		watch.isWarned = true;
		return false;
	}
}

interface ResumeAnswer {
	statusCode: number;
	body: unknown;
}

function endsLookOut(watch: Watch, { statusCode, body }: ResumeAnswer): boolean {
	if (statusCode >= 200 && statusCode < 300) return true;
	const message = isObject(body) && typeof body.message === 'string' ? body.message : '';
	if (statusCode === 409) return ++watch.conflicts >= MOST_CONFLICTS || /finished/i.test(message);
	// In n8n's own words: a proxy in between may let the next call through.
	return (statusCode === 403 || statusCode === 404) && /\bexecution\b/i.test(message);
}
