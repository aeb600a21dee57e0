/** When frames of audio came in, to judge how they were paced. */
export class Arrivals {
	/** Milliseconds of a steady clock, and seconds of audio that had come before the frame. */
	private readonly times: number[] = [];
	private readonly positions: number[] = [];
	private total = 0;

	add(seconds: number, now = performance.now()): void {
		this.times.push(now);
		this.positions.push(this.total);
		this.total += seconds;
	}

	/** From the first frame to the last, in seconds. */
	get wallSeconds(): number {
		return ((this.times.at(-1) ?? 0) - (this.times[0] ?? 0)) / 1_000;
	}

	get audioSeconds(): number {
		return this.total;
	}

	/** The longest time without a frame between two, in milliseconds. */
	get longestGapMs(): number {
		let longest = 0;
		for (let index = 1; index < this.times.length; index++) {
			longest = Math.max(longest, (this.times[index] ?? 0) - (this.times[index - 1] ?? 0));
		}
		return longest;
	}

	/** The most audio that came within any one second, in seconds of audio. */
	get fastestSecond(): number {
		let most = 0;
		let first = 0;
		for (const [last, time] of this.times.entries()) {
			while (time - (this.times[first] ?? 0) >= 1_000) first++;
			const end = this.positions[last + 1] ?? this.total;
			most = Math.max(most, end - (this.positions[first] ?? 0));
		}
		return most;
	}

	/**
	 * How much later than due each frame came, in milliseconds, ascending. A frame is due when the
	 * audio before it has been played at `speed`; the clock is started so that none is early.
	 */
	lateness(speed: number): number[] {
		const offsets = this.times.map(
			(time, index) => time - ((this.positions[index] ?? 0) * 1_000) / speed,
		);
		const start = offsets.reduce((least, offset) => Math.min(least, offset), Infinity);
		return offsets.map((offset) => offset - start).sort((a, b) => a - b);
	}
}
