/**
 * Decides when the next frame of audio may be sent, so that a session runs at `speed` seconds of
 * audio a second. A frame is due by a clock that starts with the first one, so delays do not add up.
 * After a delay frames follow one another faster, but never more of them within a second than fit
 * into one at this speed (a frame that has begun counts).
 */
export class Pace {
	private readonly intervalMs: number;

	/** Times of the last frames sent, as many as a second holds, in a ring. */
	private readonly recent: number[];

	private startedAt = 0;

	private sent = 0;

	/**
	 * @param speed seconds of audio a second
	 * @param frameSeconds the length of a frame
	 */
	constructor(speed: number, frameSeconds: number) {
		this.intervalMs = (frameSeconds * 1_000) / speed;
		// A hair less than a whole number of frames must not count as one frame fewer.
		const framesPerSecond = Math.floor(1_000 / this.intervalMs + 1e-9);
		this.recent = Array.from({ length: framesPerSecond + 1 }, () => -Infinity);
	}

	/** Milliseconds to wait at the time `now` before the next frame; 0 or less where it is due. */
	wait(now: number): number {
		if (this.sent === 0) return 0;
		const due = this.startedAt + this.sent * this.intervalMs;
		const aSecondAfter = (this.recent[this.sent % this.recent.length] ?? -Infinity) + 1_000;
		return Math.max(due, aSecondAfter) - now;
	}

	/** A frame was sent at the time `now`. */
	count(now: number): void {
		if (this.sent === 0) this.startedAt = now;
		this.recent[this.sent % this.recent.length] = now;
		this.sent++;
	}
}
