import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';

import type { IDataObject, INodeParameters } from 'n8n-workflow';

import { CloudswayApi } from '../../credentials/CloudswayApi.credentials.ts';
import { Cloudsway } from '../../nodes/Cloudsway/Cloudsway.node.ts';
import { makeDtmfWav } from '../../sandbox/hearing/tones.ts';
import { startSandbox, type Sandbox } from '../../sandbox/server.ts';
import { runNode, testCredential, type InputItem, type RunOptions } from './engine.ts';

type Model = keyof Sandbox['cloudsway']['endpointPaths'];

let sandbox: Sandbox;
let wav: Buffer;

beforeAll(async () => {
	sandbox = await startSandbox();
	wav = await readFile(join('sandbox', 'samples', 'phrase-16000-16bit.wav'));
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.clear());

const item = (data: Buffer | Readable, fileName?: string, mimeType?: string): InputItem => ({
	binary: { data: { data, fileName, mimeType } },
});

function run(
	model: Model | 'other',
	parameters: INodeParameters = {},
	options: Partial<RunOptions> & { key?: string } = {},
) {
	const { baseUrl, accessKey, endpointPaths } = sandbox.cloudsway;
	const { key = accessKey, ...rest } = options;
	return runNode({
		nodeType: new Cloudsway(),
		parameters: {
			endpointPath: endpointPaths[model === 'other' ? 'whisper-1' : model],
			model,
			...parameters,
		},
		credentials: { cloudswayApi: { type: new CloudswayApi(), data: { accessKey: key, baseUrl } } },
		items: [item(wav, 'phrase.wav')],
		...rest,
	});
}

const lastRequest = () => {
	const request = sandbox.requests.at(-1);
	if (!request) throw new Error('No request arrived');
	return request;
};

const TEXT = 'one two three four five six';

describe('the transcript', () => {
	it('is heard from the file, and simplified', async () => {
		const { items } = await run('MaaS_GP_4o_mini_transcribe');
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
			const { items } = await run('whisper-1', {}, { binaryMode });
			expect(items[0]?.json.text).toBe(TEXT);
			const { file, headers, fields } = lastRequest();
			expect(file).toMatchObject({ name: 'phrase.wav', mimeType: 'audio/wav', size: wav.length });
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
		const { items } = await run('whisper-1', {}, { items: [item(file, 'a.wav')] });
		expect(items[0]?.json.text).toBe(TEXT);
	});

	it('has the times of segments and words of verbose_json', async () => {
		const { items } = await run('whisper-1', {
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
		expect(duration).toBeCloseTo(wav.length / 32_000, 1);
		expect(segments.map(({ text }) => text)).toEqual(['one two three', 'four five six']);
		expect(segments[0]?.confidence).toBeGreaterThan(0.9);
		expect(words.map(({ text }) => text).join(' ')).toBe(TEXT);
		expect(words[0]?.start).toBeCloseTo(0.1, 1);
	});

	it.each(['srt', 'vtt'] as const)('is read from %s', async (responseFormat) => {
		const { items } = await run('whisper-1', { responseFormat });
		expect(items[0]?.json).toMatchObject({
			text: TEXT,
			segments: [{ start: expect.any(Number) as number }, {}],
		});
	});

	it.each(['text', 'srt', 'vtt', 'json', 'verbose_json'] as const)(
		'is the answer of %s untouched with Simplify off',
		async (responseFormat) => {
			const { items } = await run('whisper-1', { responseFormat, simplify: false });
			const json = items[0]?.json as { text: string };
			if (responseFormat === 'srt') expect(json.text).toMatch(/^1\n00:00:00,\d{3} --> /);
			if (responseFormat === 'vtt') expect(json.text).toMatch(/^WEBVTT\n\n/);
			if (responseFormat === 'text') expect(json).toEqual({ text: `${TEXT}\n` });
			if (responseFormat.endsWith('json')) expect(json).toMatchObject({ text: TEXT, usage: {} });
			expect(json).not.toHaveProperty('service');
		},
	);

	it('carries confidence from log probabilities', async () => {
		const { items } = await run('MaaS_GP_4o_transcribe', { options: { include: ['logprobs'] } });
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
		const { items } = await run(
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
		expect(lastRequest().fields.map(([name]) => name)).toEqual([
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
		expect((await run('MaaS_GP_4o_transcribe', { options })).error).toBeUndefined();
		expect(lastRequest().fields).toEqual([
			['response_format', 'json'],
			['chunking_strategy[type]', 'server_vad'],
			['chunking_strategy[threshold]', '0.4'],
			['chunking_strategy[prefix_padding_ms]', '100'],
			['chunking_strategy[silence_duration_ms]', '500'],
			['prompt', 'numbers'],
			['temperature', '0'],
		]);
		await run('MaaS_GP_4o_transcribe', { options: { chunkingStrategy: 'auto' } });
		expect(lastRequest().fields).toContainEqual(['chunking_strategy', 'auto']);
	});

	it('comes with subtitles as a binary file', async () => {
		const result = await run('whisper-1', {
			responseFormat: 'verbose_json',
			options: { subtitles: 'vtt', subtitlesProperty: 'captions' },
		});
		const [output] = result.items;
		expect(output?.binary?.captions).toMatchObject({
			mimeType: 'text/vtt',
			fileName: 'subtitles.vtt',
		});
		const content = (await result.binary(output ?? { json: {} }, 'captions')).toString();
		expect(content).toMatch(/^WEBVTT\n\n00:00:00\.\d{3} --> 00:00:00\.\d{3}\none two three\n/);
	});

	it('of a silent recording is empty, and so are its subtitles', async () => {
		const result = await run(
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
		await run('MaaS_GP_4o_transcribe', {
			options: { prompt: '={{ 2024 }}', stream: '={{ "true" }}', temperature: '={{ "0.5" }}' },
		});
		expect(lastRequest().fields).toEqual([
			['response_format', 'json'],
			['prompt', '2024'],
			['stream', 'true'],
			['temperature', '0.5'],
		]);
	});

	it.each([true, 'requested'] as const)('is the text alone for an agent (%s)', async (asTool) => {
		const audioUrl = `${sandbox.baseUrl}/samples/phrase-16000-16bit.wav`;
		const { items } = await run('whisper-1', { inputType: 'url', audioUrl }, { asTool });
		expect(JSON.stringify(items)).toContain(TEXT);
		expect(JSON.stringify(items)).not.toContain('usage');
	});

	it('tells an agent that it must give a URL', async () => {
		const { error } = await run('whisper-1', {}, { asTool: 'requested' });
		expect(error?.message).toContain("An AI agent's tool gets no binary files");
	});
});

describe('the file', () => {
	it.each([
		['voice.oga', 'audio/ogg', 'voice.ogg', 'audio/ogg'],
		['voice.opus', 'audio/opus', 'voice.ogg', 'audio/ogg'],
		['old.mpga', 'audio/mpeg', 'old.mpga', 'audio/mpeg'],
		[undefined, 'video/mp4', 'audio.mp4', 'video/mp4'],
	])('%s of type %s goes out as %s', async (fileName, mimeType, name, type) => {
		const { error, items } = await run(
			'whisper-1',
			{},
			{ items: [item(Buffer.from('opus'), fileName, mimeType)] },
		);
		expect(error).toBeUndefined();
		expect(lastRequest().file).toMatchObject({ name, mimeType: type });
		expect(items[0]?.json.text).toContain(`of 4 bytes with sha256 ${lastRequest().file?.sha256}`);
	});

	it('goes out under the name of the option', async () => {
		await run(
			'whisper-1',
			{ options: { fileName: 'other.opus' } },
			{ items: [item(wav, 'a.bin', 'application/octet-stream')] },
		);
		expect(lastRequest().file).toMatchObject({ name: 'other.ogg', mimeType: 'audio/ogg' });
	});

	it.each([
		['notes.txt', 'text/plain'],
		['data', 'application/octet-stream'],
	])('%s of type %s is refused before anything is sent', async (fileName, mimeType) => {
		const { error } = await run('whisper-1', {}, { items: [item(wav, fileName, mimeType)] });
		expect(error?.message).toContain(`does not take the file '${fileName}' of type ${mimeType}`);
		expect(error?.description).toContain('flac, mp3, m4a, mp4');
		expect(sandbox.requests).toHaveLength(0);
	});

	it('is refused when it is empty', async () => {
		const { error } = await run('whisper-1', {}, { items: [item(Buffer.alloc(0), 'a.wav')] });
		expect(error?.message).toContain('The audio file is empty');
		expect(sandbox.requests).toHaveLength(0);
	});

	it('is missed by name when the item has none', async () => {
		const { error } = await run('whisper-1', { binaryPropertyName: 'voice' });
		expect(error?.message).toContain("no binary field 'voice'");
	});

	it.each([
		['', true],
		['?chunked=1', false],
		['?gzip=1', false],
		['?redirect=1', true],
	])('is streamed from a URL (%s)', async (query, hasLength) => {
		const audioUrl = `${sandbox.baseUrl}/samples/phrase-16000-16bit.wav${query}`;
		const { items, error } = await run(
			'whisper-1',
			{ inputType: 'url', audioUrl },
			{ items: [{}] },
		);
		expect(error).toBeUndefined();
		expect(items[0]?.json.text).toBe(TEXT);
		expect('content-length' in lastRequest().headers).toBe(hasLength);
		expect(lastRequest().headers['transfer-encoding']).toBe(hasLength ? undefined : 'chunked');
	});

	it.each([
		['/samples/none.wav', 'status 404'],
		['/samples/phrase-16000-16bit.wav?status=403', 'status 403'],
	])('at a URL that does not serve it (%s) is an error that says so', async (path, reason) => {
		const { error } = await run('whisper-1', {
			inputType: 'url',
			audioUrl: sandbox.baseUrl + path,
		});
		expect(error?.message).toContain("'Audio URL' could not be downloaded");
		expect(error?.description).toContain(reason);
		expect(sandbox.requests).toHaveLength(0);
	});

	it('at a URL that serves a page is refused, not transcribed', async () => {
		const audioUrl = `${sandbox.baseUrl}/samples/phrase-16000-16bit.wav?type=text/html`;
		const { error } = await run('whisper-1', { inputType: 'url', audioUrl });
		expect(error?.description).toContain('answered with text/html, which is no audio');
		expect(sandbox.requests).toHaveLength(0);
	});

	it('at a URL that fails for a moment is fetched again, and the tries are counted', async () => {
		const audioUrl = `${sandbox.baseUrl}/samples/phrase-16000-16bit.wav?status=503`;
		const { error } = await run('whisper-1', { inputType: 'url', audioUrl });
		expect(error?.description).toMatch(/status 503.*Tried 4 times/);
	}, 20_000);

	it.each([0, 1_000])(
		'at a URL that stalls after %i bytes is not blamed on the service',
		async (bytes) => {
			const stalling = createServer((_, response) => {
				response.writeHead(200, { 'content-type': 'audio/wav', 'content-length': '5000' });
				if (bytes > 0) response.write(wav.subarray(0, bytes));
				else response.flushHeaders();
			});
			await new Promise<void>((resolve) => stalling.listen(0, '127.0.0.1', resolve));
			const { port } = stalling.address() as AddressInfo;
			const { error } = await run('whisper-1', {
				inputType: 'url',
				audioUrl: `http://127.0.0.1:${port}/a.wav`,
				options: { timeout: 1 },
			});
			stalling.closeAllConnections();
			stalling.close();
			expect(error?.message).toContain('The audio was not read and sent within 1 s');
			expect(error?.description).toContain("'Timeout'");
		},
	);

	it.each(['ftp://example.com/a.wav', 'a.wav', 'https://'])(
		'at %s is refused',
		async (audioUrl) => {
			const { error } = await run('whisper-1', { inputType: 'url', audioUrl });
			expect(error?.message).toContain("'Audio URL' is not a web address");
		},
	);

	it('whose download breaks off is not transcribed', async () => {
		const audioUrl = `${sandbox.baseUrl}/samples/phrase-16000-16bit.wav?cut=20000`;
		const { error } = await run('whisper-1', { inputType: 'url', audioUrl });
		expect(error?.message).toContain('could not be read to its end');
		expect(sandbox.requests.every(({ status }) => status !== 200)).toBe(true);
	});
});

describe('what the service would refuse is refused before', () => {
	const speakers = (count: number, reference = 'data:audio/wav;base64,UklGRg==') => ({
		knownSpeakers: {
			speaker: Array.from({ length: count }, (_, index) => ({
				name: `s${index}`,
				referenceType: 'dataUrl',
				reference,
			})),
		},
	});

	it.each<[Model, INodeParameters, string, string]>([
		...(['verbose_json', 'srt', 'vtt', 'text', 'diarized_json'] as const).flatMap(
			(responseFormat): Array<[Model, INodeParameters, string, string]> => [
				['MaaS_GP_4o_transcribe', { responseFormat }, "'Response Format'", "'Model'"],
				['MaaS_GP_4o_mini_transcribe', { responseFormat }, "'Response Format'", "'Model'"],
			],
		),
		['whisper-1', { responseFormat: 'diarized_json' }, "'Response Format'", "'Model'"],
		['MaaS_GP_4o_transcribe_diarize', { responseFormat: 'srt' }, "'Response Format'", "'Model'"],
		[
			'whisper-1',
			{ options: { timestampGranularities: ['word'] } },
			"'Timestamp Granularities'",
			"'Response Format'",
		],
		['whisper-1', { options: { include: ['logprobs'] } }, "'Include'", "'Model'"],
		[
			'MaaS_GP_4o_transcribe_diarize',
			{ options: { include: ['logprobs'] } },
			"'Include'",
			"'Model'",
		],
		['whisper-1', { options: speakers(1) }, "'Known Speakers'", "'Model'"],
		['MaaS_GP_4o_transcribe_diarize', { options: { prompt: 'x' } }, "'Prompt'", "'Model'"],
		['MaaS_GP_4o_transcribe_diarize', { options: speakers(5) }, "'Known Speakers'", 'at most 4'],
		[
			'MaaS_GP_4o_transcribe_diarize',
			{ options: speakers(1, 'https://x/a.wav') },
			"'Reference'",
			'data URL',
		],
		['whisper-1', { options: { temperature: 1.1 } }, "'Temperature'", 'between 0 and 1'],
		['whisper-1', { options: { language: 'eng' } }, "'Language'", 'two letters'],
		[
			'MaaS_GP_4o_transcribe',
			{ options: { subtitles: 'srt' } },
			"'Subtitles'",
			"'Response Format'",
		],
		['whisper-1', { options: { timeout: 0 } }, "'Timeout'", 'between 1'],
		['whisper-1', { options: { concurrency: 101 } }, "'Concurrency'", 'between 1 and 100'],
		[
			'MaaS_GP_4o_transcribe',
			{ options: { chunkingStrategy: 'serverVad', vadThreshold: 2 } },
			"'VAD Threshold'",
			'between',
		],
		['whisper-1', { endpointPath: '..' }, "'Endpoint Path'", 'segment'],
		['whisper-1', { endpointPath: 'https://x/y' }, "'Endpoint Path'", 'segment'],
	])('%s with %j', async (model, parameters, ...names) => {
		// By expression, since n8n itself drops the values of fields that a fixed model hides.
		const { responseFormat = 'json' } = parameters;
		const { error } = await run(model, {
			...parameters,
			model: `={{ "${model}" }}`,
			responseFormat: `={{ "${responseFormat as string}" }}`,
		});
		for (const name of names) expect(error?.message).toContain(name);
		expect(error?.description).toBeTruthy();
		expect(sandbox.requests).toHaveLength(0);
	});

	it("is sent as it is with the model 'Other', and the service's words are shown", async () => {
		const { error } = await run('other', {
			responseFormat: 'diarized_json',
			options: { prompt: 'x' },
		});
		expect(sandbox.requests).toHaveLength(1);
		expect(error?.description).toContain(
			"'diarized_json' is not compatible with model 'whisper-1'",
		);
	});

	it('names a model that it does not know', async () => {
		const { error } = await run('whisper-1', { model: '={{ "constructor" }}' });
		expect(error?.message).toContain(`'Model' "constructor" is not known`);
	});

	it('percent-encodes the endpoint path', async () => {
		await run('whisper-1', { endpointPath: 'a/b?c' });
		expect(lastRequest().path).toBe('/cloudsway/v1/ai/a%2Fb%3Fc/audio/transcriptions');
	});
});

describe('streaming', () => {
	const streamed = (options: Partial<RunOptions> = {}, model: Model = 'MaaS_GP_4o_transcribe') =>
		run(model, { options: { stream: true, include: ['logprobs'] } }, options);

	it('yields the done event', async () => {
		const { items } = await streamed();
		expect(items[0]?.json).toMatchObject({ text: TEXT, usage: { output_tokens: 6 } });
		expect(items[0]?.json.words).toHaveLength(6);
	});

	it('is the done event with its segments where Simplify is off', async () => {
		const { items } = await run('MaaS_GP_4o_transcribe_diarize', {
			responseFormat: 'diarized_json',
			simplify: false,
			options: { stream: true },
		});
		expect(items[0]?.json).toMatchObject({ type: 'transcript.text.done', text: TEXT });
		expect(items[0]?.json.segments).toHaveLength(2);
	});

	it.each([
		{ lineEnd: '\r\n' as const, pieceBytes: 1 },
		{ lineEnd: '\r' as const, decorated: true },
		{ decorated: true, pieceBytes: 7 },
	])('reads however the events are written (%j)', async (how) => {
		sandbox.faults.add({ fault: { kind: 'events', ...how } });
		expect((await streamed()).items[0]?.json.text).toBe(TEXT);
	});

	it('passes the pieces on as they come, in order', async () => {
		sandbox.faults.add({ fault: { kind: 'events', everyMs: 30 } });
		const { chunks } = await streamed({ streaming: true });
		expect(chunks.map(({ type }) => type)).toEqual([
			'begin',
			...Array<string>(6).fill('item'),
			'end',
		]);
		expect(chunks.map(({ content }) => content ?? '').join('')).toBe(TEXT);
		const times = chunks.map(({ metadata }) => metadata.timestamp);
		expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(100);
	});

	it.each([
		[
			'ends early',
			{ kind: 'events' as const, stopAfter: 3 },
			'ended before the transcription was done',
		],
		[
			'reports an error',
			{
				kind: 'events' as const,
				error: { after: 3, data: '{"type":"error","error":{"message":"out of memory"}}' },
			},
			'out of memory',
		],
	])('keeps the text received when the stream %s', async (_, fault, reason) => {
		sandbox.faults.add({ fault });
		const { error, chunks } = await streamed({ streaming: true });
		expect(error?.message).toContain('broke off the transcription');
		expect(error?.description).toContain(reason);
		expect(error?.description).toContain('Received until then: one two three');
		expect(chunks.at(-1)?.type).toBe('error');
	});

	it('keeps the text received when the connection is lost', async () => {
		sandbox.faults.add({ fault: { kind: 'cut', bytes: 400 } });
		const { error } = await streamed();
		expect(error?.message).toContain('broken off before its answer came');
		expect(error?.description).toMatch(/Received until then: one( two)?/);
		expect(sandbox.requests).toHaveLength(1);
	});

	it('takes a whole answer where the service ignores the wish', async () => {
		// By expression, since n8n itself drops an option that a fixed model hides.
		const { items } = await run('whisper-1', {
			model: '={{ "whisper-1" }}',
			options: { stream: true },
		});
		expect(lastRequest().fields).toContainEqual(['stream', 'true']);
		expect(items[0]?.json.text).toBe(TEXT);
	});
});

describe('many items', () => {
	const many = (count: number) => Array.from({ length: count }, () => item(wav, 'a.wav'));

	it('are in flight together, at most as many as allowed, in order', async () => {
		for (let index = 0; index < 12; index++) {
			sandbox.faults.add({ fault: { kind: 'delay', ms: 150 - index * 10 } });
		}
		const items = Array.from({ length: 12 }, (_, index) =>
			item(makeDtmfWav({ channels: [[{ keys: String(index % 10) }]] }), 'a.wav'),
		);
		const { items: output } = await run('whisper-1', { options: { concurrency: 4 } }, { items });
		const words = [
			'zero',
			'one',
			'two',
			'three',
			'four',
			'five',
			'six',
			'seven',
			'eight',
			'nine',
			'zero',
			'one',
		];
		expect(output.map(({ json }) => json.text)).toEqual(words);
		expect(output.map(({ pairedItem }) => pairedItem)).toEqual(
			words.map((_, index) => ({ item: index })),
		);
		expect(sandbox.mostAtOnce).toBe(4);
	});

	it('go on when one fails, which gets its error', async () => {
		const items = many(3);
		items[1] = item(wav, 'a.txt', 'text/plain');
		const { items: output } = await run('whisper-1', {}, { items, continueOnFail: true });
		expect(output.map(({ json }) => Object.keys(json)[0])).toEqual(['text', 'error', 'text']);
		expect(output[1]?.json).toEqual({
			error: "Cloudsway does not take the file 'a.txt' of type text/plain [item 1]",
			details: expect.stringContaining('It takes: flac') as string,
		});
		expect(output[1]?.pairedItem).toEqual({ item: 1 });
	});

	it('stop within a second, and no others start', async () => {
		const stopAfter = 400;
		for (let index = 0; index < 20; index++) sandbox.faults.add({ fault: { kind: 'silence' } });
		const { status, durationMs } = await run(
			'whisper-1',
			{ options: { concurrency: 3 } },
			{ items: many(20), cancelAfterMs: stopAfter },
		);
		expect(durationMs - stopAfter).toBeLessThan(3_000);
		expect(status).toBe('canceled');
		expect(sandbox.requests).toHaveLength(3);
	});
});

describe('faults', () => {
	const answer = (status: number, headers = {}, body = '{"error":{"message":"Try <later>"}}') => ({
		fault: { kind: 'status' as const, status, headers, body },
	});

	it.each([
		[401, 'refused the key', "'Access Key'"],
		[403, 'refused access', 'whitelist'],
		[404, 'does not know', "'Endpoint Path'"],
		[413, 'too large', '25 MB'],
		[400, 'refused the request', 'Check the parameters'],
		[500, 'could not process', 'Try again later'],
		[502, 'could not process', 'Try again later'],
		[302, 'redirect', "'Base URL'"],
	])('status %i says what happened and how to go on', async (status, message, advice) => {
		sandbox.faults.add(answer(status, { location: 'https://elsewhere.example' }));
		const { error } = await run('whisper-1');
		expect(error?.message).toContain(message);
		expect(error?.message).toContain(`(${status})`);
		expect(error?.description).toContain(advice);
		expect(error?.description).toContain('Cloudsway says: Try &lt;later&gt;.');
		expect(error?.httpCode).toBe(String(status));
		expect(error?.context?.itemIndex).toBe(0);
		expect(sandbox.requests).toHaveLength(1);
	});

	it.each([
		[429, {}],
		[429, { 'retry-after': '0' }],
		[503, { 'retry-after': new Date(Date.now() + 1_000).toUTCString() }],
	])('status %i with %j is tried again, with the whole file', async (status, headers) => {
		sandbox.faults.add(answer(status, headers));
		const { items } = await run('whisper-1');
		expect(items[0]?.json.text).toBe(TEXT);
		expect(sandbox.requests.map((request) => request.status)).toEqual([status, 200]);
	});

	it('says how often it tried', async () => {
		sandbox.faults.add({ ...answer(429, { 'retry-after': '0' }), times: 9 });
		const { error } = await run('whisper-1');
		expect(sandbox.requests).toHaveLength(4);
		expect(error?.description).toContain('Tried 4 times.');
		expect(error?.failure).toMatchObject({ cause: 'rate-limited', retryAfterMs: 0 });
	});

	it('does not wait for minutes', async () => {
		sandbox.faults.add(answer(429, { 'retry-after': '3600' }));
		const { error } = await run('whisper-1');
		expect(sandbox.requests).toHaveLength(1);
		expect(error?.description).toContain('It asks to wait 60 minutes.');
		expect(error?.failure).toMatchObject({ retryAfterMs: 3_600_000 });
	});

	it.each([500, 503])('status %i alone is not tried again: the job may be done', async (status) => {
		sandbox.faults.add(answer(status));
		expect((await run('whisper-1')).error).toBeDefined();
		expect(sandbox.requests).toHaveLength(1);
	});

	it.each(['before', 'during', 'after'] as const)(
		'a connection reset %s the body is an error, and nothing is sent twice',
		async (when) => {
			sandbox.faults.add({ fault: { kind: 'reset', when } });
			const { error } = await run('whisper-1');
			expect(error?.message).toContain('was broken off before its answer came');
			expect(error?.description).toContain('not sent again');
			expect(sandbox.requests).toHaveLength(1);
		},
	);

	it('is tried again where no connection can be made, and then says so', async () => {
		const closed = await startSandbox();
		await closed.close();
		const { error } = await runNode({
			nodeType: new Cloudsway(),
			parameters: { endpointPath: 'x', model: 'whisper-1' },
			credentials: {
				cloudswayApi: {
					type: new CloudswayApi(),
					data: { accessKey: 'some-key', baseUrl: closed.cloudsway.baseUrl },
				},
			},
			items: [item(wav, 'a.wav')],
		});
		expect(error?.message).toContain('could not be reached');
		expect(error?.description).toMatch(/ECONNREFUSED.*'Base URL'.*Tried 4 times/s);
	}, 20_000);

	it.each(['not a url', 'ftp://host', ''])("a base URL '%s' is named", async (baseUrl) => {
		const { error } = await runNode({
			nodeType: new Cloudsway(),
			parameters: { endpointPath: 'x', model: 'whisper-1' },
			credentials: {
				cloudswayApi: { type: new CloudswayApi(), data: { accessKey: 'some-key', baseUrl } },
			},
			items: [item(wav, 'a.wav')],
		});
		expect(error?.message).toContain("'Base URL'");
	});

	it.each([
		['never answers', { kind: 'silence' as const }],
		['answers too slowly', { kind: 'drip' as const, ms: 100 }],
	])('a service that %s ends the item when its time is up', async (_, fault) => {
		sandbox.faults.add({ fault });
		const { error, durationMs } = await run('whisper-1', { options: { timeout: 1 } });
		expect(error?.message).toContain('did not answer within 1 s');
		expect(error?.description).toContain("'Timeout'");
		expect(durationMs).toBeLessThan(4_000);
	});

	it('reads an answer that comes before the upload is done', async () => {
		sandbox.faults.add({ fault: { kind: 'early', status: 413, body: '{"error":"too big"}' } });
		const big = Buffer.alloc(40 * 1024 * 1024);
		const { error } = await run('whisper-1', {}, { items: [item(big, 'a.wav')] });
		expect(error?.message).toMatch(/too large \(413\)|broken off/);
	});

	it('takes a web page for no transcript', async () => {
		sandbox.faults.add(answer(200, {}, '<!doctype html><title>Sign in</title>'));
		const { error } = await run('whisper-1', { responseFormat: 'text' });
		expect(error?.message).toContain('holds no transcript');
		expect(error?.description).toContain('Sign in');
	});

	it('never shows the key, even when the service does', async () => {
		const { error } = await run('whisper-1', {}, { key: 'wrong-key-0123456789' });
		expect(error?.description).toContain('The access key ****** is not valid');
		expect(JSON.stringify(error)).not.toContain('wrong-key-0123456789');
		sandbox.faults.add(answer(302, { location: 'https://x.example/?k=sandbox-access-key' }));
		const redirected = await run('whisper-1');
		expect(redirected.error?.description).toContain('https://x.example/?k=******');
		sandbox.faults.add(answer(200, { 'x-request-id': 'sandbox-access-key' }, '{"text":""}'));
		expect((await run('whisper-1')).items[0]?.json.requestId).toBe('******');
		sandbox.faults.add(answer(200, {}, '{"text":"key sandbox-access-key here"}'));
		const { items } = await run('whisper-1', { simplify: false });
		expect(items[0]?.json.text).toBe('key ****** here');
	});
});

describe('the credential test', () => {
	const test = (data: IDataObject) =>
		testCredential(new CloudswayApi(), {
			...sandbox.cloudsway,
			endpointPaths: '',
			...data,
		} as never);

	it('passes with a good key, with or without a slash at the end of the address', async () => {
		expect((await test({})).status).toBe('OK');
		expect((await test({ baseUrl: `${sandbox.cloudsway.baseUrl}/` })).status).toBe('OK');
	});

	it.each([
		['a bad key', () => ({ accessKey: 'wrong' })],
		['another host', () => ({ baseUrl: sandbox.baseUrl })],
		[
			'a host that serves pages',
			() => ({ baseUrl: `${sandbox.baseUrl}/samples/phrase-16000-16bit.wav?` }),
		],
		['an unreachable host', () => ({ baseUrl: 'http://127.0.0.1:1' })],
	])('fails with %s', async (_, data) => {
		expect((await test(data())).status).toBe('Error');
	});
});
