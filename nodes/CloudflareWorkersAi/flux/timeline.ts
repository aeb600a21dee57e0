/**
 * What a session has been sent, and where it belongs in the recording. A session's audio is the
 * recording from some time on, with silence in it where the source was late and after its end. Lengths
 * are in samples where they are added, and in seconds everywhere else.
 */
export class Timeline {
	private sentSamples = 0;

	private recordingSamples = 0;

	private endSamples: number | undefined;

	/** Silence put in where the source was late: where it begins, and how long it is, in samples. */
	private readonly bridges: Array<{ at: number; length: number }> = [];

	/** @param startSeconds the time of the recording at which the session begins */
	constructor(
		private readonly sampleRate: number,
		private readonly startSeconds: number,
	) {}

	/** Audio of any kind was sent. */
	addSent(samples: number): void {
		this.sentSamples += samples;
	}

	/** So much of what was sent belongs to the recording. */
	addRecorded(samples: number): void {
		this.recordingSamples += samples;
	}

	/** The samples sent next are silence while the recording is late. */
	addBridge(samples: number): void {
		const last = this.bridges.at(-1);
		if (last && last.at + last.length === this.sentSamples) last.length += samples;
		else this.bridges.push({ at: this.sentSamples, length: samples });
	}

	/** The recording has been sent to its end; from now on there is silence. */
	endRecording(): void {
		this.endSamples = this.sentSamples;
	}

	get hasEnded(): boolean {
		return this.endSamples !== undefined;
	}

	/** All audio sent. */
	get sent(): number {
		return this.secondsOf(this.sentSamples);
	}

	/** The session's audio up to the end of the recording; endless until that is known. */
	get recordingEnd(): number {
		return this.endSamples === undefined ? Infinity : this.secondsOf(this.endSamples);
	}

	/** What was sent of the recording, which is shorter than the audio by the silence in it. */
	get recorded(): number {
		return this.secondsOf(this.recordingSamples);
	}

	secondsOf(samples: number): number {
		return samples / this.sampleRate;
	}

	/** A time of the session's audio as a time of the recording, never beyond its end. */
	timeOf(sessionSeconds: number): number {
		let bridged = 0;
		for (const { at, length } of this.bridges) {
			const within = sessionSeconds - this.secondsOf(at);
			bridged += Math.max(0, Math.min(within, this.secondsOf(length)));
		}
		const seconds = sessionSeconds - bridged;
		return this.startSeconds + (this.hasEnded ? Math.min(seconds, this.recorded) : seconds);
	}
}
