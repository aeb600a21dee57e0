import { Reconnects } from '../../../../../nodes/CloudflareWorkersAi/flux/reconnects.ts';

const error = new Error('lost');
const lost = { error };
const unreachable = { error, isUnreachable: true };

describe('Reconnects', () => {
	it('opens so many sessions in vain, waiting longer each time, and no more', () => {
		const reconnects = new Reconnects(3);
		const waits = [1, 2, 3].map(() => reconnects.waitAfter(lost, 0) ?? NaN);
		waits.forEach((wait, index) => {
			expect(wait).toBeGreaterThanOrEqual(500 * 2 ** index);
			expect(wait).toBeLessThanOrEqual(1_000 * 2 ** index);
		});
		expect(reconnects.waitAfter(lost, 0)).toBeUndefined();
		expect(reconnects.summary).toBe('Tried 4 times.');
	});

	it('counts from the last finished turn on: losses that were made good end nothing', () => {
		const reconnects = new Reconnects(1);
		for (let turn = 0; turn < 50; turn++) {
			expect(reconnects.waitAfter(lost, 0)).toBeDefined();
			reconnects.sessionOpened();
			reconnects.turnFinished();
		}
	});

	it('tries an address that has worked for 2 minutes in all, whatever the number allowed', () => {
		const reconnects = new Reconnects(1);
		reconnects.sessionOpened();
		let now = 1_000;
		let tries = 0;
		for (let wait = reconnects.waitAfter(lost, now); wait !== undefined; tries++) {
			now += wait;
			wait = reconnects.waitAfter(unreachable, now);
		}
		expect(now - 1_000).toBeGreaterThan(119_000);
		expect(now - 1_000).toBeLessThanOrEqual(121_000);
		expect(tries).toBeGreaterThan(10);
		expect(reconnects.summary).toContain('120 seconds');
	});

	it('begins a new outage after each session that came to be', () => {
		const reconnects = new Reconnects(1);
		reconnects.sessionOpened();
		expect(reconnects.waitAfter(unreachable, 0)).toBeDefined();
		expect(reconnects.waitAfter(unreachable, 119_000)).toBeDefined();
		reconnects.sessionOpened();
		expect(reconnects.waitAfter(unreachable, 200_000)).toBeDefined();
		expect(reconnects.waitAfter(unreachable, 300_000)).toBeDefined();
		expect(reconnects.waitAfter(unreachable, 320_001)).toBeUndefined();
	});

	it('gives up sooner on an address that never worked', () => {
		const reconnects = new Reconnects(1);
		expect(reconnects.waitAfter(unreachable, 0)).toBeDefined();
		expect(reconnects.waitAfter(unreachable, 1_000)).toBeUndefined();
	});

	it('waits as the service asks, but not for minutes', () => {
		expect(new Reconnects(1).waitAfter({ ...lost, retryAfterMs: 20_000 }, 0)).toBe(20_000);
		expect(new Reconnects(1).waitAfter({ ...lost, retryAfterMs: 90_000 }, 0)).toBeUndefined();
	});

	it.each([
		['none is allowed', new Reconnects(0), unreachable],
		['the next would end in the same way', new Reconnects(3), { error, isLasting: true }],
	])('opens no other session where %s', (_, reconnects, loss) => {
		reconnects.sessionOpened();
		expect(reconnects.waitAfter(loss, 0)).toBeUndefined();
		expect(reconnects.summary).toBe('');
	});
});
