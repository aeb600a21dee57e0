import wavefile from 'wavefile';

import { DtmfListener, type HeardWord } from './dtmf.ts';

export interface HeardAudio {
	/** In seconds. */
	duration: number;
	/** The words of each channel, in order of time. */
	channels: HeardWord[][];
}

/** Hears the DTMF keys in a WAV file. @throws Error where it is none that can be decoded */
export function hearWav(bytes: Buffer): HeardAudio {
	const file = new wavefile.WaveFile(bytes);
	file.toBitDepth('64');
	const { numChannels, sampleRate } = file.fmt as { numChannels: number; sampleRate: number };
	const samples: unknown = file.getSamples(false, Float64Array);
	const channels = (numChannels === 1 ? [samples] : samples) as Float64Array[];
	return {
		duration: (channels[0]?.length ?? 0) / sampleRate,
		channels: channels.map((channel) => {
			const listener = new DtmfListener(sampleRate);
			return [...listener.push(channel), ...listener.end()];
		}),
	};
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
