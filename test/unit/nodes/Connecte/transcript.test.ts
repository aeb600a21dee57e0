import type { Prediction } from '../../../../nodes/Connecte/prediction.ts';
import { predictionJson, toTranscript } from '../../../../nodes/Connecte/transcript.ts';

const MODEL = 'openai/whisper';
const prediction = (output: object | null, more: object = {}): Prediction =>
	({ id: 'p1', status: 'succeeded', output, runtime: 35.4, cost: 0.45, ...more }) as Prediction;
const segments = [
	{ start: 0, end: 1.5, text: ' Hello', speaker: 'SPEAKER_00' },
	{ start: '1.5', end: 2, text: ' world ', words: [{ word: ' world', start: 1.5, end: 2 }] },
];

describe('toTranscript', () => {
	it('maps segments, words, speakers, language, cost and runtime', () => {
		const output = { segments, transcirption: ' Hello world', detected_language: 'en' };
		expect(predictionJson(prediction(output), MODEL)).toEqual({
			text: 'Hello world',
			language: 'en',
			segments: [
				{ text: 'Hello', start: 0, end: 1.5, speaker: 'SPEAKER_00' },
				{ text: 'world', start: 1.5, end: 2 },
			],
			words: [{ text: 'world', start: 1.5, end: 2 }],
			service: 'connecte',
			model: MODEL,
			requestId: 'p1',
			usage: { runtime: 35.4, cost: 0.45 },
		});
	});

	it.each([
		["the service's spelling", { transcirption: 'a b' }],
		['the right spelling', { transcription: 'a b' }],
		['an object', { transcirption: { text: 'a b' } }],
		['pieces', { transcirption: ['a', 'b'] }],
		['segments alone', { segments: [{ text: 'a' }, { text: 'b' }] }],
		['segments as an object', { segments: { 0: { text: 'a' }, 1: { text: 'b' } } }],
	])('reads the text from %s', (_, output) => {
		expect(toTranscript(prediction(output), MODEL)?.text).toBe('a b');
	});

	it('tells a transcript by input and output where the model is not known', () => {
		const input = { audio: 'https://a.example/1.mp3', language: 'auto', speakers: 1 };
		const output = { transcirption: 'a', translation: null };
		expect(toTranscript(prediction(output, { input }))?.text).toBe('a');
	});

	// What a transcript has no field for, such as a summary, would be lost.
	it.each([
		['has other inputs', { audio: 'https://a.example/', voice: 'x' }, { transcription: 'a' }],
		['takes no audio', { text: 'a' }, { transcription: 'a' }],
		['repeats no inputs', undefined, { transcription: 'a' }],
		['puts out more', { audio: 'https://a.example/' }, { transcription: 'a', summary: 'b' }],
	])('leaves the output of a model alone that %s', (_, input, output) => {
		const one = prediction(output, { input });
		expect(predictionJson(one)).toBe(one);
	});

	it.each([
		['of another model', prediction({ transcription: 'a' }), 'a/b'],
		['that has not succeeded', prediction({ transcription: 'a' }, { status: 'processing' }), MODEL],
		['without output', prediction(null), MODEL],
		['of something else', prediction({ image: 'https://a.example/' }), undefined],
	])('puts out a prediction %s as it is', (_, one, model) => {
		expect(predictionJson(one, model)).toBe(one);
	});
});
