import { Timeline } from '../../../../../nodes/CloudflareWorkersAi/flux/timeline.ts';

const RATE = 1_000;

/** Sends so many seconds of the recording. */
function record(timeline: Timeline, seconds: number): void {
	timeline.addSent(seconds * RATE);
	timeline.addRecorded(seconds * RATE);
}

function bridge(timeline: Timeline, seconds: number): void {
	timeline.addBridge(seconds * RATE);
	timeline.addSent(seconds * RATE);
}

describe('Timeline', () => {
	it('carries times of a later session on from its start', () => {
		const timeline = new Timeline(RATE, 60);
		record(timeline, 2);
		expect(timeline.timeOf(1.5)).toBe(61.5);
	});

	it('takes silence that was put in out of the times after it', () => {
		const timeline = new Timeline(RATE, 0);
		record(timeline, 2);
		bridge(timeline, 1);
		bridge(timeline, 0.5);
		record(timeline, 2);
		bridge(timeline, 3);
		record(timeline, 1);
		// Before, within, and after the first silence; within and after the second.
		const times = [1, 2.7, 4, 6.5, 9].map((seconds) => timeline.timeOf(seconds));
		expect(times).toEqual([1, 2, 2.5, 4, 4.5]);
		expect([timeline.sent, timeline.recorded]).toEqual([9.5, 5]);
	});

	it('knows no time beyond the end of the recording once it has ended', () => {
		const timeline = new Timeline(RATE, 10);
		record(timeline, 2);
		expect([timeline.hasEnded, timeline.recordingEnd]).toEqual([false, Infinity]);
		expect(timeline.timeOf(3)).toBe(13);
		timeline.endRecording();
		timeline.addSent(5 * RATE);
		expect([timeline.hasEnded, timeline.recordingEnd, timeline.sent]).toEqual([true, 2, 7]);
		expect(timeline.timeOf(3)).toBe(12);
	});

	it('counts a last frame that is filled up with silence as audio, not as recording', () => {
		const timeline = new Timeline(RATE, 0);
		timeline.addSent(80);
		timeline.addRecorded(30);
		timeline.endRecording();
		expect([timeline.recordingEnd, timeline.recorded]).toEqual([0.08, 0.03]);
		expect(timeline.timeOf(0.08)).toBe(0.03);
	});
});
