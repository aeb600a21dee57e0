import type { IExecuteFunctions, IHttpRequestOptions } from 'n8n-workflow';

import { isObject } from '../../shared/http/answer';
import { pause } from '../../shared/time';
import { CONNECTE } from '../connecteService';
import { cancelPrediction, isFinal, readPrediction, statusOf } from '../prediction';
import { noteQuietTime, quietMs } from './quietTime';
import { Endings, forEach, haveAllEnded } from './endings';

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
/** How long n8n's own limit comes after the deadline, apart from the time that many predictions take. */
export const AFTER_DEADLINE_MS = 60_000;

/** A prediction that is watched, as it was last seen. */
export interface WatchedPrediction {
	id: string;
	status: string;
	/** Must outlive the execution's stop and have its credential read, see `suspendExecution`. */
	context: IExecuteFunctions;
	cancelOnTimeout: boolean;
}

/** An execution that waits for the end of predictions. */
export interface Waiting {
	/** At least one; the id of the first one identifies the wait. */
	predictions: WatchedPrediction[];
	resumeUrl: string;
	/** Milliseconds since 1970 until which to wait. */
	deadline: number;
	/** When n8n ends the wait itself. */
	limit: number;
}

interface Monitor extends Waiting {
	first: WatchedPrediction;
	endings: Endings;
	started: number;
	due: number;
	checks: number;
	calls: number;
	conflicts: number;
	isBusy: boolean;
	/** Whether the wait is to be ended: the predictions have, or the time is up. */
	isEnding: boolean;
	isWarned: boolean;
}

/** The monitors of this process by wait; one loop serves them all. */
const monitors = new Map<string, Monitor>();
let isRunning = false;
/** How many steps of each queue are under way. */
const underWay = new Map<string, number>();

/**
 * Watches over a waiting execution, so that it ends even if no callback ever reaches it: one that comes
 * before n8n has stored the execution is refused, and the service may not repeat it. Returns at once.
 */
export function startMonitor(waiting: Waiting): void {
	const [first] = waiting.predictions;
	if (!first) return;
	const started = Date.now();
	const monitor: Monitor = {
		...waiting,
		first,
		endings: Endings.of(first.id, waiting.limit),
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
	monitors.set(first.id, monitor);
	if (!isRunning) void run();
}

/**
 * Ends the monitor: the execution has gone on.
 * @param wait the id of the first prediction that it waits for
 */
export function stopMonitor(wait: string): void {
	monitors.delete(wait);
	Endings.forget(wait);
}

/** Makes the next check a short time from now: the service has called, but its API is not as far. */
export function checkSoon(wait: string): void {
	const monitor = monitors.get(wait);
	if (monitor) monitor.due = Math.min(monitor.due, Date.now() + FIRST_RETRY_MS);
}

/** Leaves the wait to the call that ends it right now; should that fail, the monitor goes on. */
export function leaveToCall(wait: string): void {
	const monitor = monitors.get(wait);
	if (monitor) monitor.due = Math.max(monitor.due, Date.now() + LONGEST_RETRY_MS);
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
function queueOf({ first: { context }, deadline, isEnding }: Monitor, now: number): string {
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
		if (Date.now() > monitor.limit) remove(monitor);
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
	const { id } = monitor.first;
	if (monitors.get(id) === monitor) stopMonitor(id);
}

function nextCheckAt(monitor: Monitor): number {
	const { started, checks, deadline, first } = monitor;
	const after =
		CHECKS_MS[checks] ?? (CHECKS_MS.at(-1) ?? 0) + (checks - CHECKS_MS.length + 1) * LATER_MS;
	monitor.checks++;
	const next = Math.max(started + after, Date.now() + quietMs(first));
	return Math.min(next, Math.max(deadline, Date.now() + FIRST_RETRY_MS));
}

function retryMs({ calls }: Monitor): number {
	return Math.min(FIRST_RETRY_MS * 2 ** calls, LONGEST_RETRY_MS);
}

/** Whether the predictions have ended, or the time is up; they are then cancelled where that is wanted. */
async function isAtEnd(monitor: Monitor): Promise<boolean> {
	const { endings, predictions } = monitor;
	const isTimeUp = Date.now() >= monitor.deadline;
	if (!isTimeUp) {
		const watched = new Map(predictions.map((prediction) => [prediction.id, prediction]));
		return await haveAllEnded(endings, [...watched.keys()], async (id) => {
			const prediction = watched.get(id);
			if (prediction) await update(prediction, LONGEST_CHECK_MS, readPrediction);
			return prediction?.status;
		});
	}
	const open = predictions.filter(({ id }) => !endings.ids.has(id));
	await forEach(open, async (prediction) => {
		await update(prediction, LONGEST_LAST_CHECK_MS, readPrediction);
		// Also where the check failed: what is not cancelled goes on costing.
		if (prediction.cancelOnTimeout && !isFinal(prediction.status)) {
			await update(prediction, LONGEST_LAST_CHECK_MS, cancelPrediction);
		}
		return true;
	});
	return true;
}

async function update(
	prediction: WatchedPrediction,
	longestMs: number,
	request: typeof readPrediction | typeof cancelPrediction,
): Promise<void> {
	const { context, id } = prediction;
	try {
		const signal = AbortSignal.timeout(longestMs);
		const { status } = await request({ context, itemIndex: 0, signal }, id);
		prediction.status = status;
	} catch (error) {
		noteQuietTime({ context }, error);
		context.logger.debug(`Prediction ${id} could not be checked: ${(error as Error).message}`);
	}
}

/**
 * Calls the resume address; says whether that, or something else, ended the wait. The predictions are
 * read by whoever takes the call, and may be larger than n8n takes.
 */
async function callResumeUrl(monitor: Monitor): Promise<boolean> {
	const { deadline, first } = monitor;
	const { context, id } = first;
	monitor.calls++;
	const request: IHttpRequestOptions = {
		method: 'POST',
		url: monitor.resumeUrl,
		// A status that is not known here would make it no prediction to who takes the call.
		body: {
			id,
			status: statusOf(first.status) ?? 'processing',
			...(Date.now() >= deadline && { timedOut: true }),
		},
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
		const text = `The execution that waits for prediction ${id} cannot be called: ${(error as Error).message}. Check n8n's variable WEBHOOK_URL, and that n8n can reach that address itself.`;
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
