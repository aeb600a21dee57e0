import { toTranscript } from '../../../../../nodes/CloudflareWorkersAi/nova3/transcript.ts';

const word = (text: string, start: number, more: object = {}) => ({
	word: text,
	start,
	end: start + 0.5,
	confidence: 0.9,
	...more,
});

const channel = (transcript: string, words: object[], more: object = {}) => ({
	alternatives: [{ transcript, confidence: 0.8, words }, { transcript: 'a worse one' }],
	...more,
});

const resultOf = (results: object, more: object = {}) => ({ results, ...more });

describe('the transcript of Nova-3', () => {
	it('has the best alternative, its words, and what else is said about it', () => {
		const result = resultOf(
			{
				channels: [
					channel(
						'Hello there.',
						[
							word('hello', 0, { punctuated_word: 'Hello' }),
							word('there', 1, { punctuated_word: 'there.' }),
						],
						{ detected_language: 'en' },
					),
				],
			},
			{ metadata: { duration: 2, request_id: 'abc' } },
		);
		expect(toTranscript(result, 'ray')).toEqual({
			text: 'Hello there.',
			language: 'en',
			duration: 2,
			segments: [{ text: 'Hello there.', start: 0, end: 1.5, speaker: undefined, confidence: 0.8 }],
			words: [
				{ text: 'Hello', start: 0, end: 0.5, speaker: undefined, confidence: 0.9 },
				{ text: 'there.', start: 1, end: 1.5, speaker: undefined, confidence: 0.9 },
			],
			service: 'cloudflare',
			model: '@cf/deepgram/nova-3',
			requestId: 'abc',
		});
	});

	it('has one segment a speaker’s turn', () => {
		const words = [
			word('a', 0, { speaker: 0 }),
			word('b', 1, { speaker: 0 }),
			word('c', 2, { speaker: 1 }),
			word('d', 3, { speaker: 0 }),
		];
		const { segments } = toTranscript(resultOf({ channels: [channel('a b c d', words)] })) ?? {};
		expect(segments?.map(({ text, speaker, start, end }) => [speaker, text, start, end])).toEqual([
			['speaker 0', 'a b', 0, 1.5],
			['speaker 1', 'c', 2, 2.5],
			['speaker 0', 'd', 3, 3.5],
		]);
	});

	it('merges channels by time, and names them', () => {
		const channels = [channel('a c', [word('a', 0), word('c', 4)]), channel('b', [word('b', 2)])];
		const transcript = toTranscript(resultOf({ channels }), 'ray');
		expect(transcript?.text).toBe('a c\nb');
		expect(transcript?.requestId).toBe('ray');
		expect(transcript?.words?.map(({ text, speaker }) => [text, speaker])).toEqual([
			['a', 'channel 1'],
			['b', 'channel 2'],
			['c', 'channel 1'],
		]);
		expect(transcript?.segments?.map(({ speaker }) => speaker)).toEqual(['channel 1', 'channel 2']);
	});

	it('has utterances as segments, in order of time', () => {
		const utterances = [
			{ start: 2, end: 3, confidence: 0.7, channel: 0, transcript: 'second', speaker: 1 },
			{ start: 0, end: 1, confidence: 0.6, channel: 0, transcript: ' first ' },
		];
		const { segments } = toTranscript(resultOf({ channels: [channel('x', [])], utterances })) ?? {};
		expect(segments).toEqual([
			{ text: 'first', start: 0, end: 1, speaker: undefined, confidence: 0.6 },
			{ text: 'second', start: 2, end: 3, speaker: 'speaker 1', confidence: 0.7 },
		]);
	});

	it('is empty for silence', () => {
		const transcript = toTranscript(resultOf({ channels: [channel('', [])] }));
		expect(transcript).toMatchObject({ text: '', segments: [], words: [] });
	});

	it.each([undefined, null, 'text', 1, [], {}, { results: null }, { results: { channels: 'no' } }])(
		'is missing in %j',
		(result) => expect(toTranscript(result)).toBeUndefined(),
	);

	it.each([[[]], [[null]], [[{}]], [[{ alternatives: null }]], [[{ alternatives: [1] }]]])(
		'is read without a crash from the channels %j',
		(channels) => expect(toTranscript({ results: { channels } })).toMatchObject({ text: '' }),
	);
});
