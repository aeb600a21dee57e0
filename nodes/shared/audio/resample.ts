import type { ChannelChoice } from './pcm';

/** Samples to be read once: mono, of 16 bits, little-endian. */
export interface SampleSource {
	/** Up to `samples` samples; none at the end. */
	read: (samples: number, channel: ChannelChoice) => Promise<Buffer>;
	/** Passes over `samples` samples and returns how many there were. */
	skip: (samples: number) => Promise<number>;
}

const BYTES_PER_SAMPLE = 2;
/** Zero crossings of the filter on each side: more make it steeper. */
const CROSSINGS = 24;
const STEPS_PER_CROSSING = 512;
/** Weights are kept for so many places; rates that have more are odd enough to take longer. */
const MOST_PHASES = 1_024;
/** Where the filter begins to close, as a part of the narrower band: it is shut by that band's end. */
const PASS_BAND = 0.94;

/**
 * A source at another sample rate, by a filter of windowed sinc that lets through what both rates can
 * hold: https://ccrma.stanford.edu/~jos/resample/
 */
export class Resampler implements SampleSource {
	/** The filter's band as a part of the source's. */
	private readonly band: number;

	/** How many samples of the source on each side a sample depends on. */
	private readonly reach: number;

	/** By where between two samples of the source a sample lies; common rates have few such places. */
	private readonly weights = new Map<number, Float64Array>();

	private held = new Int16Array(0);

	/** The number of the first sample held, in the source. */
	private heldFrom = 0;

	/** How many samples the source has, once that is known. */
	private sourceLength = Infinity;

	/** The number of the next sample to be put out. */
	private next = 0;

	/**
	 * @param from rate of the source, in Hz
	 * @param to rate wanted, in Hz
	 */
	constructor(
		private readonly source: SampleSource,
		private readonly from: number,
		private readonly to: number,
	) {
		this.band = PASS_BAND * Math.min(1, to / from);
		this.reach = Math.ceil(CROSSINGS / this.band);
	}

	async read(samples: number, channel: ChannelChoice): Promise<Buffer> {
		const lastAt = this.timeOf(this.next + samples - 1);
		await this.hold(Math.floor(lastAt) + this.reach + 1, channel);
		const count = Math.max(0, Math.min(samples, this.length - this.next));
		const out = Buffer.allocUnsafe(count * BYTES_PER_SAMPLE);
		for (let index = 0; index < count; index++) {
			const value = Math.round(this.valueOf(this.next + index));
			out.writeInt16LE(Math.max(-32_768, Math.min(32_767, value)), index * BYTES_PER_SAMPLE);
		}
		await this.advance(count);
		return out;
	}

	async skip(samples: number): Promise<number> {
		await this.advance(samples);
		const beyond = Math.max(0, this.next - this.length);
		this.next -= beyond;
		return samples - beyond;
	}

	/** Reads on until everything before the sample `end` of the source is held, or it has ended. */
	private async hold(end: number, channel: ChannelChoice): Promise<void> {
		for (let from = this.heldEnd; from < Math.min(end, this.sourceLength); from = this.heldEnd) {
			const bytes = await this.source.read(end - from, channel);
			if (bytes.length === 0) this.sourceLength = from;
			const grown = new Int16Array(this.held.length + bytes.length / BYTES_PER_SAMPLE);
			grown.set(this.held);
			for (let index = this.held.length, at = 0; index < grown.length; index++) {
				grown[index] = bytes.readInt16LE(at);
				at += BYTES_PER_SAMPLE;
			}
			this.held = grown;
		}
	}

	/** How many samples there are in all; endless until that is known. */
	private get length(): number {
		return Math.ceil((this.sourceLength * this.to) / this.from);
	}

	/** Where a sample lies in the source, in samples of the source. */
	private timeOf(sample: number): number {
		return (sample * this.from) / this.to;
	}

	private get heldEnd(): number {
		return this.heldFrom + this.held.length;
	}

	/** Goes on by `samples` samples, and lets go of those of the source that are not needed any more. */
	private async advance(samples: number): Promise<void> {
		this.next += samples;
		const needed = Math.max(0, Math.floor(this.timeOf(this.next)) - this.reach);
		const passed = needed - this.heldEnd;
		this.held = this.held.slice(Math.max(0, needed - this.heldFrom));
		this.heldFrom = Math.max(this.heldFrom, needed);
		if (passed <= 0) return;
		const skipped = await this.source.skip(passed);
		if (skipped < passed) this.sourceLength = needed - passed + skipped;
	}

	private valueOf(sample: number): number {
		const weights = this.weightsOf(sample);
		const offset = Math.floor(this.timeOf(sample)) - this.reach - this.heldFrom;
		const last = Math.min(weights.length, this.held.length - offset);
		let sum = 0;
		for (let index = Math.max(0, -offset); index < last; index++) {
			sum += (this.held[offset + index] ?? 0) * (weights[index] ?? 0);
		}
		return sum;
	}

	/** How much each sample of the source from `reach` before a sample to `reach` after it counts. */
	private weightsOf(sample: number): Float64Array {
		const phase = (sample * this.from) % this.to;
		const known = this.weights.get(phase);
		if (known) return known;
		const weights = Float64Array.from(
			{ length: 2 * this.reach + 1 },
			(_, index) => this.band * filterAt((phase / this.to + this.reach - index) * this.band),
		);
		if (this.weights.size < MOST_PHASES) this.weights.set(phase, weights);
		return weights;
	}
}

/** The filter `crossings` zero crossings from its middle, between two steps of the table. */
function filterAt(crossings: number): number {
	const at = Math.abs(crossings) * STEPS_PER_CROSSING;
	const step = Math.floor(at);
	const low = FILTER[step] ?? 0;
	return low + (at - step) * ((FILTER[step + 1] ?? 0) - low);
}

/** One side of a sinc in a Blackman window. */
const FILTER = Float64Array.from({ length: CROSSINGS * STEPS_PER_CROSSING + 1 }, (_, step) => {
	const x = (Math.PI * step) / STEPS_PER_CROSSING;
	const sinc = step === 0 ? 1 : Math.sin(x) / x;
	const w = x / CROSSINGS;
	return sinc * (0.42 + 0.5 * Math.cos(w) + 0.08 * Math.cos(2 * w));
});
