import fc from 'fast-check';

import {
	joinTranscripts,
	type TranscribedPart,
} from '../../../../../nodes/shared/transcript/join.ts';
import type { Segment, Transcript } from '../../../../../nodes/shared/transcript/transcript.ts';

const about = { service: 'cloudsway' as const, model: 'whisper-1' };

/** A text of which each word lasts 0.4 s and comes every half second, as a part of it hears it. */
function heard(text: string, from: number, to: number, jitter = 0): Segment[] {
	return text
		.split(' ')
		.map((word, index) => ({ text: word, start: index / 2, end: index / 2 + 0.4 }))
		.filter(({ start, end }) => start >= from && end <= to)
		.map(({ text: word, start, end }) => ({
			text: word,
			start: start - from + jitter,
			end: end - from + jitter,
		}));
}

const textOf = (words: readonly Segment[]) => words.map(({ text }) => text).join(' ');

const STORY =
	'it was a bright cold day in april and the clocks were striking thirteen as he slipped through the glass doors of the tall grey mansions though not quickly enough to keep a swirl of gritty dust from entering along with him';

describe('parts that a pause parts', () => {
	const parts: TranscribedPart[] = [
		{
			start: 0,
			end: 10,
			offset: -0.025,
			overlap: 0,
			transcript: {
				...about,
				text: 'Hello there.',
				language: 'en',
				segments: [{ text: 'Hello there.', start: 0.5, end: 2 }],
				words: [
					{ text: 'Hello', start: 0.5, end: 1, confidence: 0.9 },
					{ text: 'there', start: 1.2, end: 2 },
				],
				requestId: 'first',
				usage: { type: 'tokens', input_tokens: 10, details: { audio_tokens: 8 } },
			},
		},
		{
			start: 10,
			end: 18.5,
			offset: 9.9,
			overlap: 0,
			transcript: {
				...about,
				text: 'Good bye.',
				language: 'de',
				segments: [{ text: 'Good bye.', start: 1.1, end: 3.1, speaker: 'A' }],
				words: [{ text: 'Good', start: 1.1, end: 2 }],
				requestId: 'second',
				usage: { type: 'tokens', input_tokens: 7, details: { audio_tokens: 5, text_tokens: 2 } },
			},
		},
	];

	it('become one transcript whose times count from the beginning', () => {
		expect(joinTranscripts(parts)).toEqual({
			transcript: {
				...about,
				text: 'Hello there. Good bye.',
				language: 'en',
				duration: 18.5,
				segments: [
					{ text: 'Hello there.', start: 0.475, end: 1.975 },
					{ text: 'Good bye.', start: 11, end: 13, speaker: 'A' },
				],
				words: [
					{ text: 'Hello', start: 0.475, end: 0.975, confidence: 0.9 },
					{ text: 'there', start: 1.175, end: 1.975 },
					{ text: 'Good', start: 11, end: 11.9 },
				],
				usage: { type: 'tokens', input_tokens: 17, details: { audio_tokens: 13, text_tokens: 2 } },
				parts: [
					{ start: 0, end: 10, requestId: 'first' },
					{ start: 10, end: 18.5, requestId: 'second' },
				],
			},
			doubts: [],
			missing: [],
		});
	});

	it('keep the rest where one is missing', () => {
		const { transcript, missing } = joinTranscripts([
			parts[0] as TranscribedPart,
			{ start: 10, end: 18.5, offset: 9.9, overlap: 0 },
		]);
		expect(missing).toEqual([{ start: 10, end: 18.5 }]);
		expect(transcript).toMatchObject({ text: 'Hello there.', duration: 18.5 });
	});

	it('give a segment each where the answers have no times', () => {
		const plain = parts.map((part) => ({
			...part,
			transcript: { ...about, text: part.transcript?.text ?? '', segments: [] },
		}));
		expect(joinTranscripts(plain).transcript.segments).toEqual([
			{ text: 'Hello there.', start: 0, end: 10 },
			{ text: 'Good bye.', start: 10, end: 18.5 },
		]);
	});

	it('leave out what is silent, and a space between characters that have none', () => {
		const texts = ['今日は', '', '晴れ', 'OK'].map((text, index) => ({
			start: index,
			end: index + 1,
			offset: index,
			overlap: 0,
			transcript: { ...about, text },
		}));
		const { transcript } = joinTranscripts(texts);
		expect(transcript.text).toBe('今日は晴れ OK');
		expect(transcript.segments).toHaveLength(3);
	});
});

/** Two parts of the story, the second from `overlap` before the first one's end. */
function twoParts(first: Partial<Transcript>, second: Partial<Transcript>): TranscribedPart[] {
	const transcript = (own: Partial<Transcript>) => ({ ...about, text: '', ...own });
	return [
		{ start: 0, end: 14, offset: 0, overlap: 0, transcript: transcript(first) },
		{ start: 6, end: 21, offset: 5.5, overlap: 8, transcript: transcript(second) },
	];
}

describe('parts that overlap', () => {
	it('have each word once, by the times of the words', () => {
		const left = heard(STORY, 0, 14);
		const right = heard(STORY, 5.5, 30, 0.15);
		const { transcript, doubts } = joinTranscripts(
			twoParts({ text: textOf(left), words: left }, { text: textOf(right), words: right }),
		);
		expect(textOf(transcript.words ?? [])).toBe(STORY);
		expect(transcript.text).toBe(STORY);
		expect(doubts).toEqual([]);
	});

	it('have each word once at any jitter of the times, and lose none that one of them heard', () => {
		fc.assert(
			fc.property(
				fc.double({ min: -0.25, max: 0.25, noNaN: true }),
				fc.uniqueArray(fc.integer({ min: 12, max: 27 }), { maxLength: 4 }),
				fc.boolean(),
				(jitter, deaf, isLeftDeaf) => {
					const all = STORY.split(' ');
					const whole = { left: heard(STORY, 0, 14), right: heard(STORY, 5.5, 30, jitter) };
					const lacking = (words: Segment[], offset: number) =>
						words.filter(({ start = 0 }) => !deaf.includes(Math.round((start + offset) * 2)));
					const left = isLeftDeaf ? lacking(whole.left, 0) : whole.left;
					const right = isLeftDeaf ? whole.right : lacking(whole.right, 5.5 - jitter);
					const { transcript } = joinTranscripts(
						twoParts({ text: textOf(left), words: left }, { text: textOf(right), words: right }),
					);
					expect((transcript.words ?? []).map(({ text }) => text)).toEqual(all);
				},
			),
			{
				// At both ends of the overlap: a word that one part has beside it, and the other in it.
				examples: [
					[-0.0995, [12], true],
					[-0.1005, [27], false],
				],
			},
		);
	});

	it('keep both where each puts a word into the half of the other, and say so', () => {
		// The word at 10 s, the middle: the first heard it as later, the second as earlier.
		const middle = STORY.split(' ')[20];
		const heardAs = (words: Segment[], text: string, start: number) =>
			words.map((word) => (word.text === middle ? { text, start, end: start + 0.4 } : word));
		const left = heardAs(heard(STORY, 0, 14), 'their', 10);
		const right = heardAs(heard(STORY, 5.5, 30), 'there', 9.75 - 5.5);
		const { transcript, doubts } = joinTranscripts(
			twoParts({ text: textOf(left), words: left }, { text: textOf(right), words: right }),
		);
		expect(textOf(transcript.words ?? [])).toBe(STORY.replace(` ${middle} `, ' there their '));
		expect(doubts).toEqual([{ start: 6, end: 14 }]);
	});

	it('take one where they call what was said at one time by two words', () => {
		const word = STORY.split(' ')[23];
		const left = heard(STORY, 0, 14).map((it) => (it.text === word ? { ...it, text: 'hiss' } : it));
		const right = heard(STORY, 5.5, 30);
		const { transcript, doubts } = joinTranscripts(
			twoParts({ text: textOf(left), words: left }, { text: textOf(right), words: right }),
		);
		expect(textOf(transcript.words ?? [])).toBe(STORY);
		expect(doubts).toEqual([]);
	});

	it('are joined where their texts agree when there are no times', () => {
		const left = `${textOf(heard(STORY, 0, 13.5))} thr`;
		const right = `lipped ${textOf(heard(STORY, 6.5, 30))}`;
		const { transcript, doubts } = joinTranscripts(twoParts({ text: left }, { text: right }));
		expect(transcript.text).toBe(STORY);
		expect(doubts).toEqual([]);
		expect(transcript.segments?.map(({ start, end }) => [start, end])).toEqual([
			[0, 14],
			[6, 21],
		]);
	});

	it('are joined where segments with times agree, which are cut there', () => {
		const segment = (words: Segment[], offset: number): Segment => ({
			text: textOf(words),
			start: (words[0]?.start ?? 0) + offset,
			end: (words.at(-1)?.end ?? 0) + offset,
		});
		const left = [segment(heard(STORY, 0, 8), 0), segment(heard(STORY, 8, 14), 8)];
		const right = [segment(heard(STORY, 5.5, 12), 0), segment(heard(STORY, 12, 30), 6.5)];
		const { transcript, doubts } = joinTranscripts(
			twoParts({ text: textOf(left), segments: left }, { text: textOf(right), segments: right }),
		);
		expect(transcript.text).toBe(STORY);
		expect(textOf(transcript.segments ?? [])).toBe(STORY);
		expect(doubts).toEqual([]);
		const starts = (transcript.segments ?? []).map(({ start = -1 }) => start);
		expect(starts).toEqual([...starts].sort((a, b) => a - b));
	});

	it('both stay where nothing of their texts agrees, and the place is told', () => {
		const { transcript, doubts } = joinTranscripts(
			twoParts({ text: 'one two three four' }, { text: 'five six seven eight' }),
		);
		expect(transcript.text).toBe('one two three four five six seven eight');
		expect(doubts).toEqual([{ start: 6, end: 14 }]);
	});

	it('are whole where one of them is silent', () => {
		const { transcript, doubts } = joinTranscripts(twoParts({ text: '' }, { text: 'five six' }));
		expect(transcript.text).toBe('five six');
		expect(doubts).toEqual([]);
	});

	it('keep the confidence of words without times, each word once', () => {
		const words = STORY.split(' ').map((text, index) => ({ text, confidence: index / 100 }));
		const left = words.slice(0, 27);
		const right = words.slice(14);
		const { transcript } = joinTranscripts(
			twoParts({ text: textOf(left), words: left }, { text: textOf(right), words: right }),
		);
		expect(transcript.words).toEqual(words);
		expect(transcript.text).toBe(STORY);
	});

	it('change over in scripts without spaces too', () => {
		const text = '今日はとても良い天気ですから公園まで散歩に行きましょうと彼女は言いました';
		const { transcript, doubts } = joinTranscripts(
			twoParts({ text: text.slice(0, 26) }, { text: text.slice(10) }),
		);
		expect(transcript.text).toBe(text);
		expect(doubts).toEqual([]);
	});
});
