import { setTimeout as sleep } from 'node:timers/promises';

import { Inquiries, Turns } from '../../../../nodes/Connecte/inquiries.ts';

const never = async () => await new Promise<never>(() => undefined);
const wait = async (ms: number) => (await sleep(ms), 'answer');

describe('Turns', () => {
	it('lets eight work at once, in the order they came', async () => {
		const turns = new Turns();
		const order: number[] = [];
		let underWay = 0;
		let most = 0;
		const work = async (index: number) => {
			expect(await turns.begin()).toBe(true);
			order.push(index);
			most = Math.max(most, ++underWay);
			await sleep(5);
			underWay--;
			turns.end();
		};
		await Promise.all(Array.from({ length: 50 }, (_, index) => work(index)));
		expect(most).toBe(8);
		expect(order).toEqual([...order].sort((one, other) => one - other));
		expect(turns.isIdle).toBe(true);
	});

	it('loses no turn where some give up waiting', async () => {
		const turns = new Turns();
		for (let count = 0; count < 8; count++) await turns.begin();
		let isHopeless = false;
		const impatient = [1, 2, 3].map(() => turns.begin(() => isHopeless));
		const patient = turns.begin();
		isHopeless = true;
		expect(await Promise.all(impatient)).toEqual([false, false, false]);
		turns.end();
		expect(await patient).toBe(true);
		for (let count = 0; count < 8; count++) turns.end();
		expect(turns.isIdle).toBe(true);
	});
});

describe('Inquiries', () => {
	it('give the answer', async () => {
		const inquiries = new Inquiries(async () => await wait(1));
		expect(await inquiries.ask(() => wait(1))).toBe('answer');
		expect(inquiries.isIdle).toBe(true);
	});

	it('give nothing where the question fails', async () => {
		const failing = async () => await Promise.reject(new Error('no'));
		expect(await new Inquiries(async () => await wait(1)).ask(failing)).toBeUndefined();
	});

	it('answer hundreds, though together they take longer than one may', async () => {
		const inquiries = new Inquiries(async () => await wait(1));
		const begun = Date.now();
		const questions = Array.from({ length: 90 }, () => inquiries.ask(() => wait(400)));
		expect(new Set(await Promise.all(questions))).toEqual(new Set(['answer']));
		expect(Date.now() - begun).toBeGreaterThan(4_000);
	}, 20_000);

	it('are given up within 4.5 s where nobody answers, however many they are', async () => {
		const inquiries = new Inquiries(async () => await wait(1));
		const signals: AbortSignal[] = [];
		const silent = async (signal: AbortSignal) => (signals.push(signal), await never());
		const begun = Date.now();
		const questions = Array.from({ length: 40 }, () => inquiries.ask(silent));
		expect(new Set(await Promise.all(questions))).toEqual(new Set([undefined]));
		expect(Date.now() - begun).toBeLessThan(4_500);
		expect(signals.every(({ aborted }) => aborted)).toBe(true);
		expect(inquiries.isIdle).toBe(true);
		expect(await inquiries.ask(() => wait(1))).toBe('answer');
	}, 20_000);

	it('have longer where n8n is busy', async () => {
		const idle = new Inquiries(async () => await wait(1));
		const busy = new Inquiries(async () => await wait(200));
		const question = () => wait(5_000);
		const answers = [idle.ask(question), busy.ask(question)];
		expect(await Promise.all(answers)).toEqual([undefined, 'answer']);
	}, 20_000);
});
