import { abortable } from '../../shared/time';

/** n8n starts a run within milliseconds; longer than this it has failed without a word. */
const LONGEST_START_MS = 30_000;

/** The runs that n8n has been asked to start and of which it is not known yet whether they have. */
const starting = new Map<string, RunStart>();

/**
 * The start of the run of one event. While it is under way no other call of the event starts one; if it
 * fails, the next call may. Of any number of calls at once only one gets a start.
 */
export class RunStart {
	private readonly until: number;

	private isOver = false;

	private settle: (isStarted: boolean) => void = () => undefined;

	private readonly outcome = new Promise<boolean>((resolve) => {
		this.settle = resolve;
	});

	private constructor(
		private readonly event: string,
		now: number,
	) {
		this.until = now + LONGEST_START_MS;
	}

	/** Begins the start, or answers with that of another call which is still under way. */
	static of(event: string, now = Date.now()): { mine: RunStart } | { others: RunStart } {
		const others = starting.get(event);
		if (others && now < others.until) return { others };
		const mine = new RunStart(event, now);
		starting.set(event, mine);
		return { mine };
	}

	/** Says how it ended. Answers whether that was not known before; only the first word counts. */
	end(isStarted: boolean): boolean {
		if (this.isOver) return false;
		this.isOver = true;
		this.settle(isStarted);
		if (starting.get(this.event) === this) starting.delete(this.event);
		return true;
	}

	/** Whether the run has started; `undefined` where the signal was aborted before that was known. */
	async result(signal: AbortSignal): Promise<boolean | undefined> {
		return await abortable(this.outcome, signal).catch(() => undefined);
	}
}
