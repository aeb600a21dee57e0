import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import type { CallbackPlan } from './callbacks.ts';
import { ModelFailure, type Input, type Model, type Output } from './models.ts';

export type Status =
	| 'pending'
	| 'queued'
	| 'starting'
	| 'processing'
	| 'succeeded'
	| 'failed'
	| 'canceled';

/** How a prediction goes; what is absent is as the default plan says. */
export interface Plan {
	/** Milliseconds until the end, or a range that one is taken from at random; the work itself may take longer. */
	durationMs?: number | [from: number, to: number];
	/** `failed`: ends so, whatever the model says. */
	outcome?: 'succeeded' | 'failed';
	/** Where a failed prediction has its message. */
	errorField?: 'error' | 'message' | 'detail' | 'output.error' | 'none';
	/** How statuses are written; the service's pages do it in both ways. */
	statusCase?: 'lower' | 'title';
	callback?: CallbackPlan;
	/** The only header a webhook address is taken from; the service's pages name both. */
	webhookHeader?: 'webhook-url' | 'x-webhook-url';
}

/** The states before the end, each with the share of the time at which it begins. */
const STATES: ReadonlyArray<[share: number, status: Status]> = [
	[0.5, 'processing'],
	[0.25, 'starting'],
	[0.1, 'queued'],
	[0, 'pending'],
];
const ROUBLES_A_SECOND = 0.0127;
const DEFAULT_MS = 50;

/** A prediction that works by itself from the moment it is made. */
export class Prediction {
	readonly id = randomUUID();
	readonly durationMs: number;
	/** Resolves when it has succeeded, failed or been cancelled. */
	readonly ended: Promise<void>;
	readonly plan: Plan;
	private readonly created = Date.now();
	private readonly input: Input;
	private readonly stop = new AbortController();
	private readonly hurry = new AbortController();
	private final: Status | undefined;
	private endedAt: number | undefined;
	private output: Output | null = null;
	private failure: string | undefined;

	constructor(model: Model, input: Input, plan: Plan, closed: AbortSignal) {
		const { durationMs = DEFAULT_MS } = plan;
		this.input = input;
		this.plan = plan;
		this.durationMs = Array.isArray(durationMs)
			? durationMs[0] + Math.random() * (durationMs[1] - durationMs[0])
			: durationMs;
		const isEarly = plan.callback?.kind === 'early';
		this.ended = this.work(model, isEarly ? 0 : this.durationMs, closed);
	}

	get status(): Status {
		if (this.final) return this.final;
		const share = (Date.now() - this.created) / this.durationMs;
		return STATES.find(([from]) => share >= from)?.[1] ?? 'pending';
	}

	get isFinal(): boolean {
		return this.final !== undefined;
	}

	/** Ends it, unless it has ended. */
	cancel(): void {
		this.end('canceled');
		this.stop.abort();
	}

	/** Ends it as soon as the work itself is done, whatever its plan says of the time. */
	hasten(): void {
		this.hurry.abort();
	}

	/** As the service puts it. */
	json(): Record<string, unknown> {
		const { plan, status, endedAt } = this;
		const runtime = endedAt === undefined ? null : (endedAt - this.created) / 1_000;
		const { errorField = 'error' } = plan;
		const isFailed = status === 'failed';
		return {
			id: this.id,
			input: this.input,
			status: plan.statusCase === 'title' ? status[0]?.toUpperCase() + status.slice(1) : status,
			output:
				isFailed && errorField === 'output.error' ? { error: this.failure } : (this.output ?? null),
			source: 'api',
			runtime,
			...(runtime !== null && { cost: Math.round(runtime * ROUBLES_A_SECOND * 1e6) / 1e6 }),
			...(isFailed && ['error', 'message', 'detail'].includes(errorField)
				? { [errorField]: this.failure }
				: {}),
			created_at: new Date(this.created).toISOString().replace('Z', '000Z'),
		};
	}

	private async work(model: Model, durationMs: number, closed: AbortSignal): Promise<void> {
		const signal = AbortSignal.any([this.stop.signal, closed]);
		try {
			const [output] = await Promise.all([
				Promise.resolve(model.run(this.input, signal)),
				this.wait(durationMs, signal),
			]);
			if (this.plan.outcome === 'failed') throw new ModelFailure('The model ran out of memory');
			if (!this.isFinal) this.output = output;
			this.end('succeeded');
		} catch (error) {
			if (signal.aborted) return;
			this.failure = error instanceof ModelFailure ? error.message : 'Internal error';
			const left = Math.max(0, durationMs - (Date.now() - this.created));
			await this.wait(left, signal).catch(() => undefined);
			this.end('failed');
		}
	}

	/** Waits, unless there is a hurry. @throws AbortError at the signal */
	private async wait(ms: number, signal: AbortSignal): Promise<void> {
		const either = AbortSignal.any([signal, this.hurry.signal]);
		await delay(ms, undefined, { signal: either }).catch(() => signal.throwIfAborted());
	}

	private end(status: Status): void {
		if (this.final) return;
		this.final = status;
		this.endedAt = Date.now();
	}
}
