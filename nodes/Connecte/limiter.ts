import { abortable } from '../shared/time';

/** Lets at most `limit` pieces of work run at once, in the order they come. */
export class Limiter {
	private running = 0;

	private readonly waiting: Array<() => void> = [];

	constructor(private readonly limit: number) {}

	get isIdle(): boolean {
		return this.running === 0;
	}

	/**
	 * Runs the work as soon as a slot is free.
	 * @throws the signal's reason as soon as it is aborted, whether the work has begun or not
	 */
	async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
		await this.acquire(signal);
		try {
			return await abortable(work(), signal);
		} finally {
			this.release();
		}
	}

	private async acquire(signal: AbortSignal): Promise<void> {
		signal.throwIfAborted();
		if (this.running < this.limit) {
			this.running++;
			return;
		}
		let grant: () => void = () => undefined;
		const granted = new Promise<void>((resolve) => {
			grant = resolve;
		});
		this.waiting.push(grant);
		let isAcquired = false;
		try {
			await abortable(granted, signal);
			isAcquired = true;
		} finally {
			if (!isAcquired) this.withdraw(grant);
		}
	}

	private withdraw(grant: () => void): void {
		const place = this.waiting.indexOf(grant);
		if (place >= 0) this.waiting.splice(place, 1);
		// The slot was granted at the same moment.
		else this.release();
	}

	/** Passes the slot on to whoever waits longest. */
	private release(): void {
		const next = this.waiting.shift();
		if (next) next();
		else this.running--;
	}
}
