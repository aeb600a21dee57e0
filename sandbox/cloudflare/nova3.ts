import { createHash } from 'node:crypto';

import type { Exchange } from '../core/exchange.ts';
import type { HeardWord } from '../hearing/dtmf.ts';
import { hearRecording } from '../hearing/recording.ts';
import { phrasesOf, type HeardAudio } from '../hearing/wav.ts';
import { incomplete, invalid, Refusal } from './envelope.ts';

const SWITCHES = [
	'detect_language',
	'diarize',
	'punctuate',
	'smart_format',
	'paragraphs',
	'utterances',
	'numerals',
	'multichannel',
	'filler_words',
	'profanity_filter',
];
const TEXTS = ['language', 'keyterm', 'tags', 'queueRequest'];
/** A longer file is described, not heard. */
const MAX_HEARD_BYTES = 256 * 1024 * 1024;

/** The first bytes of the audio files that the model takes; `at` is where they stand. */
const FORMATS: ReadonlyArray<{ name: string; magic: number[]; at?: number }> = [
	{ name: 'wav', magic: [0x52, 0x49, 0x46, 0x46] },
	{ name: 'mp3', magic: [0x49, 0x44, 0x33] },
	{ name: 'mp3', magic: [0xff, 0xfb] },
	{ name: 'mp3', magic: [0xff, 0xf3] },
	{ name: 'mp3', magic: [0xff, 0xf2] },
	{ name: 'aac', magic: [0xff, 0xf1] },
	{ name: 'aac', magic: [0xff, 0xf9] },
	{ name: 'ogg', magic: [0x4f, 0x67, 0x67, 0x53] },
	{ name: 'flac', magic: [0x66, 0x4c, 0x61, 0x43] },
	{ name: 'webm', magic: [0x1a, 0x45, 0xdf, 0xa3] },
	{ name: 'mp4', magic: [0x66, 0x74, 0x79, 0x70], at: 4 },
	{ name: 'amr', magic: [0x23, 0x21, 0x41, 0x4d, 0x52] },
];

interface SpokenWord extends HeardWord {
	speaker?: number;
	punctuated: string;
	/** Of its phrase, counted from 0. */
	phrase: number;
}

/**
 * Nova-3: hears a recording; where nothing can be heard in it, the text says format, size and sha256.
 * @throws Refusal for unknown options, a missing type or body, and what is no audio
 */
export async function transcribeNova3(exchange: Exchange, maxBytes: number): Promise<object> {
	const query = exchange.url.searchParams;
	checkOptions(query);
	const contentType = exchange.request.headers['content-type'] ?? '';
	if (contentType === '') throw incomplete('Content-Type is missing');
	if (!/^(audio|video)\/|^application\/(octet-stream|ogg)/.test(contentType)) {
		throw invalid(`${contentType} is no audio`);
	}
	const file = await readFile(exchange, maxBytes);
	const isOn = (name: string) => query.get(name) === 'true';
	const detected = isOn('detect_language')
		? { detected_language: 'en', language_confidence: 0.99 }
		: {};
	const heard = file.content && (await hear(file.content));
	const isSilent = file.format !== 'wav' && heard?.channels.flat().length === 0;
	if (!heard || isSilent) {
		const transcript = `${file.format} ${file.size} bytes sha256 ${file.sha256}`;
		const alternatives = [{ transcript, confidence: 1, words: [] }];
		return { results: { channels: [{ alternatives, ...detected }] } };
	}
	const channels = (isOn('multichannel') ? heard.channels : [mixed(heard)]).map((words) =>
		spoken(words, isOn('diarize'), isOn('punctuate') || isOn('smart_format')),
	);
	const results = {
		channels: channels.map((words) => ({
			alternatives: [
				{
					transcript: textOf(words),
					confidence: confidenceOf(words),
					words: words.map(wordOf),
				},
			],
			...detected,
		})),
		...(isOn('utterances') && { utterances: utterancesOf(channels) }),
	};
	return { results };
}

function checkOptions(query: URLSearchParams): void {
	for (const [name, value] of query) {
		if (SWITCHES.includes(name)) {
			if (value !== 'true' && value !== 'false') throw invalid(`${name} must be true or false`);
		} else if (!TEXTS.includes(name)) {
			throw invalid(`unknown option ${name}`);
		}
		if (name !== 'keyterm' && query.getAll(name).length > 1)
			throw invalid(`${name} is given twice`);
	}
	const language = query.get('language');
	if (language !== null && !/^([a-z]{2,3}(-[A-Za-z0-9]{2,4})*|multi)$/.test(language)) {
		throw invalid('language is no language tag');
	}
	if (query.getAll('keyterm').length > 100) throw invalid('Keyterm limit exceeded');
}

interface ReceivedFile {
	format: string;
	size: number;
	sha256: string;
	/** Absent where the file is too long to be heard. */
	content?: Buffer;
}

async function readFile(exchange: Exchange, maxBytes: number): Promise<ReceivedFile> {
	const hash = createHash('sha256');
	const pieces: Buffer[] = [];
	let size = 0;
	for await (const piece of exchange.body as AsyncIterable<Buffer>) {
		hash.update(piece);
		size += piece.length;
		if (size <= MAX_HEARD_BYTES || pieces.length === 0) pieces.push(piece);
		else pieces.length = 1;
	}
	if (size > maxBytes) throw new Refusal(413, 3006, 'AiError: Request is too large');
	if (size === 0) throw incomplete('the body is empty');
	const content = Buffer.concat(pieces);
	const format = FORMATS.find(({ magic, at = 0 }) =>
		magic.every((byte, index) => content[at + index] === byte),
	);
	const sha256 = hash.digest('hex');
	const { 'content-type': mimeType = '' } = exchange.request.headers;
	exchange.record.file = { field: '', name: '', mimeType, size, sha256 };
	if (!format) throw invalid('the body is no audio that can be decoded');
	return { format: format.name, size, sha256, ...(size <= MAX_HEARD_BYTES && { content }) };
}

async function hear(content: Buffer): Promise<HeardAudio | undefined> {
	try {
		return await hearRecording(content);
	} catch (error) {
		throw invalid(`the file cannot be decoded: ${(error as Error).message}`);
	}
}

/** The words of all channels as one, as the model mixes them. */
function mixed({ channels }: HeardAudio): HeardWord[] {
	return channels.flat().sort((a, b) => a.start - b.start);
}

function spoken(words: HeardWord[], diarize: boolean, punctuate: boolean): SpokenWord[] {
	const levels: number[] = [];
	return phrasesOf(words).flatMap((phrase, phraseIndex) =>
		phrase.map((word, index) => ({
			...word,
			phrase: phraseIndex,
			...(diarize && { speaker: speakerOf(levels, word.level) }),
			punctuated: punctuate ? punctuated(word.text, index, phrase.length) : word.text,
		})),
	);
}

/** Speakers are told apart by how loud they are; numbered as they are first heard. */
function speakerOf(levels: number[], level: number): number {
	const known = levels.findIndex((other) => Math.max(level, other) < 1.4 * Math.min(level, other));
	return known >= 0 ? known : levels.push(level) - 1;
}

function punctuated(text: string, index: number, count: number): string {
	const begun = index === 0 ? text.charAt(0).toUpperCase() + text.slice(1) : text;
	return index === count - 1 ? `${begun}.` : begun;
}

function textOf(words: SpokenWord[]): string {
	return words.map((word) => word.punctuated).join(' ');
}

function confidenceOf(words: SpokenWord[]): number {
	if (words.length === 0) return 0;
	return words.reduce((sum, { purity }) => sum + purity, 0) / words.length;
}

function wordOf({ text, start, end, purity, speaker, punctuated: shown }: SpokenWord) {
	return {
		word: text,
		start: rounded(start),
		end: rounded(end),
		confidence: rounded(purity),
		...(shown !== text && { punctuated_word: shown }),
		...(speaker !== undefined && { speaker, speaker_confidence: 1 }),
	};
}

function utterancesOf(channels: SpokenWord[][]): object[] {
	return channels
		.flatMap((words, channel) =>
			runsOf(words).map((run) => ({
				start: rounded(run[0]?.start ?? 0),
				end: rounded(run.at(-1)?.end ?? 0),
				confidence: rounded(confidenceOf(run)),
				channel,
				transcript: textOf(run),
				words: run.map(wordOf),
				...(run[0]?.speaker !== undefined && { speaker: run[0].speaker }),
			})),
		)
		.sort((a, b) => a.start - b.start);
}

function runsOf(words: SpokenWord[]): SpokenWord[][] {
	const runs: SpokenWord[][] = [];
	for (const word of words) {
		const run = runs.at(-1);
		const last = run?.at(-1);
		if (run && last && last.phrase === word.phrase && last.speaker === word.speaker) run.push(word);
		else runs.push([word]);
	}
	return runs;
}

function rounded(value: number): number {
	return Math.round(value * 1_000) / 1_000;
}
