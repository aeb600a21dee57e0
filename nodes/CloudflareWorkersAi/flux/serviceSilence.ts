/** At most so much counts between two looks at the clock: else this process itself did not run. */
const LONGEST_STEP_MS = 500;

/** For how long the service has said nothing, in time and in audio that it was sent meanwhile. */
export class ServiceSilence {
	private lastCountAt = performance.now();

	/** Milliseconds since its last message, without time in which this process did not run. */
	ms = 0;

	/** Seconds of audio sent since its last message. */
	audioSeconds = 0;

	/** The service spoke, or had no reason to. */
	reset(): void {
		this.ms = 0;
		this.audioSeconds = 0;
	}

	addAudio(seconds: number): void {
		this.audioSeconds += seconds;
	}

	/** Counts the time until now: messages that wait to be read are no silence. */
	countTime(): void {
		const now = performance.now();
		this.ms += Math.min(now - this.lastCountAt, LONGEST_STEP_MS);
		this.lastCountAt = now;
	}

	/** Counts from now on. */
	startClock(): void {
		this.lastCountAt = performance.now();
	}
}
