import { randomUUID } from 'node:crypto';

import { RunStart } from '../../../../../nodes/Connecte/callback/runStart.ts';

const forEver = new AbortController().signal;

let event: string;
beforeEach(() => {
	event = randomUUID();
});

/** The start of the event's run, where the caller is the one to begin it. */
function begun(now?: number): RunStart {
	const start = RunStart.of(event, now);
	if ('others' in start) throw new Error('Another call is starting it');
	return start.mine;
}

const others = (now?: number): RunStart | undefined => {
	const start = RunStart.of(event, now);
	return 'others' in start ? start.others : undefined;
};

it.each([true, false])('tells the other calls how it ended (%s)', async (isStarted) => {
	const mine = begun();
	const waiting = [others(), others()].map(async (start) => await start?.result(forEver));
	expect(mine.end(isStarted)).toBe(true);
	expect(await Promise.all(waiting)).toEqual([isStarted, isStarted]);
	expect(others()).toBeUndefined();
});

it('does not change how it ended', async () => {
	const mine = begun();
	const waiting = others()?.result(forEver);
	mine.end(true);
	expect(mine.end(false)).toBe(false);
	expect(await waiting).toBe(true);
});

it('says nothing to who cannot wait any longer', async () => {
	begun();
	expect(await others()?.result(AbortSignal.abort())).toBeUndefined();
});

it('gives way after half a minute without a word, and leaves the next one alone', () => {
	const first = begun(0);
	expect(others(29_999)).toBe(first);
	const second = begun(30_000);
	first.end(false);
	expect(others(30_001)).toBe(second);
});
