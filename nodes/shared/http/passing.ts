import { NodeApiError } from 'n8n-workflow';

import type { NetworkReason } from './network';
import { isServerFailure, SERVICE_UNAVAILABLE, TOO_MANY_REQUESTS } from './statuses';

/** Causes of n8n's that go away on their own soon enough to be waited for; a used-up quota does not. */
const PASSING_CAUSES: ReadonlySet<string | undefined> = new Set([
	'rate-limited',
	'temporarily-unavailable',
]);

/** Whether a later try of what was answered with this status may succeed. */
export function isPassingStatus(status: number): boolean {
	return status === TOO_MANY_REQUESTS || isServerFailure(status);
}

/** Whether what was answered with this status certainly was not carried out, so that it may be sent again. */
export function isNotCarriedOut(status: number, retryAfterMs: number | undefined): boolean {
	const isTurnedAway = status === SERVICE_UNAVAILABLE && retryAfterMs !== undefined;
	return status === TOO_MANY_REQUESTS || isTurnedAway;
}

/**
 * Whether a later try of what ended so may succeed: not where n8n kept the request back, and not where a
 * certificate was refused.
 */
export function isPassingReason({ code, isInsecure }: NetworkReason): boolean {
	return code !== undefined && !isInsecure;
}

/** Whether a later call may succeed where this error of `callService` ended one. */
export function isPassing(error: unknown): boolean {
	return error instanceof NodeApiError && PASSING_CAUSES.has(error.failure?.cause);
}
