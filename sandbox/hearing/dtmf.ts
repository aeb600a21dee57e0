/** The eight tones of a telephone keypad in Hz, and the key where a row and a column meet. */
export const ROWS = [697, 770, 852, 941] as const;
export const COLUMNS = [1209, 1336, 1477, 1633] as const;
export const KEYS = ['123A', '456B', '789C', '*0#D'] as const;

const WORDS: Readonly<Record<string, string>> = {
	'0': 'zero',
	'1': 'one',
	'2': 'two',
	'3': 'three',
	'4': 'four',
	'5': 'five',
	'6': 'six',
	'7': 'seven',
	'8': 'eight',
	'9': 'nine',
	'*': 'star',
	'#': 'pound',
	A: 'alpha',
	B: 'bravo',
	C: 'charlie',
	D: 'delta',
};

/** A key that was heard as a spoken word; times in seconds from the start of the audio. */
export interface HeardWord {
	text: string;
	start: number;
	end: number;
	/** Root mean square of the samples, 0 to 1. */
	level: number;
	/** The share of the sound's energy that lies in the two tones, 0 to 1. */
	purity: number;
}

const HOP_SECONDS = 0.01;
const WINDOW_HOPS = 2;
const QUIETEST_LEVEL = 0.004;
/** Also the share of a window that a tone must fill to be recognised in it. */
const LOWEST_PURITY = 0.7;
/** How much of the outermost window a word fills: at least that share, at most a hop more. */
const EDGE_SHARE = LOWEST_PURITY + 0.5 / WINDOW_HOPS;
const SHORTEST_WORD_HOPS = 3;

interface Frame {
	key: string;
	level: number;
	purity: number;
}

interface Run {
	key: string;
	startFrame: number;
	frames: Frame[];
}

/** Hears DTMF keys in the samples of one channel as they arrive. */
export class DtmfListener {
	private readonly hop: number;
	private pending = new Float64Array(0);
	private frameIndex = 0;
	private run: Run | undefined;
	private readonly sampleRate: number;

	constructor(sampleRate: number) {
		if (!(sampleRate >= 4_000)) throw new RangeError('Sample rates below 4 kHz hold no DTMF');
		this.sampleRate = sampleRate;
		this.hop = Math.round(sampleRate * HOP_SECONDS);
	}

	/** Whether a key is sounding at the end of what was pushed. */
	get isSpeaking(): boolean {
		return this.run !== undefined && this.run.frames.length >= SHORTEST_WORD_HOPS;
	}

	/** The key sounding at the end of what was pushed, as a word so far. */
	get speaking(): HeardWord | undefined {
		return this.run && this.isSpeaking ? this.wordOf(this.run) : undefined;
	}

	/** Listens to further samples, each -1 to 1, and returns the words that ended in them. */
	push(samples: ArrayLike<number>): HeardWord[] {
		const joined = new Float64Array(this.pending.length + samples.length);
		joined.set(this.pending);
		joined.set(samples, this.pending.length);
		const size = this.hop * WINDOW_HOPS;
		const words: HeardWord[] = [];
		let start = 0;
		for (; start + size <= joined.length; start += this.hop) {
			const word = this.hear(frameOf(joined.subarray(start, start + size), this.sampleRate));
			if (word) words.push(word);
		}
		this.pending = joined.slice(start);
		return words;
	}

	/** The word that was still sounding when the audio ended. */
	end(): HeardWord[] {
		const word = this.hear(undefined);
		return word ? [word] : [];
	}

	private hear(frame: Frame | undefined): HeardWord | undefined {
		const { run } = this;
		let word: HeardWord | undefined;
		if (run && run.key !== frame?.key) {
			if (run.frames.length >= SHORTEST_WORD_HOPS) word = this.wordOf(run);
			this.run = undefined;
		}
		if (frame) {
			this.run ??= { key: frame.key, startFrame: this.frameIndex, frames: [] };
			this.run.frames.push(frame);
		}
		this.frameIndex++;
		return word;
	}

	private wordOf({ key, startFrame, frames }: Run): HeardWord {
		const inner = frames.length > 2 ? frames.slice(1, -1) : frames;
		const mean = (value: (frame: Frame) => number) =>
			inner.reduce((sum, frame) => sum + value(frame), 0) / inner.length;
		const lastFrame = startFrame + frames.length - 1;
		// In whole samples, since a hop is not exactly HOP_SECONDS at every rate and that adds up.
		const seconds = (hops: number) => (hops * this.hop) / this.sampleRate;
		return {
			text: WORDS[key] ?? key,
			start: seconds(startFrame + WINDOW_HOPS * (1 - EDGE_SHARE)),
			end: seconds(lastFrame + WINDOW_HOPS * EDGE_SHARE),
			level: mean(({ level }) => level),
			purity: mean(({ purity }) => purity),
		};
	}
}

function frameOf(samples: Float64Array, sampleRate: number): Frame | undefined {
	const energy = samples.reduce((sum, sample) => sum + sample * sample, 0);
	const level = Math.sqrt(energy / samples.length);
	if (level < QUIETEST_LEVEL) return undefined;
	const row = strongest(samples, sampleRate, ROWS);
	const column = strongest(samples, sampleRate, COLUMNS);
	// The tones leak into each other in so short a window, so the share can come out above 1.
	const share = (2 * (row.power + column.power)) / (samples.length * energy);
	const purity = share > 1 ? 1 / share : share;
	const key = KEYS[row.index]?.[column.index];
	const isBalanced = row.power > column.power / 20 && column.power > row.power / 20;
	return key && isBalanced && purity >= LOWEST_PURITY ? { key, level, purity } : undefined;
}

function strongest(samples: Float64Array, sampleRate: number, tones: readonly number[]) {
	const powers = tones.map((tone) => goertzel(samples, tone / sampleRate));
	const power = Math.max(...powers);
	return { index: powers.indexOf(power), power };
}

/** The squared magnitude of one frequency (in cycles a sample) by Goertzel's algorithm. */
function goertzel(samples: Float64Array, frequency: number): number {
	const coefficient = 2 * Math.cos(2 * Math.PI * frequency);
	let previous = 0;
	let beforePrevious = 0;
	for (const sample of samples) {
		const current = sample + coefficient * previous - beforePrevious;
		beforePrevious = previous;
		previous = current;
	}
	return previous ** 2 + beforePrevious ** 2 - coefficient * previous * beforePrevious;
}
