import { pause } from '../time';

/** At most this many tries in all; more would only hide an outage from the user. */
const MAX_TRIES = 4;
const FIRST_WAIT_MS = 1_000;
/** A service that asks for a longer wait is not waited for: the item fails and says so. */
export const LONGEST_WAIT_MS = 60_000;

/** A try that did not succeed, and whether trying again is safe. */
export interface FailedTry {
	error: Error;
	retryable: boolean;
	/** What the service asked for by Retry-After, in milliseconds. */
	retryAfterMs?: number;
}

export type Try<T> = { value: T } | FailedTry;

/**
 * Tries until a try succeeds, may not be repeated, or four tries are used up. Waits as Retry-After
 * asks, else 1, 2 and 4 seconds less a random part of up to half.
 *
 * @returns the value, or the last failed try with the number of tries; rejects with the signal's
 * reason when it is aborted while waiting
 */
export async function retrying<T>(
	attempt: () => Promise<Try<T>>,
	signal: AbortSignal,
): Promise<{ value: T } | (FailedTry & { tries: number })> {
	for (let tries = 1; ; tries++) {
		const outcome = await attempt();
		if ('value' in outcome) return outcome;
		const wait = outcome.retryAfterMs ?? backoffMs(tries);
		if (!outcome.retryable || tries === MAX_TRIES || wait > LONGEST_WAIT_MS) {
			return { ...outcome, tries };
		}
		await pause(wait, signal);
	}
}

/** How long to wait after so many tries, in milliseconds. */
export function backoffMs(tries: number): number {
	return FIRST_WAIT_MS * 2 ** (tries - 1) * (0.5 + Math.random() / 2);
}

/** Retry-After as milliseconds from now: seconds or an HTTP date (RFC 9110, 10.2.3). */
export function parseRetryAfter(header: string | undefined, now = Date.now()): number | undefined {
	if (header === undefined || header.trim() === '') return undefined;
	const seconds = Number(header);
	if (Number.isFinite(seconds)) return Math.max(0, seconds * 1_000);
	const date = Date.parse(header);
	return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
