import { toTranscript, type About } from '../../../../../nodes/Cloudsway/transcribe/transcript.ts';
import { transcriptJson } from '../../../../../nodes/shared/transcript/transcript.ts';

const about: About = { model: 'whisper-1', responseFormat: 'json' };

describe('toTranscript', () => {
	it('keeps text and usage of a json answer', () => {
		const usage = { type: 'tokens', input_tokens: 14 };
		expect(transcriptJson(toTranscript({ text: ' Hi. ', usage }, about))).toEqual({
			text: 'Hi.',
			service: 'cloudsway',
			model: 'whisper-1',
			usage,
		});
	});

	it('does not name the model where it is not known', () => {
		expect(toTranscript({ text: '' }, { ...about, model: 'other' }).model).toBeUndefined();
	});

	it('turns log probabilities into the confidence of words and of the text', () => {
		const logprobs = [
			{ token: 'Hey', logprob: Math.log(0.5), bytes: [72, 101, 121] },
			{ token: ',', logprob: Math.log(0.8), bytes: [44] },
			{ token: ' caf', logprob: 0, bytes: [32, 99, 97, 102] },
			{ token: '\ufffd', logprob: Math.log(0.9), bytes: [195] },
			{ token: '\ufffd', logprob: 0, bytes: [169] },
		];
		const { words, segments } = toTranscript({ text: 'Hey, café', logprobs }, about);
		expect(words?.map(({ text }) => text)).toEqual(['Hey,', 'café']);
		expect(words?.[0]?.confidence).toBeCloseTo(0.4);
		expect(words?.[1]?.confidence).toBeCloseTo(0.9);
		expect(segments).toHaveLength(1);
		expect(segments?.[0]?.text).toBe('Hey, café');
		expect(segments?.[0]?.confidence).toBeCloseTo((0.5 * 0.8 * 0.9) ** (1 / 5));
	});

	it('reads segments, words, language and duration of verbose_json', () => {
		const answer = {
			text: 'one two',
			language: 'english',
			duration: '8.47',
			segments: [{ id: 0, start: 0, end: 3.32, text: ' one two', avg_logprob: Math.log(0.75) }],
			words: [{ word: 'one', start: 0, end: 0.2 }],
		};
		expect(transcriptJson(toTranscript(answer, about))).toEqual({
			text: 'one two',
			language: 'en',
			duration: 8.47,
			segments: [
				{ text: 'one two', start: 0, end: 3.32, confidence: expect.closeTo(0.75) as number },
			],
			words: [{ text: 'one', start: 0, end: 0.2 }],
			service: 'cloudsway',
			model: 'whisper-1',
		});
	});

	it('reads the speakers of diarized_json', () => {
		const segments = [{ id: 's1', start: 0, end: 5.2, text: 'Hello', speaker: 'agent' }];
		expect(toTranscript({ text: 'Hello', segments }, about).segments).toMatchObject([
			{ text: 'Hello', start: 0, end: 5.2, speaker: 'agent' },
		]);
	});

	it('reads subtitles as segments and what is spoken as text', () => {
		const srt =
			'1\n00:00:00,000 --> 00:00:01,000\nHello\n\n2\n00:00:01,000 --> 00:00:02,500\nworld\n';
		expect(toTranscript(srt, { ...about, responseFormat: 'srt' })).toMatchObject({
			text: 'Hello world',
			segments: [{ text: 'Hello' }, { text: 'world' }],
		});
	});

	it('keeps the text of a subtitle answer that holds no cues', () => {
		expect(toTranscript('just words\n', { ...about, responseFormat: 'srt' }).text).toBe(
			'just words',
		);
		expect(toTranscript('WEBVTT\n\n', { ...about, responseFormat: 'vtt' }).text).toBe('');
	});

	it('gives no words in a script without spaces', () => {
		const logprobs = [...'你好世界'].map((token) => ({ token, logprob: -0.5 }));
		expect(toTranscript({ text: '你好世界', logprobs }, about)).toMatchObject({
			words: [],
			segments: [{ text: '你好世界' }],
		});
	});

	it('takes a text answer as it is', () => {
		expect(toTranscript('Hello\n', { ...about, responseFormat: 'text' }).text).toBe('Hello');
	});

	it('stands answers that hold something else than expected', () => {
		expect(
			transcriptJson(toTranscript({ text: 5, segments: 'x', words: [null], logprobs: {} }, about)),
		).toEqual({ text: '', service: 'cloudsway', model: 'whisper-1' });
	});
});
