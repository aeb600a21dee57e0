import { backoffMs, LONGEST_WAIT_MS } from '../../shared/http/retry';

/** An address that has worked, and cannot be reached, is tried again for so long in all. */
const LONGEST_OUTAGE_MS = 120_000;
const LONGEST_BACKOFF_MS = 30_000;
/** An outage is noticed to be over not much later than it is. */
const LONGEST_BACKOFF_IN_OUTAGE_MS = 8_000;

/** A session that did not come to be, or not to its end. */
export interface Loss {
	/** What the user is told where it is the last one. */
	error: Error;
	/** Whether another session would end as this one did. */
	isLasting?: boolean;
	/** Whether no session was opened, for a reason that may pass. */
	isUnreachable?: boolean;
	/** What the service asked for by Retry-After, in milliseconds. */
	retryAfterMs?: number;
}

/**
 * Decides whether a lost session is followed by another one. They count from the last finished turn
 * on, so that a long recording is not ended by losses that it has made good; while an address that has
 * worked cannot be reached, time counts instead.
 */
export class Reconnects {
	private losses = 0;

	private hasWorked = false;

	private outage: { since: number; tries: number } | undefined;

	/** @param most how many sessions may follow one another without a finished turn; 0 for one session */
	constructor(private readonly most: number) {}

	sessionOpened(): void {
		this.hasWorked = true;
		this.outage = undefined;
	}

	turnFinished(): void {
		this.losses = 0;
	}

	/**
	 * @param now in milliseconds of a steady clock
	 * @returns how many milliseconds to wait for the next session, `undefined` where there is to be none
	 */
	waitAfter(loss: Loss, now: number): number | undefined {
		if (loss.isLasting || this.most === 0) return undefined;
		if (loss.isUnreachable && this.hasWorked) return this.waitInOutage(loss, now);
		this.losses++;
		const wait = loss.retryAfterMs ?? Math.min(backoffMs(this.losses), LONGEST_BACKOFF_MS);
		return this.losses > this.most || wait > LONGEST_WAIT_MS ? undefined : wait;
	}

	/** What was tried, as a sentence for the user; empty where one session was all. */
	get summary(): string {
		if (this.outage) return `Tried again for ${LONGEST_OUTAGE_MS / 1_000} seconds.`;
		return this.losses > 1 ? `Tried ${this.losses} times.` : '';
	}

	private waitInOutage({ retryAfterMs }: Loss, now: number): number | undefined {
		this.outage ??= { since: now, tries: 0 };
		this.outage.tries++;
		const left = this.outage.since + LONGEST_OUTAGE_MS - now;
		const backoff = Math.min(backoffMs(this.outage.tries), LONGEST_BACKOFF_IN_OUTAGE_MS, left);
		const wait = retryAfterMs ?? backoff;
		return left <= 0 || wait > left || wait > LONGEST_WAIT_MS ? undefined : wait;
	}
}
