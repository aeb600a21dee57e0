import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';

import { CloudflareWorkersAiApi } from '../../credentials/CloudflareWorkersAiApi.credentials.ts';
import { CloudflareWorkersAi } from '../../nodes/CloudflareWorkersAi/CloudflareWorkersAi.node.ts';
import { makeDtmfWav } from '../../sandbox/hearing/tones.ts';
import { startSandbox, type Sandbox } from '../../sandbox/server.ts';
import { recording } from '../recordings.ts';
import { close, listen } from '../listen.ts';
import { runCloudflare, type CloudflareRun } from './cloudflareAccess.ts';
import { runNode, type InputItem } from './engine.ts';

const TEXT = 'one two three four five six';

let sandbox: Sandbox;
let folder: string;
let wav: Buffer;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'nova3-'));
	sandbox = await startSandbox({ samplesDir: folder });
	wav = makeDtmfWav({ channels: [[{ keys: '123 456' }]] });
	await writeFile(join(folder, 'phrase.wav'), wav);
});
afterAll(async () => {
	await sandbox.close();
	await rm(folder, { recursive: true });
});
beforeEach(() => sandbox.clear());

const item = (data: Buffer | Readable, fileName?: string, mimeType?: string): InputItem => ({
	binary: { data: { data, fileName, mimeType } },
});

const run = (options: CloudflareRun = {}) =>
	runCloudflare(sandbox, 'transcribeNova3', { items: [item(wav, 'phrase.wav')], ...options });

const lastRequest = () => {
	const request = sandbox.requests.at(-1);
	if (!request) throw new Error('No request arrived');
	const { searchParams } = new URL(request.path, sandbox.baseUrl);
	return { ...request, query: [...searchParams] };
};

describe('a node as it is put down', () => {
	it('transcribes the file of its item', async () => {
		const { accountId, apiToken, baseUrl } = sandbox.cloudflare;
		const { items, error } = await runNode({
			nodeType: new CloudflareWorkersAi(),
			credentials: {
				cloudflareWorkersAiApi: {
					type: new CloudflareWorkersAiApi(),
					data: { accountId, apiToken, baseUrl },
				},
			},
			items: [item(wav, 'a.wav')],
		});
		expect(error).toBeUndefined();
		expect(items[0]?.json).toMatchObject({ text: expect.stringContaining('one two') as string });
	});
});

describe('the language', () => {
	const silence = makeDtmfWav({ channels: [[]], duration: 1 });

	it.each([{}, { detectLanguage: false }])(
		'is English with the options %j, and a warning says so where nothing was understood',
		async (options) => {
			const { items, hints } = await run({
				items: [item(silence, 'a.wav')],
				parameters: { options },
			});
			expect(items[0]?.json.text).toBe('');
			expect(hints).toMatchObject([
				{ type: 'warning', message: expect.stringContaining("'Detect Language'") as string },
			]);
		},
	);

	it.each([{ language: 'de' }, { detectLanguage: true }])(
		'that is set by %j is not warned of',
		async (options) => {
			const { hints } = await run({ items: [item(silence, 'a.wav')], parameters: { options } });
			expect(hints).toEqual([]);
		},
	);

	it('that was understood is not warned of', async () => {
		expect((await run()).hints).toEqual([]);
	});
});

describe('the file', () => {
	it.each(['filesystem', 'default'] as const)(
		'arrives byte for byte, with its length and type, with %s binaries',
		async (binaryMode) => {
			const { items, error } = await run({ binaryMode });
			expect(error).toBeUndefined();
			expect(items[0]?.json).toMatchObject({
				text: TEXT,
				service: 'cloudflare',
				model: '@cf/deepgram/nova-3',
			});
			const { file, headers, path, query } = lastRequest();
			expect(path).toContain(
				`/accounts/${sandbox.cloudflare.accountId}/ai/run/@cf/deepgram/nova-3`,
			);
			expect(query).toEqual([]);
			expect(file).toMatchObject({
				mimeType: 'audio/wav',
				size: wav.length,
				sha256: createHash('sha256').update(wav).digest('hex'),
			});
			expect(headers['content-length']).toBe(String(wav.length));
			expect(headers['transfer-encoding']).toBeUndefined();
		},
	);

	it('is streamed from a URL, with a length where the sender gives one', async () => {
		const audioUrl = `${sandbox.baseUrl}/samples/phrase.wav`;
		const known = await run({ parameters: { inputType: 'url', audioUrl } });
		expect(known.items[0]?.json.text).toBe(TEXT);
		expect(lastRequest().headers['content-length']).toBe(String(wav.length));
		const unknown = await run({
			parameters: { inputType: 'url', audioUrl: `${audioUrl}?chunked=1` },
		});
		expect(unknown.items[0]?.json.text).toBe(TEXT);
		expect(lastRequest().headers['transfer-encoding']).toBe('chunked');
	});

	it.each([
		['flac', 'audio/flac'],
		['ogg', 'audio/ogg'],
	])('may be %s', async (extension, mimeType) => {
		const bytes = recording(`tone.${extension}`);
		const { items, error } = await run({ items: [item(bytes, `tone.${extension}`)] });
		expect(error).toBeUndefined();
		const sha256 = createHash('sha256').update(bytes).digest('hex');
		expect(items[0]?.json.text).toBe(`${extension} ${bytes.length} bytes sha256 ${sha256}`);
		expect(lastRequest().headers['content-type']).toBe(mimeType);
	});

	it.each([
		['voice.oga', 'application/octet-stream', 'audio/ogg'],
		['noname', 'audio/x-wav', 'audio/wav'],
		['call.amr', 'audio/amr', 'audio/amr'],
		['call.wav', 'text/plain', 'application/octet-stream'],
	])('%s of type %s goes as %s', async (fileName, mimeType, sent) => {
		await run({ items: [item(wav, fileName, mimeType)] });
		expect(lastRequest().headers['content-type']).toBe(sent);
	});

	it('is not sent where it is empty', async () => {
		const { error } = await run({ items: [item(Buffer.alloc(0), 'a.wav')] });
		expect(error?.message).toContain('The audio file is empty');
		expect(sandbox.requests).toEqual([]);
	});

	it('that is too large is refused with the way out', async () => {
		sandbox.cloudflare.maxFileBytes = 1_000;
		const { error } = await run();
		expect(error?.httpCode).toBe('413');
		expect(error?.description).toMatch(/code 3006\).*split or compress/);
	});

	it('that is no audio is refused in Cloudflare’s words', async () => {
		const { error } = await run({ items: [item(Buffer.from('hello'), 'a.wav')] });
		expect(error?.description).toMatch(/no audio that can be decoded \(code 5004\)/);
	});

	it('is sent again, whole, where Cloudflare had no capacity', async () => {
		const body = JSON.stringify({ success: false, errors: [{ code: 3040, message: 'Busy' }] });
		const headers = { 'retry-after': '0' };
		sandbox.faults.add({ times: 2, fault: { kind: 'status', status: 429, body, headers } });
		const { items } = await run();
		expect(items[0]?.json.text).toBe(TEXT);
		expect(sandbox.requests).toHaveLength(3);
		expect(lastRequest().file?.size).toBe(wav.length);
	});
});

describe('a file that says it is no audio', () => {
	it('is refused by name before it is sent', async () => {
		const { error } = await run({ items: [item(Buffer.from('text'), 'notes.txt', 'text/plain')] });
		expect(error?.message).toContain("The file 'notes.txt' of type text/plain is no audio");
		expect(sandbox.requests).toHaveLength(0);
	});
});

describe('a workflow that answers in a stream', () => {
	it.each([true, false])('gets the text as one piece (Simplify: %s)', async (simplify) => {
		const { chunks, items } = await run({ streaming: true, parameters: { simplify } });
		expect(chunks.map(({ type }) => type)).toEqual(['begin', 'item', 'end']);
		expect(chunks[1]?.content).toBe('one two three four five six');
		expect('results' in (items[0]?.json ?? {})).toBe(!simplify);
	});
});

describe('the options', () => {
	it('may come from expressions as text', async () => {
		const options = { diarize: '={{ "true" }}', punctuate: '={{ "false" }}' };
		const { error } = await run({ parameters: { options } });
		expect(error).toBeUndefined();
		expect(lastRequest().query).toEqual([
			['diarize', 'true'],
			['punctuate', 'false'],
		]);
	});

	it('go into the query string, those that are set', async () => {
		const { error } = await run({
			parameters: {
				options: {
					language: 'en-GB',
					detectLanguage: false,
					diarize: true,
					punctuate: true,
					smartFormat: true,
					keyterms: ['n8n', 'a & b'],
					utterances: true,
				},
			},
		});
		expect(error).toBeUndefined();
		expect(lastRequest().query).toEqual([
			['language', 'en-GB'],
			['detect_language', 'false'],
			['diarize', 'true'],
			['punctuate', 'true'],
			['smart_format', 'true'],
			['utterances', 'true'],
			['keyterm', 'n8n'],
			['keyterm', 'a & b'],
		]);
	});

	it('refuse key terms that are too long, before anything is sent', async () => {
		const { error } = await run({ parameters: { options: { keyterms: ['x'.repeat(101)] } } });
		expect(error?.message).toContain("'Key Terms'");
		expect(sandbox.requests).toEqual([]);
	});
});

describe('the transcript', () => {
	it('has words and the whole text as its segment', async () => {
		const { items } = await run({ parameters: { options: { detectLanguage: true } } });
		const { language, segments, words } = items[0]?.json as {
			language: string;
			segments: Array<{ text: string; start: number; end: number; confidence: number }>;
			words: Array<{ text: string; start: number; end: number; confidence: number }>;
		};
		expect(language).toBe('en');
		expect(segments).toHaveLength(1);
		expect(segments[0]).toMatchObject({ text: TEXT, start: words[0]?.start, end: words[5]?.end });
		expect(segments[0]?.confidence).toBeGreaterThan(0.9);
		expect(words.map(({ text }) => text).join(' ')).toBe(TEXT);
		for (const [index, start] of [0.1, 0.3, 0.5].entries()) {
			expect(words[index]?.start).toBeCloseTo(start, 1);
		}
	});

	it('has utterances as segments', async () => {
		const { items } = await run({ parameters: { options: { utterances: true, punctuate: true } } });
		const { segments, text } = items[0]?.json as {
			segments: Array<{ text: string }>;
			text: string;
		};
		expect(segments.map((segment) => segment.text)).toEqual(['One two three.', 'Four five six.']);
		expect(text).toBe('One two three. Four five six.');
	});

	it('has speakers, with and without utterances', async () => {
		const dialogue = makeDtmfWav({
			channels: [
				[
					{ keys: '123', level: 0.4 },
					{ keys: '45', start: 1.5, level: 0.1 },
					{ keys: '6', start: 3, level: 0.4 },
				],
			],
		});
		for (const utterances of [true, false]) {
			const { items } = await run({
				items: [item(dialogue, 'a.wav')],
				parameters: { options: { diarize: true, utterances } },
			});
			const { segments, words } = items[0]?.json as Record<
				'segments' | 'words',
				Array<{ speaker: string; text: string }>
			>;
			expect(segments.map(({ speaker, text }) => [speaker, text])).toEqual([
				['speaker 0', 'one two three'],
				['speaker 1', 'four five'],
				['speaker 0', 'six'],
			]);
			expect(words[3]?.speaker).toBe('speaker 1');
		}
	});

	it.each(['srt', 'vtt'])('comes with %s subtitles', async (subtitles) => {
		const result = await run({
			parameters: { options: { subtitles, utterances: true } },
		});
		const file = await result.binary(result.items[0]!, 'subtitles');
		expect(file.toString()).toMatch(/00:00:00[.,]1\d\d --> [\s\S]*one two three/);
	});

	it('says that subtitles need times', async () => {
		const { error } = await run({
			items: [item(recording('tone.flac'), 'tone.flac')],
			parameters: { options: { subtitles: 'srt' } },
		});
		expect(error?.message).toContain("'Subtitles' could not be made");
	});

	it('is Cloudflare’s own result with Simplify off', async () => {
		const { items } = await run({ parameters: { simplify: false } });
		expect(items[0]?.json).toMatchObject({
			results: { channels: [{ alternatives: [{ transcript: TEXT }] }] },
		});
	});

	it('is text alone for an agent', async () => {
		const audioUrl = `${sandbox.baseUrl}/samples/phrase.wav`;
		const { items } = await run({ asTool: true, parameters: { inputType: 'url', audioUrl } });
		expect(items[0]?.json.response).toEqual([{ text: TEXT }]);
	});

	it('is missing where the answer holds none, and the error says what to do', async () => {
		const body = JSON.stringify({ success: true, result: { odd: 1 }, errors: [], messages: [] });
		sandbox.faults.add({ times: 2, fault: { kind: 'status', status: 200, body } });
		const { error } = await run();
		expect(error?.message).toContain("Cloudflare's answer holds no transcript");
		const { items } = await run({ parameters: { simplify: false } });
		expect(items[0]?.json).toEqual({ odd: 1 });
	});
});

describe('a run', () => {
	it('ends at the time-out', async () => {
		sandbox.faults.add({ fault: { kind: 'silence' } });
		const { error, durationMs } = await run({ parameters: { options: { timeout: 1 } } });
		expect(error?.message).toContain('did not answer within 1 s');
		expect(durationMs).toBeLessThan(6_000);
	});

	it('does not blame Cloudflare for a source that stalls', async () => {
		const stalling = createServer((_, response) => {
			response.writeHead(200, { 'content-type': 'audio/wav', 'content-length': '5000' });
			response.write(wav.subarray(0, 1_000));
		});
		const address = await listen(stalling);
		const { error } = await run({
			parameters: {
				inputType: 'url',
				audioUrl: `${address}/a.wav`,
				options: { timeout: 1 },
			},
		});
		await close(stalling);
		expect(error?.message).toContain('The audio was not read and sent within 1 s');
	});

	it('stops within a second', async () => {
		sandbox.faults.add({ fault: { kind: 'silence' } });
		const { durationMs, status } = await run({ cancelAfterMs: 200 });
		expect(status).toBe('canceled');
		expect(durationMs).toBeLessThan(4_000);
	});

	it('has as many items in flight as asked for, in order', async () => {
		sandbox.faults.add({ times: 8, fault: { kind: 'delay', ms: 100 } });
		const items = Array.from({ length: 8 }, (_, index) =>
			item(makeDtmfWav({ channels: [[{ keys: String(index) }]] }), 'a.wav'),
		);
		const result = await run({ items, parameters: { options: { concurrency: 4 } } });
		expect(result.items.map(({ json }) => json.text)).toEqual([
			'zero',
			'one',
			'two',
			'three',
			'four',
			'five',
			'six',
			'seven',
		]);
		expect(sandbox.mostAtOnce).toBe(4);
	});
});
