import fc from 'fast-check';

import { Pace } from '../../../../../nodes/CloudflareWorkersAi/flux/pacing.ts';

const FRAME_SECONDS = 0.08;

/** When the frames go out where each wait takes as much longer as `delays` say, in milliseconds. */
function run(speed: number, delays: number[]): number[] {
	const pace = new Pace(speed, FRAME_SECONDS);
	const times: number[] = [];
	let now = 5_000;
	for (const delay of delays) {
		now += Math.max(0, pace.wait(now)) + delay;
		pace.count(now);
		times.push(now);
	}
	return times;
}

/** The most frames within any second, its ends included. */
function mostInASecond(times: number[]): number {
	return times.reduce(
		(most, end, last) =>
			Math.max(most, last + 1 - times.findIndex((time) => time > end - 1_000 + 1e-6)),
		0,
	);
}

const speeds = fc.double({ min: 0.5, max: 4, noNaN: true });

describe('Pace', () => {
	it('keeps the speed exactly where nothing is late', () => {
		fc.assert(
			fc.property(speeds, (speed) => {
				const times = run(speed, Array<number>(200).fill(0));
				times.forEach((time, index) => {
					expect(time - 5_000).toBeCloseTo((index * FRAME_SECONDS * 1_000) / speed, 3);
				});
			}),
		);
	});

	it('never sends more within a second than the speed and a frame, whatever is late', () => {
		const delays = fc.array(fc.oneof({ weight: 9, arbitrary: fc.nat(3) }, fc.nat(3_000)), {
			minLength: 20,
			maxLength: 200,
		});
		fc.assert(
			fc.property(speeds, delays, (speed, late) => {
				const frames = mostInASecond(run(speed, late));
				expect(frames).toBeLessThanOrEqual(speed / FRAME_SECONDS + 1 + 1e-6);
			}),
		);
	});

	it('is never early', () => {
		fc.assert(
			fc.property(speeds, fc.array(fc.nat(500), { minLength: 2, maxLength: 60 }), (speed, late) => {
				const times = run(speed, late);
				times.forEach((time, index) => {
					const due = (times[0] ?? 0) + (index * FRAME_SECONDS * 1_000) / speed;
					expect(time).toBeGreaterThanOrEqual(due - 1e-6);
				});
			}),
		);
	});

	it('does not add up small delays, and makes up a long one', () => {
		const delays = [0, 300, ...Array<number>(800).fill(2)];
		const times = run(1.25, delays);
		const lateness = (index: number) =>
			(times[index] ?? 0) - (times[0] ?? 0) - (index * FRAME_SECONDS * 1_000) / 1.25;
		expect(lateness(1)).toBeCloseTo(300);
		expect(lateness(801)).toBeLessThan(5);
	});
});
