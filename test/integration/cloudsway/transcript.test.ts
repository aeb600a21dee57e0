import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { IDataObject } from 'n8n-workflow';

import { makeDtmfWav } from '../../../sandbox/hearing/tones.ts';
import { CloudswayAccess, item, TEXT } from './access.ts';

const cloudsway = new CloudswayAccess();

describe('transcribe: the transcript', () => {
	it('is heard from the file, and simplified', async () => {
		const { items } = await cloudsway.run('MaaS_GP_4o_mini_transcribe');
		expect(items).toEqual([
			{
				json: {
					text: TEXT,
					service: 'cloudsway',
					model: 'MaaS_GP_4o_mini_transcribe',
					requestId: expect.stringMatching(/^req-/) as string,
					usage: expect.objectContaining({ type: 'tokens', output_tokens: 6 }) as IDataObject,
				},
				pairedItem: { item: 0 },
			},
		]);
	});

	it.each(['filesystem', 'default'] as const)(
		'arrives byte for byte with %s binaries',
		async (binaryMode) => {
			const { items } = await cloudsway.run('whisper-1', {}, { binaryMode });
			expect(items[0]?.json.text).toBe(TEXT);
			const { file, headers, fields } = cloudsway.lastRequest();
			expect(file).toMatchObject({
				name: 'phrase.wav',
				mimeType: 'audio/wav',
				size: cloudsway.wav.length,
			});
			expect(headers['content-length']).toBeDefined();
			expect(headers['transfer-encoding']).toBeUndefined();
			expect(fields).toEqual([['response_format', 'json']]);
		},
	);

	it.each([
		[8_000, '8'],
		[16_000, '16'],
		[44_100, '24'],
		[48_000, '32'],
	])('is right for WAV of %i Hz and %s bit', async (rate, depth) => {
		const file = await readFile(join('sandbox', 'samples', `phrase-${rate}-${depth}bit.wav`));
		const { items } = await cloudsway.run('whisper-1', {}, { items: [item(file, 'a.wav')] });
		expect(items[0]?.json.text).toBe(TEXT);
	});

	it('has the times of segments and words of verbose_json', async () => {
		const { items } = await cloudsway.run('whisper-1', {
			responseFormat: 'verbose_json',
			options: { timestampGranularities: ['word', 'segment'], language: 'EN' },
		});
		const { segments, words, duration, language } = items[0]?.json as {
			segments: Array<{ text: string; start: number; end: number; confidence: number }>;
			words: Array<{ text: string; start: number }>;
			duration: number;
			language: string;
		};
		expect(language).toBe('en');
		expect(duration).toBeCloseTo(cloudsway.wav.length / 32_000, 1);
		expect(segments.map(({ text }) => text)).toEqual(['one two three', 'four five six']);
		expect(segments[0]?.confidence).toBeGreaterThan(0.9);
		expect(words.map(({ text }) => text).join(' ')).toBe(TEXT);
		expect(words[0]?.start).toBeCloseTo(0.1, 1);
	});

	it.each(['srt', 'vtt'] as const)('is read from %s', async (responseFormat) => {
		const { items } = await cloudsway.run('whisper-1', { responseFormat });
		expect(items[0]?.json).toMatchObject({
			text: TEXT,
			segments: [{ start: expect.any(Number) as number }, {}],
		});
	});

	it.each(['text', 'srt', 'vtt', 'json', 'verbose_json'] as const)(
		'is the answer of %s untouched with Simplify off',
		async (responseFormat) => {
			const { items } = await cloudsway.run('whisper-1', { responseFormat, simplify: false });
			const json = items[0]?.json as { text: string };
			if (responseFormat === 'srt') expect(json.text).toMatch(/^1\n00:00:00,\d{3} --> /);
			if (responseFormat === 'vtt') expect(json.text).toMatch(/^WEBVTT\n\n/);
			if (responseFormat === 'text') expect(json).toEqual({ text: `${TEXT}\n` });
			if (responseFormat.endsWith('json')) expect(json).toMatchObject({ text: TEXT, usage: {} });
			expect(json).not.toHaveProperty('service');
		},
	);

	it('carries confidence from log probabilities', async () => {
		const { items } = await cloudsway.run('MaaS_GP_4o_transcribe', {
			options: { include: ['logprobs'] },
		});
		const { words, segments } = items[0]?.json as Record<
			string,
			Array<{ confidence: number; text: string }>
		>;
		expect(words?.map(({ text }) => text).join(' ')).toBe(TEXT);
		for (const { confidence } of [...(words ?? []), ...(segments ?? [])]) {
			expect(confidence).toBeGreaterThan(0.5);
			expect(confidence).toBeLessThanOrEqual(1);
		}
	});

	it('tells speakers apart, and knows those it has samples of', async () => {
		const sample = (level: number) =>
			makeDtmfWav({ channels: [[{ keys: '1 2', level }]], duration: 2.5 });
		const { items } = await cloudsway.run(
			'MaaS_GP_4o_transcribe_diarize',
			{
				responseFormat: 'diarized_json',
				options: {
					knownSpeakers: {
						speaker: [
							{ name: 'loud', referenceType: 'binary', reference: 'sample' },
							{
								name: 'quiet',
								referenceType: 'dataUrl',
								reference: `data:audio/wav;base64,${sample(0.1).toString('base64')}`,
							},
						],
					},
				},
			},
			{
				items: [
					{
						binary: {
							data: {
								data: await readFile(join('sandbox', 'samples', 'dialogue-mono.wav')),
								fileName: 'd.wav',
							},
							sample: { data: sample(0.4), fileName: 'loud.wav', mimeType: 'audio/x-wav' },
						},
					},
				],
			},
		);
		expect(
			(items[0]?.json.segments as IDataObject[]).map(({ speaker, text }) => [speaker, text]),
		).toEqual([
			['loud', 'one two three'],
			['quiet', 'four five six seven'],
			['loud', 'seven eight nine'],
		]);
		expect(cloudsway.lastRequest().fields.map(([name]) => name)).toEqual([
			'response_format',
			'known_speaker_names[]',
			'known_speaker_names[]',
			'known_speaker_references[]',
			'known_speaker_references[]',
		]);
	});

	it('sends chunking as the contract has it', async () => {
		const options = {
			chunkingStrategy: 'serverVad',
			vadThreshold: 0.4,
			vadPrefixPaddingMs: 100,
			vadSilenceDurationMs: 500,
			temperature: 0,
			prompt: 'numbers',
		};
		expect((await cloudsway.run('MaaS_GP_4o_transcribe', { options })).error).toBeUndefined();
		expect(cloudsway.lastRequest().fields).toEqual([
			['response_format', 'json'],
			['chunking_strategy[type]', 'server_vad'],
			['chunking_strategy[threshold]', '0.4'],
			['chunking_strategy[prefix_padding_ms]', '100'],
			['chunking_strategy[silence_duration_ms]', '500'],
			['prompt', 'numbers'],
			['temperature', '0'],
		]);
		await cloudsway.run('MaaS_GP_4o_transcribe', { options: { chunkingStrategy: 'auto' } });
		expect(cloudsway.lastRequest().fields).toContainEqual(['chunking_strategy', 'auto']);
	});

	it('comes with subtitles as a binary file', async () => {
		const result = await cloudsway.run('whisper-1', {
			responseFormat: 'verbose_json',
			options: { subtitles: 'vtt', subtitlesProperty: 'captions' },
		});
		const [output] = result.items;
		expect(output?.binary?.captions).toMatchObject({
			mimeType: 'text/vtt',
			// After the recording, phrase.wav.
			fileName: 'phrase.vtt',
		});
		const content = (await result.binary(output ?? { json: {} }, 'captions')).toString();
		expect(content).toMatch(/^WEBVTT\n\n00:00:00\.\d{3} --> 00:00:00\.\d{3}\none two three\n/);
	});

	it('of a silent recording is empty, and so are its subtitles', async () => {
		const result = await cloudsway.run(
			'whisper-1',
			{ responseFormat: 'verbose_json', options: { subtitles: 'vtt', timeout: 16.1 } },
			{ items: [item(makeDtmfWav({ channels: [[]], duration: 1 }), 'a.wav')] },
		);
		expect(result.error).toBeUndefined();
		const [output] = result.items;
		expect(output?.json.text).toBe('');
		expect((await result.binary(output ?? { json: {} }, 'subtitles')).toString()).toBe('WEBVTT\n');
	});

	it('takes what expressions give in other types', async () => {
		await cloudsway.run('MaaS_GP_4o_transcribe', {
			options: {
				prompt: '={{ 2024 }}',
				stream: '={{ "True" }}',
				temperature: '={{ "0.5" }}',
				include: '={{ "logprobs" }}',
				language: '={{ " " }}',
			},
		});
		expect(cloudsway.lastRequest().fields).toEqual([
			['response_format', 'json'],
			['include[]', 'logprobs'],
			['prompt', '2024'],
			['stream', 'true'],
			['temperature', '0.5'],
		]);
	});

	it.each([true, 'requested'] as const)('is the text alone for an agent (%s)', async (asTool) => {
		const audioUrl = `${cloudsway.sandbox.baseUrl}/samples/phrase-16000-16bit.wav`;
		const { items } = await cloudsway.run('whisper-1', { audioUrl }, { asTool });
		expect(JSON.stringify(items)).toContain(TEXT);
		expect(JSON.stringify(items)).not.toContain('usage');
	});

	it('tells an agent that it must give a URL', async () => {
		const parameters = { inputType: 'binary' };
		const { error } = await cloudsway.run('whisper-1', parameters, { asTool: 'requested' });
		// The way on is in the message, since n8n shows a model nothing else.
		expect(error?.message).toMatch(
			/An AI agent's tool gets no binary files.*Set 'Input Type' to URL/,
		);
	});
});
