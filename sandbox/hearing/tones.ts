import { COLUMNS, KEYS, ROWS } from './dtmf.ts';
import { encodeWav, type BitDepth } from './encodeWav.ts';

/** Keys to sound one after another; a space is a pause of 0.7 s, which ends a phrase. */
export interface Phrase {
	keys: string;
	/** Peak of each of the two tones, 0 to 0.5. */
	level?: number;
	/** Where it begins, in seconds; default: where the one before ended. */
	start?: number;
}

export interface DtmfOptions {
	sampleRate?: number;
	bitDepth?: BitDepth;
	/** One list of phrases a channel. */
	channels: Phrase[][];
	/** Length of the file in seconds where it is longer than its phrases. */
	duration?: number;
}

const KEY_SECONDS = 0.12;
const GAP_SECONDS = 0.08;
const PAUSE_SECONDS = 0.7;
const LEAD_SECONDS = 0.1;

/** A WAV file of DTMF keys, which the sandbox hears as words. */
export function makeDtmfWav(options: DtmfOptions): Buffer {
	const { sampleRate = 16_000, bitDepth = '16', channels, duration = 0 } = options;
	const sounds = channels.map((phrases) => layOut(phrases));
	const ends = sounds.flat().map(({ end }) => end + LEAD_SECONDS);
	const length = Math.ceil(Math.max(duration, LEAD_SECONDS, ...ends) * sampleRate);
	const samples = sounds.map((list) => {
		const channel = new Float64Array(length);
		for (const sound of list) render(channel, sound, sampleRate);
		return channel;
	});
	return encodeWav(samples, sampleRate, bitDepth);
}

interface Sound {
	key: string;
	level: number;
	start: number;
	end: number;
}

function layOut(phrases: Phrase[]): Sound[] {
	const sounds: Sound[] = [];
	let time = LEAD_SECONDS;
	for (const { keys, level = 0.3, start = time } of phrases) {
		time = start;
		for (const key of keys) {
			if (key === ' ') {
				time += PAUSE_SECONDS;
				continue;
			}
			sounds.push({ key, level, start: time, end: time + KEY_SECONDS });
			time += KEY_SECONDS + GAP_SECONDS;
		}
	}
	return sounds;
}

function render(
	channel: Float64Array,
	{ key, level, start, end }: Sound,
	sampleRate: number,
): void {
	const row = KEYS.findIndex((keys) => keys.includes(key));
	if (row < 0) throw new RangeError(`'${key}' is no DTMF key`);
	const low = ROWS[row] ?? 0;
	const high = COLUMNS[KEYS[row]?.indexOf(key) ?? 0] ?? 0;
	const first = Math.round(start * sampleRate);
	for (let index = first; index < Math.round(end * sampleRate); index++) {
		const angle = (2 * Math.PI * (index - first)) / sampleRate;
		channel[index] =
			(channel[index] ?? 0) + level * (Math.sin(low * angle) + Math.sin(high * angle));
	}
}
