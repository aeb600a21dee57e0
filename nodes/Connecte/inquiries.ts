import { sleep } from 'n8n-workflow';

import { abortable } from '../shared/time';

/** More at once would only take longer for each of them. */
const MOST_AT_ONCE = 8;
const PATIENCE_MS = 3_500;
const STEP_MS = 250;

interface Ticket {
	isUp: boolean;
	call: () => void;
}

/** Lets a few pieces of work go on at once, in the order they come. */
export class Turns {
	private underWay = 0;

	private readonly waiting: Ticket[] = [];

	get isIdle(): boolean {
		return this.underWay === 0;
	}

	/** Waits for a turn, which `end` must give back; `false` where waiting has become hopeless. */
	async begin(isHopeless = () => false): Promise<boolean> {
		if (this.underWay < MOST_AT_ONCE) {
			this.underWay++;
			return true;
		}
		const ticket: Ticket = { isUp: false, call: () => undefined };
		const called = new Promise<void>((resolve) => {
			ticket.call = resolve;
		});
		this.waiting.push(ticket);
		while (!ticket.isUp) {
			await Promise.race([called, sleep(STEP_MS)]);
			if (!ticket.isUp && isHopeless()) {
				this.waiting.splice(this.waiting.indexOf(ticket), 1);
				return false;
			}
		}
		return true;
	}

	/** Hands the turn on to whoever waits longest. */
	end(): void {
		const next = this.waiting.shift();
		if (!next) {
			this.underWay--;
			return;
		}
		next.isUp = true;
		next.call();
	}
}

/**
 * Questions to an API. Each has 3.5 seconds from its turn; those that wait for their turn are given up
 * together with one that got no answer. So hundreds at once are all answered, and none waits long for
 * an API that is silent.
 */
export class Inquiries {
	private readonly turns = new Turns();

	private lastAnswer = 0;

	private lastSilence = 0;

	/**
	 * @param pace a piece of n8n's own work that takes milliseconds; the longer it takes, the busier n8n
	 * is, and the longer a question has for its answer
	 */
	constructor(private readonly pace: () => Promise<unknown>) {}

	get isIdle(): boolean {
		return this.turns.isIdle;
	}

	/** The answer; `undefined` where none came in time. A question that yields `undefined` got none. */
	async ask<T>(question: (signal: AbortSignal) => Promise<T | undefined>): Promise<T | undefined> {
		const begun = Date.now();
		const isHopeless = () => this.lastSilence > Math.max(begun, this.lastAnswer);
		if (!(await this.turns.begin(isHopeless))) return undefined;
		const end = new AbortController();
		try {
			if (isHopeless()) return undefined;
			void this.limit(end);
			const answer = await abortable(question(end.signal), end.signal);
			if (answer !== undefined) this.lastAnswer = Date.now();
			return answer;
		} catch {
			return undefined;
		} finally {
			end.abort();
			this.turns.end();
		}
	}

	private async limit(end: AbortController): Promise<void> {
		for (let left = PATIENCE_MS; left > 0; left -= STEP_MS) {
			await sleep(STEP_MS);
			if (end.signal.aborted) return;
			await this.pace();
		}
		if (end.signal.aborted) return;
		this.lastSilence = Date.now();
		end.abort();
	}
}
