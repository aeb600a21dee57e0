import { sleep } from 'n8n-workflow';

const SLICE_MS = 250;

/**
 * Settles as `work` does, or rejects with the signal's reason as soon as it is aborted. The work
 * itself is not stopped; whoever started it closes what it holds.
 */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
	let onAbort: () => void = () => undefined;
	const aborted = new Promise<never>((_, reject) => {
		onAbort = () => reject(signal.reason as Error);
		if (signal.aborted) onAbort();
		else signal.addEventListener('abort', onAbort, { once: true });
	});
	try {
		return await Promise.race([work, aborted]);
	} finally {
		signal.removeEventListener('abort', onAbort);
	}
}

/**
 * Waits `ms` milliseconds, or rejects with the signal's reason as soon as it is aborted. Sleeps in
 * slices, so that no timer outlives the wait by more than a slice.
 */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
	const end = performance.now() + ms;
	for (let left = ms; left > 0; left = end - performance.now()) {
		await abortable(sleep(Math.min(left, SLICE_MS)), signal);
	}
	signal.throwIfAborted();
}
