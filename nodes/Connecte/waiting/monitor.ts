import type { IExecuteFunctions, IHttpRequestOptions } from 'n8n-workflow';

import { isObject } from '../../shared/http/answer';
import { pause } from '../../shared/time';
import { CONNECTE } from '../connecteService';
import { cancelPrediction, isFinal, readPrediction, type Prediction } from '../prediction';

/** When to check after the execution was suspended; from then on every `LATER_MS`, and a last time at the deadline. */
const CHECKS_MS = [1_000, 5_000, 30_000];
const LATER_MS = 5 * 60_000;
const TICK_MS = 100;
/** Steps of one queue at once, see `queueOf`. */
const MOST_AT_ONCE = 10;
const LONGEST_CHECK_MS = 30_000;
/** At the deadline, for the check as for the cancelling: n8n's own limit comes soon after. */
const LONGEST_LAST_CHECK_MS = 10_000;
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
	/** Must outlive the execution's stop, see `withoutCancel`. */
	context: IExecuteFunctions;
	prediction: Prediction;
	resumeUrl: string;
	/** Milliseconds since 1970 until which to wait. */
	deadline: number;
	cancelOnTimeout: boolean;
}

interface Monitor extends Waiting {
	started: number;
	due: number;
	checks: number;
	calls: number;
	conflicts: number;
	isBusy: boolean;
	/** Whether the wait is to be ended: the prediction has, or the time is up. */
	isEnding: boolean;
	isWarned: boolean;
}

/** The monitors of this process by prediction; one loop serves them all. */
const monitors = new Map<string, Monitor>();
let isRunning = false;
/** How many steps of each queue are under way. */
const underWay = new Map<string, number>();

/**
 * Watches over a waiting execution, so that it ends even if no callback ever reaches it: one that comes
 * before n8n has stored the execution is refused, and the service may not repeat it. Returns at once.
 */
export function startMonitor(waiting: Waiting): void {
	const { id, status } = waiting.prediction;
	const started = Date.now();
	const monitor: Monitor = {
		...waiting,
		// Not its input, which may be large.
		prediction: { id, status },
		started,
		due: started,
		checks: 0,
		calls: 0,
		conflicts: 0,
		isBusy: false,
		isEnding: false,
		isWarned: false,
	};
	monitor.due = nextCheckAt(monitor);
	monitors.set(id, monitor);
	if (!isRunning) void run();
}

/** Ends the monitor: the execution has gone on. */
export function stopMonitor(predictionId: string): void {
	monitors.delete(predictionId);
}

/** Makes the next check a short time from now: the service has called, but its API is not as far. */
export function checkSoon(predictionId: string): void {
	const monitor = monitors.get(predictionId);
	if (monitor) monitor.due = Math.min(monitor.due, Date.now() + FIRST_RETRY_MS);
}

async function run(): Promise<void> {
	isRunning = true;
	const endless = new AbortController().signal;
	while (monitors.size > 0) {
		await pause(TICK_MS, endless);
		const now = Date.now();
		const due = [...monitors.values()].filter((monitor) => !monitor.isBusy && monitor.due <= now);
		for (const monitor of due.sort((one, other) => one.due - other.due)) {
			const queue = queueOf(monitor, now);
			if ((underWay.get(queue) ?? 0) < MOST_AT_ONCE) void step(monitor, queue);
		}
	}
	isRunning = false;
}

/**
 * Steps that may hold each other up: the checks with one credential, whose API may be slow, apart from
 * those at the deadline and from the calls of this n8n.
 */
function queueOf({ context, deadline, isEnding }: Monitor, now: number): string {
	if (isEnding) return 'call';
	const { id } = context.getNode().credentials?.[CONNECTE.credentialType] ?? {};
	return `${now < deadline ? 'check' : 'last check'} ${id}`;
}

/** One step of a monitor: a check, or a call that ends the wait. Never throws: nobody is there to be told. */
async function step(monitor: Monitor, queue: string): Promise<void> {
	monitor.isBusy = true;
	underWay.set(queue, (underWay.get(queue) ?? 0) + 1);
	try {
		if (monitor.isEnding) {
			if (await callResumeUrl(monitor)) remove(monitor);
			monitor.due = Date.now() + retryMs(monitor);
		} else {
			monitor.isEnding = await isAtEnd(monitor);
			monitor.due = monitor.isEnding ? Date.now() : nextCheckAt(monitor);
		}
	} finally {
		if (Date.now() > monitor.deadline + AFTER_DEADLINE_MS) remove(monitor);
		monitor.isBusy = false;
		releaseSlot(queue);
	}
}

function releaseSlot(queue: string): void {
	const left = (underWay.get(queue) ?? 0) - 1;
	if (left > 0) underWay.set(queue, left);
	else underWay.delete(queue);
}

function remove(monitor: Monitor): void {
	if (monitors.get(monitor.prediction.id) === monitor) monitors.delete(monitor.prediction.id);
}

function nextCheckAt(monitor: Monitor): number {
	const { started, checks, deadline } = monitor;
	const after =
		CHECKS_MS[checks] ?? (CHECKS_MS.at(-1) ?? 0) + (checks - CHECKS_MS.length + 1) * LATER_MS;
	monitor.checks++;
	return Math.min(started + after, Math.max(deadline, Date.now() + FIRST_RETRY_MS));
}

function retryMs({ calls }: Monitor): number {
	return Math.min(FIRST_RETRY_MS * 2 ** calls, LONGEST_RETRY_MS);
}

/** Whether the prediction has ended, or the time is up; it is then cancelled where that is wanted. */
async function isAtEnd(monitor: Monitor): Promise<boolean> {
	const isTimeUp = Date.now() >= monitor.deadline;
	await update(monitor, readPrediction);
	if (isFinal(monitor.prediction.status)) return true;
	// Also where the check failed: what is not cancelled goes on costing.
	if (isTimeUp && monitor.cancelOnTimeout) await update(monitor, cancelPrediction);
	return isTimeUp;
}

async function update(
	monitor: Monitor,
	request: typeof readPrediction | typeof cancelPrediction,
): Promise<void> {
	const { context, prediction, deadline } = monitor;
	try {
		const isTimeUp = Date.now() >= deadline;
		const signal = AbortSignal.timeout(isTimeUp ? LONGEST_LAST_CHECK_MS : LONGEST_CHECK_MS);
		const { status } = await request({ context, itemIndex: 0, signal }, prediction.id);
		monitor.prediction = { ...prediction, status };
	} catch (error) {
		context.logger.debug(
			`Prediction ${prediction.id} could not be checked: ${(error as Error).message}`,
		);
	}
}

/**
 * Calls the resume address; says whether that, or something else, ended the wait. The prediction itself is
 * read by whoever takes the call, and may be larger than n8n takes.
 */
async function callResumeUrl(monitor: Monitor): Promise<boolean> {
	const { context, prediction, deadline } = monitor;
	monitor.calls++;
	const request: IHttpRequestOptions = {
		method: 'POST',
		url: monitor.resumeUrl,
		body: { ...prediction, ...(Date.now() >= deadline && { timedOut: true }) },
		json: true,
		returnFullResponse: true,
		ignoreHttpStatusErrors: true,
		disableFollowRedirect: true,
		timeout: CALL_TIMEOUT_MS,
	};
	try {
		const answer = (await context.helpers.httpRequest(request)) as ResumeAnswer;
		return endsWait(monitor, answer);
	} catch (error) {
		const text = `The execution that waits for prediction ${prediction.id} cannot be called: ${(error as Error).message}. Check n8n's variable WEBHOOK_URL, and that n8n can reach that address itself.`;
		if (!monitor.isWarned) context.logger.warn(text);
		monitor.isWarned = true;
		return false;
	}
}

interface ResumeAnswer {
	statusCode: number;
	body: unknown;
}

function endsWait(monitor: Monitor, { statusCode, body }: ResumeAnswer): boolean {
	if (statusCode >= 200 && statusCode < 300) return true;
	const message = isObject(body) && typeof body.message === 'string' ? body.message : '';
	if (statusCode === 409) return ++monitor.conflicts >= MOST_CONFLICTS || /finished/i.test(message);
	// In n8n's own words: a proxy in between may let the next call through.
	return (statusCode === 403 || statusCode === 404) && /\bexecution\b/i.test(message);
}
