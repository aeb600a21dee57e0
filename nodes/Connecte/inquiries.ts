import { sleep } from 'n8n-workflow';

import { abortable } from '../shared/time';

/** More at once would only take longer for each of them. */
const MOST_AT_ONCE = 8;
const PATIENCE_MS = 3_500;
const SHORTEST_TRY_MS = 500;
const LOOK_EVERY_MS = 250;

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
			await Promise.race([called, sleep(LOOK_EVERY_MS)]);
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
 * Questions to an API. Each has 3.5 seconds from its turn; one that waits for its turn is given up when
 * none was answered for 3.5 seconds. So hundreds at once are all answered, however busy n8n is with
 * them, and none waits long for an API that is silent.
 */
export class Inquiries {
	private readonly turns = new Turns();

	private lastAnswer = 0;

	get isIdle(): boolean {
		return this.turns.isIdle;
	}

	/**
	 * The answer; `undefined` where none came in time. A question that yields `undefined` got none.
	 * @param allowanceMs for what n8n itself needs to put the question while it is busy
	 */
	async ask<T>(
		question: (signal: AbortSignal) => Promise<T | undefined>,
		allowanceMs: number,
	): Promise<T | undefined> {
		const begun = Date.now();
		const silence = () => Date.now() - Math.max(begun, this.lastAnswer);
		const left = () => PATIENCE_MS + allowanceMs - silence();
		if (!(await this.turns.begin(() => left() <= 0))) return undefined;
		try {
			const signal = AbortSignal.timeout(Math.max(SHORTEST_TRY_MS, left()));
			const answer = await abortable(question(signal), signal);
			if (answer !== undefined) this.lastAnswer = Date.now();
			return answer;
		} catch {
			return undefined;
		} finally {
			this.turns.end();
		}
	}
}
