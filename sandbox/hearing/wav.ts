import { decodeWav } from './decodeWav.ts';
import { DtmfListener, type HeardWord } from './dtmf.ts';

export interface HeardAudio {
	/** In seconds. */
	duration: number;
	/** The words of each channel, in order of time. */
	channels: HeardWord[][];
}

/** Hears the DTMF keys in a WAV file. @throws Error where it is none that can be decoded */
export function hearWav(bytes: Buffer): HeardAudio {
	const { sampleRate, channelCount, frameCount, read } = decodeWav(bytes);
	const listeners = Array.from({ length: channelCount }, () => new DtmfListener(sampleRate));
	const channels = listeners.map((): HeardWord[] => []);
	for (let start = 0; start < frameCount; start += sampleRate) {
		for (const [channel, samples] of read(start, sampleRate).entries()) {
			channels[channel]?.push(...(listeners[channel]?.push(samples) ?? []));
		}
	}
	for (const [channel, listener] of listeners.entries()) channels[channel]?.push(...listener.end());
	return { duration: frameCount / sampleRate, channels };
}

/** Words in runs without a pause of more than 0.6 s. */
export function phrasesOf<Word extends HeardWord>(words: Word[]): Word[][] {
	const phrases: Word[][] = [];
	for (const word of words) {
		const phrase = phrases.at(-1);
		const last = phrase?.at(-1);
		if (phrase && last && word.start - last.end <= 0.6) phrase.push(word);
		else phrases.push([word]);
	}
	return phrases;
}
