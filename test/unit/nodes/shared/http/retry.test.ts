import { parseRetryAfter, retrying } from '../../../../../nodes/shared/http/retry.ts';

const never = new AbortController().signal;

describe('parseRetryAfter', () => {
	const now = Date.parse('2026-01-01T00:00:00Z');

	it.each([
		['3', 3_000],
		['0', 0],
		['1.5', 1_500],
		['-4', 0],
		['Thu, 01 Jan 2026 00:00:20 GMT', 20_000],
		['Wed, 31 Dec 2025 23:00:00 GMT', 0],
		['soon', undefined],
		['', undefined],
		[undefined, undefined],
	])('reads %s as %s ms', (header, expected) => {
		expect(parseRetryAfter(header, now)).toBe(expected);
	});
});

describe('retrying', () => {
	const failed = (retryAfterMs: number, retryable = true) => ({
		error: new Error('busy'),
		retryable,
		retryAfterMs,
	});

	it('tries again until it succeeds', async () => {
		let tries = 0;
		const outcome = await retrying(
			() => Promise.resolve(++tries < 3 ? failed(0) : { value: tries }),
			never,
		);
		expect(outcome).toEqual({ value: 3 });
	});

	it('gives up after four tries and says so', async () => {
		let tries = 0;
		const outcome = await retrying(() => Promise.resolve((tries++, failed(0))), never);
		expect(tries).toBe(4);
		expect(outcome).toMatchObject({ tries: 4, error: { message: 'busy' } });
	});

	it('does not repeat what may not be repeated', async () => {
		const outcome = await retrying(() => Promise.resolve(failed(0, false)), never);
		expect(outcome).toMatchObject({ tries: 1 });
	});

	it('does not wait longer than a minute', async () => {
		const outcome = await retrying(() => Promise.resolve(failed(60_001)), never);
		expect(outcome).toMatchObject({ tries: 1, retryAfterMs: 60_001 });
	});

	it('waits as long as it was asked to', async () => {
		const times: number[] = [];
		await retrying(() => {
			times.push(performance.now());
			return Promise.resolve(times.length < 2 ? failed(300) : { value: 1 });
		}, never);
		expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(299);
	});

	it('stops waiting when it is aborted', async () => {
		const stop = new AbortController();
		const waiting = retrying(() => Promise.resolve(failed(59_000)), stop.signal);
		stop.abort(new Error('stopped'));
		await expect(waiting).rejects.toThrow('stopped');
	});
});
