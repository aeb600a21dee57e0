import { abortable } from '../shared/time';

/** Lets some pieces of work go on at once, in the order they come. */
export class Turns {
	private underWay = 0;

	private readonly waiting: Array<() => void> = [];

	constructor(private readonly mostAtOnce: number) {}

	get isIdle(): boolean {
		return this.underWay === 0;
	}

	/**
	 * Does the work when its turn comes.
	 * @throws the signal's reason as soon as it is aborted, whether the turn has come or not
	 */
	async take<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
		await this.begin(signal);
		try {
			return await abortable(work(), signal);
		} finally {
			this.end();
		}
	}

	private async begin(signal: AbortSignal): Promise<void> {
		signal.throwIfAborted();
		if (this.underWay < this.mostAtOnce) {
			this.underWay++;
			return;
		}
		let call: () => void = () => undefined;
		const called = new Promise<void>((resolve) => {
			call = resolve;
		});
		this.waiting.push(call);
		let isUp = false;
		try {
			await abortable(called, signal);
			isUp = true;
		} finally {
			if (!isUp) this.giveUp(call);
		}
	}

	private giveUp(call: () => void): void {
		const place = this.waiting.indexOf(call);
		if (place >= 0) this.waiting.splice(place, 1);
		// It was called at the same moment.
		else this.end();
	}

	/** Hands the turn on to whoever waits longest. */
	private end(): void {
		const next = this.waiting.shift();
		if (next) next();
		else this.underWay--;
	}
}
