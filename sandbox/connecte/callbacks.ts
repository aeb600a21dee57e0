import { setTimeout as delay } from 'node:timers/promises';

import { isLoopback } from './models.ts';

/** How the service calls back when a prediction has ended. */
export interface CallbackPlan {
	/**
	 * - `once`: whatever is answered, it is not repeated (the default, since the service's pages promise
	 *   no more)
	 * - `retried`: repeated until it is answered 2xx, at most five times
	 * - `early`: the prediction ends and the callback is answered before the create request is
	 * - `forged`: at once, with the right id but a result that is not true, and nothing at the end
	 * - `never`
	 */
	kind?: 'once' | 'retried' | 'early' | 'forged' | 'never';
	/** So many of it at once; default 1. */
	copies?: number;
	/** Milliseconds between the end (or, where forged, the beginning) and the callback. */
	delayMs?: number;
}

/** One callback and how it was answered. */
export interface Delivery {
	predictionId: string;
	url: string;
	body: unknown;
	/** Milliseconds since 1970. */
	time: number;
	/** HTTP status of the answer; absent where none came. */
	status?: number;
	/** How long the answer took, in milliseconds. */
	tookMs?: number;
	error?: string;
}

const MOST_TRIES = 5;
const RETRY_MS = 200;
const LONGEST_ANSWER_MS = 30_000;

/** Sends callbacks and keeps a record of them. */
export class Caller {
	readonly deliveries: Delivery[] = [];
	private readonly signal: AbortSignal;

	constructor(signal: AbortSignal) {
		this.signal = signal;
	}

	/** Calls as planned; settles when all that is to be sent has been answered or given up. */
	async call(
		predictionId: string,
		url: string,
		body: unknown,
		{ kind = 'once', copies = 1, delayMs = 0 }: CallbackPlan,
	): Promise<void> {
		if (delayMs > 0) await delay(delayMs, undefined, { signal: this.signal });
		const tries = kind === 'retried' ? MOST_TRIES : 1;
		const copy = async () => {
			for (let count = 1; count <= tries; count++) {
				const { status = 0 } = await this.deliver(predictionId, url, body);
				if (status >= 200 && status < 300) return;
				if (count < tries) await delay(RETRY_MS, undefined, { signal: this.signal });
			}
		};
		await Promise.all(Array.from({ length: copies }, copy));
	}

	private async deliver(predictionId: string, url: string, body: unknown): Promise<Delivery> {
		const delivery: Delivery = { predictionId, url, body, time: Date.now() };
		this.deliveries.push(delivery);
		try {
			if (!isLoopback(url)) throw new Error('The sandbox calls loopback addresses only');
			const answer = await fetch(url, {
				method: 'POST',
				headers: { 'content-type': 'application/json', 'user-agent': 'connecte-sandbox' },
				body: JSON.stringify(body),
				redirect: 'manual',
				signal: AbortSignal.any([this.signal, AbortSignal.timeout(LONGEST_ANSWER_MS)]),
			});
			await answer.arrayBuffer();
			delivery.status = answer.status;
			delivery.tookMs = Date.now() - delivery.time;
		} catch (error) {
			delivery.error = (error as Error).message;
		}
		return delivery;
	}
}
