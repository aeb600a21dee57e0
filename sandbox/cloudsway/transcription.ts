import { phrasesOf } from '../hearing/wav.ts';
import type { HeardWord } from '../hearing/dtmf.ts';
import { Refusal, type ReceivedFile } from './form.ts';
import { heardIn } from './hearing.ts';
import type { KnownSpeaker, Parameters } from './parameters.ts';

interface SpokenWord extends HeardWord {
	channel: number;
}

/** What was heard in a file; times in seconds. */
export interface Transcription {
	text: string;
	duration: number;
	words: SpokenWord[];
	segments: Segment[];
}

export interface Segment {
	text: string;
	start: number;
	end: number;
	speaker: string;
	/** Of each word of the text, and their mean. */
	logprobs: number[];
	logprob: number;
}

/**
 * Hears a recording. Speakers are told apart by channel where there are several, else by loudness:
 * words within a factor of 1.5 belong together. A known speaker has the loudness of its sample.
 * Where nothing can be heard the text names format, size and hash of what arrived.
 */
export async function transcribe(
	file: ReceivedFile,
	parameters: Parameters,
): Promise<Transcription> {
	const heard = file.bytes && (await heardIn(file.bytes));
	if (file.extension === 'wav' && file.bytes && !heard) {
		throw new Refusal(400, 'The audio file could not be decoded: it is no WAV file');
	}
	const isSilent = file.extension !== 'wav' && heard?.channels.flat().length === 0;
	if (!heard || isSilent) {
		const text = `${file.extension} file of ${file.size} bytes with sha256 ${file.sha256}`;
		const logprobs = text.split(' ').map(() => 0);
		const segment = { text, start: 0, end: 1, speaker: 'A', logprobs, logprob: 0 };
		return { text, duration: heard?.duration ?? 1, words: [], segments: [segment] };
	}
	const { duration, channels } = heard;
	const words = channels
		.flatMap((list, channel) => list.map((word) => ({ ...word, channel })))
		.sort((a, b) => a.start - b.start);
	const speakerOf = speakers(words, channels.length, parameters.speakers);
	const segments = channels
		.flatMap((_, channel) =>
			phrasesOf(words.filter((word) => word.channel === channel)).flatMap((phrase) =>
				splitWhere(phrase, (before, word) => speakerOf(before) !== speakerOf(word)),
			),
		)
		.sort((a, b) => (a[0]?.start ?? 0) - (b[0]?.start ?? 0))
		.map((phrase) => ({
			text: phrase.map(({ text }) => text).join(' '),
			start: rounded(phrase[0]?.start ?? 0),
			end: rounded(phrase.at(-1)?.end ?? 0),
			speaker: phrase[0] ? speakerOf(phrase[0]) : 'A',
			logprobs: phrase.map(logprobOf),
			logprob: phrase.reduce((sum, word) => sum + logprobOf(word), 0) / phrase.length,
		}));
	return { text: segments.map(({ text }) => text).join(' '), duration, words, segments };
}

/** How sure the hearing is of a word, from how pure its two tones are. */
function logprobOf({ purity }: HeardWord): number {
	return Math.min(0, Math.log(purity));
}

export function rounded(seconds: number): number {
	return Math.round(seconds * 1_000) / 1_000;
}

function splitWhere<T>(list: T[], isCut: (before: T, item: T) => boolean): T[][] {
	const parts: T[][] = [];
	for (const [index, item] of list.entries()) {
		const before = list[index - 1];
		const part = parts.at(-1);
		if (part && before !== undefined && !isCut(before, item)) part.push(item);
		else parts.push([item]);
	}
	return parts;
}

function speakers(
	words: SpokenWord[],
	channelCount: number,
	known: KnownSpeaker[],
): (word: SpokenWord) => string {
	const voices: Array<{ level: number; channel: number; name: string }> = [];
	const isSame = (a: number, b: number) => a / b < 1.5 && b / a < 1.5;
	let unknown = 0;
	const voiceOf = ({ level, channel }: SpokenWord) => {
		const found = voices.find((voice) =>
			channelCount > 1 ? voice.channel === channel : isSame(voice.level, level),
		);
		if (found) return found.name;
		const taken = voices.map(({ name }) => name);
		const name =
			known.find((speaker) => isSame(speaker.level ?? 0, level) && !taken.includes(speaker.name))
				?.name ?? String.fromCharCode(65 + unknown++);
		voices.push({ level, channel, name });
		return name;
	};
	for (const word of words) voiceOf(word);
	return voiceOf;
}
