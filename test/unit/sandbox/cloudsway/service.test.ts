import { createHash } from 'node:crypto';

import { parseSync } from 'subtitle';

import { makeDtmfWav } from '../../../../sandbox/hearing/tones.ts';
import { startSandbox, type Sandbox } from '../../../../sandbox/server.ts';
import {
	DIARIZE,
	FULL,
	MINI,
	WHISPER,
	exchangeRaw,
	phrase,
	refusalOf,
	upload,
	type Model,
	type Upload,
} from '../client.ts';

let sandbox: Sandbox;

beforeAll(async () => {
	sandbox = await startSandbox();
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.clear());

type Fields = NonNullable<Upload['fields']>;

const jsonOf = async (model: Model, options?: Upload) => {
	const response = await upload(sandbox, model, options);
	expect(response.status).toBe(200);
	return (await response.json()) as Record<string, unknown>;
};

const eventsOf = async (model: Model, options: Upload = {}) => {
	const fields: Fields = [...(options.fields ?? []), ['stream', 'true']];
	const response = await upload(sandbox, model, { ...options, fields });
	expect(response.headers.get('content-type')).toContain('text/event-stream');
	return (await response.text())
		.split('\n\n')
		.filter(Boolean)
		.map((event) => JSON.parse(event.replace(/^data: /, '')) as Record<string, unknown>);
};

const dataUrl = (wav: Buffer) => `data:audio/wav;base64,${wav.toString('base64')}`;

const TEXT = 'one two three four five';

describe('the list of models', () => {
	const list = (token: string) =>
		fetch(`${sandbox.cloudsway.baseUrl}/v1/models`, { headers: { authorization: token } });

	it('comes with the right key', async () => {
		const response = await list(`Bearer ${sandbox.cloudsway.accessKey}`);
		expect(response.status).toBe(200);
		const { data } = (await response.json()) as { data: unknown[] };
		expect(data).toHaveLength(4);
		expect(data[0]).toMatchObject({ id: MINI, object: 'model', owned_by: 'system' });
	});

	it.each(['Bearer wrong', 'sandbox-access-key', 'Basic sandbox-access-key', ''])(
		"does not come with '%s'",
		async (token) => {
			const response = await list(token);
			expect(response.status).toBe(401);
			expect(await refusalOf(response)).toContain('not valid');
		},
	);
});

describe('what it hears', () => {
	it('is the answer as JSON, with the tokens used', async () => {
		const seconds = (phrase.length - 44) / 32_000;
		expect(await jsonOf(MINI)).toEqual({
			text: TEXT,
			usage: {
				type: 'tokens',
				input_tokens: Math.ceil(seconds * 10),
				input_token_details: { text_tokens: 0, audio_tokens: Math.ceil(seconds * 10) },
				output_tokens: 5,
				total_tokens: Math.ceil(seconds * 10) + 5,
			},
		});
	});

	it('is nothing in silence', async () => {
		const bytes = makeDtmfWav({ channels: [[]], duration: 1 });
		expect(await jsonOf(MINI, { file: { bytes } })).toMatchObject({ text: '' });
		const fields: Fields = [['response_format', 'verbose_json']];
		expect(await jsonOf(WHISPER, { fields, file: { bytes } })).toMatchObject({ segments: [] });
	});

	it.each([
		['speech.mp3', 'audio/mpeg'],
		['speech.ogg', 'audio/ogg'],
		['clip.webm', 'video/webm'],
	])('in %s are only its bytes, which it names', async (name, type) => {
		const bytes = Buffer.from(`no real ${name}`);
		const sha256 = createHash('sha256').update(bytes).digest('hex');
		const { text } = await jsonOf(FULL, { file: { bytes, name, type } });
		expect(text).toBe(`${name.split('.')[1]} file of ${bytes.length} bytes with sha256 ${sha256}`);
	});

	it('is text with its line end', async () => {
		const response = await upload(sandbox, WHISPER, { fields: [['response_format', 'text']] });
		expect(response.headers.get('content-type')).toContain('text/plain');
		expect(await response.text()).toBe(`${TEXT}\n`);
	});

	it.each(['srt', 'vtt'])('is %s that another library reads', async (format) => {
		const response = await upload(sandbox, WHISPER, { fields: [['response_format', format]] });
		const cues = parseSync(await response.text())
			.filter(({ type }) => type === 'cue')
			.map(({ data }) => data as { text: string; start: number; end: number });
		expect(cues.map(({ text }) => text)).toEqual(['one two three', 'four five']);
		expect(Math.abs((cues[0]?.start ?? 0) - 100)).toBeLessThan(10);
		expect(Math.abs((cues[1]?.end ?? 0) - 1_720)).toBeLessThan(20);
	});

	it('is verbose with segments, words or both, as asked for', async () => {
		const verbose = (...granularities: string[]) =>
			jsonOf(WHISPER, {
				fields: [
					['response_format', 'verbose_json'],
					...granularities.map((value): [string, string] => ['timestamp_granularities[]', value]),
				],
			});
		const plain = await verbose();
		expect(plain).toMatchObject({ task: 'transcribe', text: TEXT, usage: { type: 'duration' } });
		expect(plain).not.toHaveProperty('words');
		expect(plain.segments).toEqual([
			expect.objectContaining({ id: 0, text: ' one two three', temperature: 0 }),
			expect.objectContaining({ id: 1, text: ' four five' }),
		]);
		const words = await verbose('word');
		expect(words).not.toHaveProperty('segments');
		expect((words.words as Array<{ word: string }>).map(({ word }) => word).join(' ')).toBe(TEXT);
		expect(await verbose('word', 'segment')).toEqual({ ...plain, ...words });
	});

	it('is as sure as the tones are pure', async () => {
		const fields: Fields = [['include[]', 'logprobs']];
		const { logprobs } = (await jsonOf(FULL, { fields })) as {
			logprobs: Array<{ token: string; logprob: number; bytes: number[] }>;
		};
		expect(logprobs.map(({ token }) => token).join('')).toBe(TEXT);
		expect(new Set(logprobs.map(({ logprob }) => logprob)).size).toBe(5);
		for (const { token, logprob, bytes } of logprobs) {
			expect(logprob).toBeLessThan(0);
			expect(logprob).toBeGreaterThan(-0.5);
			expect(Buffer.from(bytes).toString()).toBe(token);
		}
	});
});

describe('the event stream', () => {
	it('has a delta a word and the whole text at the end', async () => {
		const events = await eventsOf(MINI);
		expect(events.map(({ type }) => type)).toEqual([
			...Array<string>(5).fill('transcript.text.delta'),
			'transcript.text.done',
		]);
		expect(events.map(({ delta }) => delta as string | undefined).join('')).toBe(TEXT);
		expect(events.at(-1)).toMatchObject({ text: TEXT, usage: { output_tokens: 5 } });
		expect(JSON.stringify(events)).not.toContain('logprob');
	});

	it('has log probabilities where they are asked for', async () => {
		const events = await eventsOf(FULL, { fields: [['include[]', 'logprobs']] });
		const each = events.slice(0, -1).flatMap(({ logprobs }) => logprobs as unknown[]);
		expect(each).toHaveLength(5);
		expect(events.at(-1)?.logprobs).toEqual(each);
	});

	it('has segments with speakers, each after its deltas', async () => {
		const events = await eventsOf(DIARIZE, { fields: [['response_format', 'diarized_json']] });
		expect(events.map(({ type, segment_id, id }) => [type, segment_id ?? id])).toEqual([
			...Array<unknown>(3).fill(['transcript.text.delta', 'seg_001']),
			['transcript.text.segment', 'seg_001'],
			...Array<unknown>(2).fill(['transcript.text.delta', 'seg_002']),
			['transcript.text.segment', 'seg_002'],
			['transcript.text.done', undefined],
		]);
	});

	it('is not for whisper-1, which ignores the wish', async () => {
		expect(await jsonOf(WHISPER, { fields: [['stream', 'true']] })).toMatchObject({ text: TEXT });
	});
});

describe('speakers', () => {
	const spoken = async (bytes: Buffer, fields: Fields = []) => {
		const { segments } = await jsonOf(DIARIZE, {
			fields: [['response_format', 'diarized_json'], ...fields],
			file: { bytes },
		});
		return (segments as Array<{ speaker: string; text: string }>).map(({ speaker, text }) => [
			speaker,
			text,
		]);
	};
	const dialogue = makeDtmfWav({
		channels: [
			[
				{ keys: '12', level: 0.1 },
				{ keys: '34', level: 0.4 },
				{ keys: '5', level: 0.1 },
			],
		],
	});
	const voice = (level: number, duration = 2) =>
		makeDtmfWav({ channels: [[{ keys: '1', level }]], duration });
	const known = (...list: Array<[name: string, reference: string]>): Fields => [
		...list.map(([name]): [string, string] => ['known_speaker_names[]', name]),
		...list.map(([, value]): [string, string] => ['known_speaker_references[]', value]),
	];

	it('are told apart by loudness in one channel', async () => {
		expect(await spoken(dialogue)).toEqual([
			['A', 'one two'],
			['B', 'three four'],
			['A', 'five'],
		]);
	});

	it('are told apart by channel in two, also when they speak at once', async () => {
		const call = makeDtmfWav({
			channels: [[{ keys: '12' }, { keys: '5', start: 2 }], [{ keys: '34', start: 0.4 }]],
		});
		expect(await spoken(call)).toEqual([
			['A', 'one two'],
			['B', 'three four'],
			['A', 'five'],
		]);
	});

	it('are known by the loudness of their samples', async () => {
		const fields = known(['Zoë', dataUrl(voice(0.4))], ['Other', dataUrl(voice(0.02))]);
		expect(await spoken(dialogue, fields)).toEqual([
			['A', 'one two'],
			['Zoë', 'three four'],
			['A', 'five'],
		]);
	});

	it('are not known by a sample that cannot be heard', async () => {
		const fields = known(['Zoë', 'data:audio/amr;base64,IyFBTVIK']);
		expect((await spoken(dialogue, fields))[0]).toEqual(['A', 'one two']);
	});

	it('may have samples of several MiB', async () => {
		const sample = makeDtmfWav({
			sampleRate: 48_000,
			bitDepth: '32',
			channels: [[{ keys: '1', level: 0.4 }], []],
			duration: 9.9,
		});
		expect((await spoken(dialogue, known(['Zoë', dataUrl(sample)])))[1]).toEqual([
			'Zoë',
			'three four',
		]);
	});

	it.each<[string, Fields, string]>([
		['too short a sample', known(['a', dataUrl(voice(0.3, 1.9))]), '2 to 10 seconds'],
		['too long a sample', known(['a', dataUrl(voice(0.3, 10.1))]), '2 to 10 seconds'],
		['a sample by address', known(['a', 'https://example.com/a.wav']), 'data URLs'],
		['a sample of text', known(['a', 'data:text/plain;base64,AAAA']), 'data URLs'],
		['a sample that is not base64', known(['a', 'data:audio/wav;base64,a b']), 'data URLs'],
		['a broken sample', known(['a', 'data:audio/wav;base64,UklGRg==']), 'could not be decoded'],
		['a name without sample', [['known_speaker_names[]', 'a']], 'differ in length'],
		['an empty name', known(['', dataUrl(voice(0.3))]), 'must not be empty'],
		[
			'more than four',
			known(
				...['a', 'b', 'c', 'd', 'e'].map((name): [string, string] => [name, dataUrl(voice(0.3))]),
			),
			'At most 4',
		],
	])('are refused with %s', async (_, fields, message) => {
		const response = await upload(sandbox, DIARIZE, { fields });
		expect(response.status).toBe(400);
		expect(await refusalOf(response)).toContain(message);
	});
});

describe('what it refuses', () => {
	const FORMATS = ['json', 'text', 'srt', 'verbose_json', 'vtt', 'diarized_json'];
	const ALLOWED: Record<Model, string[]> = {
		[MINI]: ['json'],
		[FULL]: ['json'],
		[DIARIZE]: ['json', 'text', 'diarized_json'],
		[WHISPER]: ['json', 'text', 'srt', 'verbose_json', 'vtt'],
	};

	it.each(
		Object.entries(ALLOWED).flatMap(([model, allowed]) =>
			FORMATS.map((format) => [model as Model, format, allowed.includes(format)] as const),
		),
	)('%s with %s: allowed %s', async (model, format, isAllowed) => {
		const response = await upload(sandbox, model, { fields: [['response_format', format]] });
		expect(response.status).toBe(isAllowed ? 200 : 400);
		if (!isAllowed) expect(await refusalOf(response)).toContain(`response_format '${format}'`);
	});

	const VERBOSE: Fields = [['response_format', 'verbose_json']];
	const VAD: Fields = [['chunking_strategy[type]', 'server_vad']];

	it.each<[Model, Fields]>([
		[
			FULL,
			[
				['include[]', 'logprobs'],
				['prompt', 'Digits.'],
				['language', 'en'],
			],
		],
		[WHISPER, [...VERBOSE, ['timestamp_granularities[]', 'word'], ['prompt', 'Digits.']]],
		[
			MINI,
			[
				['temperature', '0'],
				['stream', 'false'],
				['chunking_strategy', 'auto'],
			],
		],
		[
			MINI,
			[
				['temperature', '1'],
				['response_format', 'json'],
			],
		],
		[
			DIARIZE,
			[
				...VAD,
				['chunking_strategy[threshold]', '0.5'],
				['chunking_strategy[prefix_padding_ms]', '300'],
				['chunking_strategy[silence_duration_ms]', '200'],
			],
		],
	])('is not %s with %j', async (model, fields) => {
		expect((await upload(sandbox, model, { fields })).status).toBe(200);
	});

	it.each<[Model, Fields, string]>([
		[MINI, [['model', 'whisper-1']], "Unknown parameter 'model'"],
		[MINI, [['include', 'logprobs']], "Unknown parameter 'include'"],
		[MINI, [['Language', 'en']], "Unknown parameter 'Language'"],
		[MINI, [['file', 'as text']], "Unknown parameter 'file'"],
		[MINI, [['response_format', 'xml']], "response_format 'xml'"],
		[
			MINI,
			[
				['response_format', 'json'],
				['response_format', 'json'],
			],
			'more than once',
		],
		[MINI, [['language', 'english']], "language 'english'"],
		[MINI, [['language', 'EN']], "language 'EN'"],
		[MINI, [['temperature', '1.1']], 'temperature must be between 0 and 1'],
		[MINI, [['temperature', '-0.1']], 'temperature must be between 0 and 1'],
		[MINI, [['temperature', '']], 'temperature must be between 0 and 1'],
		[MINI, [['temperature', 'warm']], 'temperature must be between 0 and 1'],
		[MINI, [['stream', '1']], 'stream must be true or false'],
		[MINI, [['include[]', 'words']], 'include takes logprobs'],
		[WHISPER, [['include[]', 'logprobs']], 'include is not supported'],
		[DIARIZE, [['include[]', 'logprobs']], 'include is not supported'],
		[DIARIZE, [['prompt', 'Digits.']], 'prompt is not supported'],
		[WHISPER, [['timestamp_granularities[]', 'word']], 'needs response_format verbose_json'],
		[WHISPER, [...VERBOSE, ['timestamp_granularities[]', 'sentence']], 'takes word and segment'],
		[DIARIZE, [['timestamp_granularities[]', 'segment']], 'needs response_format verbose_json'],
		[MINI, [['chunking_strategy', 'server_vad']], "chunking_strategy 'server_vad'"],
		[MINI, [['chunking_strategy', '{"type":"server_vad"}']], 'chunking_strategy'],
		[MINI, [['chunking_strategy[type]', 'auto']], 'chunking_strategy[type]'],
		[MINI, [...VAD, ['chunking_strategy', 'auto']], 'chunking_strategy[type]'],
		[MINI, [['chunking_strategy[threshold]', '0.5']], 'chunking_strategy[threshold]'],
		[MINI, [...VAD, ['chunking_strategy[threshold]', '1.5']], 'chunking_strategy[threshold]'],
		[MINI, [...VAD, ['chunking_strategy[prefix_padding_ms]', '1.5']], 'prefix_padding_ms'],
		[MINI, [...VAD, ['chunking_strategy[silence_duration_ms]', '']], 'silence_duration_ms'],
		[MINI, [...VAD, ['chunking_strategy[eagerness]', 'low']], 'Unknown parameter'],
		...([MINI, FULL, WHISPER] as const).map((model): [Model, Fields, string] => [
			model,
			[
				['known_speaker_names[]', 'a'],
				['known_speaker_references[]', dataUrl(makeDtmfWav({ channels: [[]], duration: 3 }))],
			],
			'known speakers are not supported',
		]),
	])('%s with %j', async (model, fields, message) => {
		const response = await upload(sandbox, model, { fields });
		expect(response.status).toBe(400);
		expect(await refusalOf(response)).toContain(message);
	});

	it.each<[string, Upload['file'], string]>([
		['no file', null, "'file' is missing"],
		['an empty file', { bytes: Buffer.alloc(0) }, 'is empty'],
		['a file that is no WAV', { bytes: Buffer.from('RIFF, they said') }, 'could not be decoded'],
		['a name without extension', { name: 'phrase' }, "Invalid file format 'phrase'"],
		[
			'an extension it does not take',
			{ name: 'phrase.opus', type: 'audio/ogg' },
			'Invalid file format',
		],
		['a type that does not fit', { name: 'phrase.wav', type: 'audio/mpeg' }, 'does not fit'],
		['no type', { type: '' }, 'does not fit'],
	])('%s', async (_, file, message) => {
		const response = await upload(sandbox, MINI, { file });
		expect(response.status).toBe(400);
		expect(await refusalOf(response)).toContain(message);
	});

	it('a second file', async () => {
		const { baseUrl, accessKey, endpointPaths } = sandbox.cloudsway;
		const body = new FormData();
		for (const name of ['a.wav', 'b.wav']) {
			body.append('file', new Blob([new Uint8Array(phrase)], { type: 'audio/wav' }), name);
		}
		const url = `${baseUrl}/v1/ai/${endpointPaths[MINI]}/audio/transcriptions`;
		const headers = { authorization: `Bearer ${accessKey}` };
		const response = await fetch(url, { method: 'POST', headers, body });
		expect(response.status).toBe(400);
		expect(await refusalOf(response)).toContain("Unexpected file 'file'");
	});

	it.each([
		['a key', { key: 'wrong-key' }, 401],
		['an endpoint path', { endpointPath: 'unknown' }, 404],
		['an endpoint path of two segments', { endpointPath: 'a%2Fb' }, 404],
		['an endpoint path that is no text', { endpointPath: '%ff' }, 404],
	])('%s it does not know', async (_, options, status) => {
		const response = await upload(sandbox, MINI, options);
		expect(response.status).toBe(status);
		expect(response.headers.get('content-type')).toBe('application/json');
		expect(await response.json()).toMatchObject({ error: { code: String(status) } });
	});

	it('more than 30 seconds for diarization in one piece', async () => {
		const bytes = makeDtmfWav({ sampleRate: 8_000, channels: [[{ keys: '1' }]], duration: 31 });
		const response = await upload(sandbox, DIARIZE, { file: { bytes } });
		expect(response.status).toBe(400);
		expect(await refusalOf(response)).toContain('chunking_strategy is required');
		const fields: Fields = [['chunking_strategy', 'auto']];
		expect(await jsonOf(DIARIZE, { fields, file: { bytes } })).toMatchObject({ text: 'one' });
	});

	const head = (length: number, type: string) => {
		const { accessKey, endpointPaths } = sandbox.cloudsway;
		return [
			`POST /cloudsway/v1/ai/${endpointPaths[MINI]}/audio/transcriptions HTTP/1.1`,
			'host: sandbox',
			`authorization: Bearer ${accessKey}`,
			`content-type: ${type}`,
			`content-length: ${length}`,
			'connection: close',
			'',
			'',
		].join('\r\n');
	};

	it.each([
		['a body that is no form', 'application/json', '{}', 'must be multipart/form-data'],
		['a form without its end', 'multipart/form-data; boundary=x', '--x\r\n', 'cannot be read'],
		[
			'a file without its end',
			'multipart/form-data; boundary=x',
			'--x\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\ncontent-type: audio/wav\r\n\r\nRIFF',
			'cannot be read',
		],
	])('%s', async (_, type, body, message) => {
		const answer = await exchangeRaw(sandbox, head(body.length, type) + body);
		expect(answer).toMatch(/^HTTP\/1\.1 400 /);
		expect(answer).toContain(message);
		expect(await jsonOf(MINI)).toMatchObject({ text: TEXT });
	});

	it('nothing of a request that is broken off, and goes on', async () => {
		const type = 'multipart/form-data; boundary=x';
		const part = '--x\r\ncontent-disposition: form-data; name="a"';
		await exchangeRaw(sandbox, head(1_000_000, type) + part, 50);
		expect(sandbox.requests).toMatchObject([{ complete: false }]);
		expect(await jsonOf(MINI)).toMatchObject({ text: TEXT });
	});
});
