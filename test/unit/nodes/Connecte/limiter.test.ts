import { setTimeout as sleep } from 'node:timers/promises';

import { Limiter } from '../../../../nodes/Connecte/limiter.ts';

const never = async () => await new Promise<never>(() => undefined);

it('lets as many work at once as it is told, in the order they came', async () => {
	const limiter = new Limiter(8);
	const order: number[] = [];
	let underWay = 0;
	let most = 0;
	const work = async (index: number) => {
		order.push(index);
		most = Math.max(most, ++underWay);
		await sleep(5);
		underWay--;
		return index;
	};
	const indexes = Array.from({ length: 50 }, (_, index) => index);
	const { signal } = new AbortController();
	expect(await Promise.all(indexes.map((index) => limiter.run(() => work(index), signal)))).toEqual(
		indexes,
	);
	expect(most).toBe(8);
	expect(order).toEqual(indexes);
	expect(limiter.isIdle).toBe(true);
});

it('loses no slot where work fails, or is given up before or after it has begun', async () => {
	const limiter = new Limiter(2);
	const end = new AbortController();
	const givenUp = Array.from({ length: 6 }, () => limiter.run(never, end.signal));
	const patient = limiter.run(() => Promise.resolve('done'), new AbortController().signal);
	const failing = limiter.run(() => Promise.reject(new Error('no')), new AbortController().signal);
	failing.catch(() => undefined);
	end.abort(new Error('too long'));
	for (const one of await Promise.allSettled(givenUp)) {
		expect(one).toMatchObject({ status: 'rejected', reason: { message: 'too long' } });
	}
	expect(await patient).toBe('done');
	await expect(failing).rejects.toThrow('no');
	expect(limiter.isIdle).toBe(true);
	await expect(limiter.run(never, end.signal)).rejects.toThrow('too long');
});
