import { isFinal, type Prediction } from '../prediction';

/** Reads at once, of one wait. */
const MOST_AT_ONCE = 10;

/** What this process knows of the predictions that a stored execution waits for. */
export class Endings {
	private static readonly known = new Map<string, Endings>();

	/** The ids of those that have ended. */
	readonly ids = new Set<string>();

	/** Results that came with a call while the API could not be reached, which nobody may send again. */
	readonly claims = new Map<string, Prediction>();

	/** How many calls have said that a prediction has ended. */
	calls = 0;

	/** Whether a call of this process is about to look at the others, so that no further one has to. */
	isLooking = false;

	/** When they were last looked at, in milliseconds since 1970. */
	lookedAt = 0;

	private constructor(private readonly until: number) {}

	/**
	 * @param wait the key of the wait: the id of the first prediction that is waited for
	 * @param until when it is over at the latest, in milliseconds since 1970
	 */
	static of(wait: string, until: number): Endings {
		for (const [key, endings] of Endings.known) {
			if (Date.now() > endings.until) Endings.known.delete(key);
		}
		const endings = Endings.known.get(wait) ?? new Endings(until);
		Endings.known.set(wait, endings);
		return endings;
	}

	/** Forgets a wait that is over. */
	static forget(wait: string): void {
		Endings.known.delete(wait);
	}
}

/** Does the work for each, ten at once; a piece of work that answers `false` is the last that is begun. */
export async function forEach<T>(
	all: Iterable<T>,
	work: (one: T) => Promise<boolean>,
): Promise<boolean> {
	const queue = [...all];
	let goesOn = true;
	const runNext = async () => {
		for (let next = queue.shift(); next !== undefined && goesOn; next = queue.shift()) {
			if (!(await work(next))) goesOn = false;
		}
	};
	await Promise.all(Array.from({ length: MOST_AT_ONCE }, runNext));
	return goesOn;
}

/**
 * Looks at the predictions that are not known to have ended, and no further than to the first that has not:
 * the reads of all looks grow with the number of predictions, not with its square.
 *
 * @param read answers its status, `undefined` where it cannot be read right now
 * @returns whether all have ended
 */
export async function haveAllEnded(
	endings: Endings,
	ids: string[],
	read: (id: string) => Promise<string | undefined>,
): Promise<boolean> {
	endings.lookedAt = Date.now();
	const open = ids.filter((id) => !endings.ids.has(id));
	return await forEach(open, async (id) => {
		const status = await read(id);
		const hasEnded = status !== undefined && isFinal(status);
		if (hasEnded) endings.ids.add(id);
		return hasEnded;
	});
}
