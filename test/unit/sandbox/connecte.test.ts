import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';

import type { CallbackPlan } from '../../../sandbox/connecte/callbacks.ts';
import type { Plan } from '../../../sandbox/connecte/predictions.ts';
import { makeDtmfWav, type Phrase } from '../../../sandbox/hearing/tones.ts';
import { startSandbox, type Sandbox } from '../../../sandbox/server.ts';
import { close, listen } from '../../listen.ts';

type Json = Record<string, unknown>;

let sandbox: Sandbox;
let receiver: Server;
let hook: string;
const received: Array<{ path: string; body: Json }> = [];
/** Statuses the receiver answers with, one a callback; 200 when there are none left. */
const statuses: number[] = [];
const recordings = new Map<string, Buffer>();

beforeAll(async () => {
	sandbox = await startSandbox();
	receiver = createServer((request, response) => {
		const path = request.url ?? '/';
		const recording = recordings.get(path);
		if (recording) return void response.end(recording);
		void text(request).then((body) => {
			received.push({ path, body: JSON.parse(body || '{}') as Json });
			response.writeHead(statuses.shift() ?? 200).end('{}');
		});
	});
	hook = await listen(receiver);
});
beforeEach(() => {
	sandbox.clear();
	received.length = 0;
	statuses.length = 0;
});
afterAll(async () => {
	await sandbox.close();
	await close(receiver);
});

async function call(
	path: string,
	{ method = 'GET', body, headers }: { method?: string; body?: unknown; headers?: Json } = {},
): Promise<{ status: number; type: string; json: Json }> {
	const { apiToken, baseUrl } = sandbox.connecte.credential;
	const answer = await fetch(`${baseUrl}${path}`, {
		method,
		headers: {
			authorization: `Bearer ${apiToken}`,
			'content-type': 'application/json',
			...(headers as Record<string, string>),
		},
		body: body === undefined ? undefined : JSON.stringify(body),
	});
	const type = answer.headers.get('content-type') ?? '';
	const json = type.includes('json') ? ((await answer.json()) as Json) : {};
	return { status: answer.status, type, json };
}

const create = (body: Json, headers: Json = {}, model = 'sandbox/echo') =>
	call(`/${model}`, { method: 'POST', body, headers });
const read = (id: unknown) => call(`/predictions/${String(id)}`);
const cancel = (id: unknown) => call(`/predictions/${String(id)}/cancel`, { method: 'POST' });

async function until<T>(look: () => T | Promise<T>, good: (value: T) => boolean): Promise<T> {
	for (let tries = 0; tries < 200; tries++) {
		const value = await look();
		if (good(value)) return value;
		await new Promise((resolve) => setTimeout(resolve, 10));
	}
	throw new Error('It did not come to that within 2 seconds');
}

const ended = (id: unknown) =>
	until(
		async () => (await read(id)).json,
		({ status }) => ['succeeded', 'failed', 'canceled'].includes(String(status).toLowerCase()),
	);

describe('what it refuses', () => {
	it.each([
		['no token', { authorization: '' }, 401],
		['a wrong token', { authorization: 'Bearer wrong' }, 401],
		['a token without rights', { authorization: 'Bearer connecte-no-rights' }, 403],
	])('%s', async (_, headers, status) => {
		const answer = await call('/predictions/1', { headers });
		expect(answer.status).toBe(status);
		expect(typeof answer.json.detail).toBe('string');
	});

	it('unknown predictions and models, in JSON', async () => {
		expect(await read('00000000-0000-0000-0000-000000000000')).toMatchObject({
			status: 404,
			json: { detail: 'Not found.' },
		});
		expect((await cancel('unknown')).status).toBe(404);
		expect((await create({}, {}, 'openai/unknown')).status).toBe(404);
		expect((await create({}, {}, 'constructor/prototype')).status).toBe(404);
	});

	it('another address by a web page', async () => {
		const answer = await fetch(`${sandbox.baseUrl}/connecte/predictions/1`);
		expect(answer.status).toBe(404);
		expect(answer.headers.get('content-type')).toContain('text/html');
	});

	it.each([
		[{}, 'text: is required'],
		[{ text: 1 }, 'text: must be string'],
		[{ text: 'a', count: 9 }, 'count: must be <= 5'],
		[{ text: 'a', mode: 'loud' }, 'mode: must be equal to one of the allowed values'],
		[{ text: 'a', extra: {} }, 'extra.key: is required'],
		[{ text: 'a', volume: 1 }, 'volume: unknown field'],
		[{ input: { text: 'a' } }, 'input: unknown field'],
	])("input %j that is not as the model's schema says", async (input, message) => {
		const { status, json } = await create(input as Json);
		expect(status).toBe(400);
		expect(json.detail).toContain(message);
		expect(sandbox.connecte.predictions.size).toBe(0);
	});

	it.each([
		[{ 'webhook-url': 'http://example.com/hook' }],
		[{ 'x-webhook-url': 'not an address' }],
		[{ prefer: 'LATER' }],
		[{ prefer: 'SYNC', 'request-timeout': '1.5' }],
		[{ 'content-type': 'text/plain' }],
	])('a create request with the headers %j', async (headers) => {
		expect((await create({ text: 'a' }, headers)).status).toBe(400);
	});
});

describe('a prediction', () => {
	it('goes through its states and ends with output, runtime and cost', async () => {
		const { json } = await create({ text: 'hi', count: 2, plan: { durationMs: 300 } });
		expect(json).toEqual({
			id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
			input: { text: 'hi', count: 2, mode: 'plain', loud: false },
			status: 'pending',
			output: null,
			source: 'api',
			runtime: null,
			created_at: expect.stringMatching(/\.\d{6}Z$/) as string,
		});
		const seen = new Set<unknown>();
		const last = await until(
			async () => (await read(json.id)).json,
			({ status }) => seen.add(status) && status === 'succeeded',
		);
		expect([...seen]).toEqual(['pending', 'queued', 'starting', 'processing', 'succeeded']);
		expect(last).toMatchObject({ output: { text: 'hi hi' } });
		expect(last.runtime).toBeGreaterThanOrEqual(0.29);
		expect(last.cost).toBeGreaterThan(0);
		expect(sandbox.connecte.reads.get(String(json.id))).toBeGreaterThan(5);
	});

	it.each([
		['error', { error: 'The model ran out of memory' }],
		['message', { message: 'The model ran out of memory' }],
		['detail', { detail: 'The model ran out of memory' }],
		['output.error', { output: { error: 'The model ran out of memory' } }],
		['none', { output: null }],
	])('that fails has its message in %s', async (errorField, expected) => {
		const plan = { outcome: 'failed', errorField } as Plan;
		const { json } = await create({ text: 'a', plan });
		const last = await ended(json.id);
		expect(last).toMatchObject({ status: 'failed', ...expected });
		if (errorField === 'none') expect(JSON.stringify(last)).not.toContain('memory');
	});

	it('takes a time from a range, and each plan of a list once', async () => {
		sandbox.connecte.setPlan({ durationMs: [100, 200] });
		sandbox.connecte.planNext({ durationMs: 0 }, { statusCase: 'title' });
		await Promise.all(Array.from({ length: 42 }, () => create({ text: 'a' })));
		const all = [...sandbox.connecte.predictions.values()];
		const times = all.map(({ durationMs }) => durationMs);
		expect(times.filter((time) => time === 0)).toHaveLength(1);
		expect(times.filter((time) => time >= 100 && time <= 200)).toHaveLength(41);
		expect(new Set(times).size).toBeGreaterThan(30);
		const capitals = all.filter((one) => /^[A-Z]/.test(String(one.json().status)));
		expect(capitals).toHaveLength(1);
	});

	it('is cancelled while it works, and not after its end', async () => {
		const { json } = await create({ text: 'a', plan: { durationMs: 60_000 } });
		expect((await cancel(json.id)).json).toMatchObject({ status: 'canceled', output: null });
		expect((await read(json.id)).json.status).toBe('canceled');
		const done = (await create({ text: 'a' }, { prefer: 'SYNC' })).json;
		expect((await cancel(done.id)).json).toEqual(done);
	});
});

describe('SYNC', () => {
	it('answers at the end', async () => {
		const { json } = await create({ text: 'a', plan: { durationMs: 200 } }, { prefer: 'SYNC' });
		expect(json).toMatchObject({ status: 'succeeded', output: { text: 'a' } });
	});

	it('answers with what there is after Request-Timeout', async () => {
		const begun = Date.now();
		const headers = { prefer: 'SYNC', 'request-timeout': '1' };
		const { json } = await create({ text: 'a', plan: { durationMs: 5_000 } }, headers);
		expect(json).toMatchObject({ status: 'queued', output: null });
		expect(Date.now() - begun).toBeGreaterThanOrEqual(990);
		expect(Date.now() - begun).toBeLessThan(2_000);
	});
});

describe('callbacks', () => {
	const created = async (callback: CallbackPlan, more: Plan = {}, header = 'webhook-url') =>
		(await create({ text: 'a', plan: { callback, ...more } as Json }, { [header]: `${hook}/hook` }))
			.json;
	const came = (count: number) =>
		until(
			() => received,
			({ length }) => length === count,
		);
	const quiet = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

	it.each(['webhook-url', 'x-webhook-url'])('go to the address in %s', async (header) => {
		const { id } = await created({}, {}, header);
		await came(1);
		expect(received[0]).toEqual({ path: '/hook', body: (await read(id)).json });
		expect(sandbox.connecte.deliveries).toMatchObject([{ predictionId: id, status: 200 }]);
	});

	it('come once, whatever is answered', async () => {
		statuses.push(500);
		await created({ kind: 'once' });
		await came(1);
		await quiet(500);
		expect(received).toHaveLength(1);
	});

	it('are repeated until they are taken', async () => {
		statuses.push(503, 409);
		await created({ kind: 'retried' });
		await came(3);
		await quiet(300);
		expect(sandbox.connecte.deliveries.map(({ status }) => status)).toEqual([503, 409, 200]);
	});

	it('come in copies at once, and for a failure as well', async () => {
		await created({ copies: 3 }, { outcome: 'failed' });
		await came(3);
		expect(received.map(({ body }) => body.status)).toEqual(['failed', 'failed', 'failed']);
	});

	it('come before the answer to the create request', async () => {
		const { status } = await created({ kind: 'early' }, { durationMs: 60_000 });
		expect(received).toHaveLength(1);
		expect(status).toBe('succeeded');
	});

	it('come late', async () => {
		const { id } = await created({ delayMs: 300 });
		await ended(id);
		expect(received).toHaveLength(0);
		await came(1);
	});

	it('are forged: the prediction says something else', async () => {
		const { id } = await created({ kind: 'forged' }, { durationMs: 60_000 });
		await came(1);
		expect(received[0]?.body).toMatchObject({ id, status: 'succeeded' });
		expect((await read(id)).json.status).toBe('pending');
	});

	it('never come when planned so, or when the prediction is cancelled', async () => {
		const { id } = await created({ kind: 'never' });
		await ended(id);
		await cancel((await created({}, { durationMs: 60_000 })).id);
		await quiet(100);
		expect(received).toHaveLength(0);
	});

	it('do not leave the machine', async () => {
		await create({ text: 'a' }, { 'webhook-url': 'https://n8n.example/hook' });
		const [delivery] = await until(
			() => sandbox.connecte.deliveries,
			([first]) => first?.error !== undefined,
		);
		expect(delivery?.error).toContain('loopback');
	});
});

describe('openai/whisper', () => {
	const transcribe = async (channels: Phrase[][], input: Json = {}) => {
		recordings.set('/a.wav', makeDtmfWav({ channels }));
		const body = { audio: `${hook}/a.wav`, ...input };
		return (await create(body, { prefer: 'SYNC' }, 'openai/whisper')).json;
	};

	it("hears the recording it fetches, in the service's shape and spelling", async () => {
		const { input, output, status } = await transcribe([[{ keys: '12 34' }]]);
		expect(status).toBe('succeeded');
		expect(input).toEqual({
			audio: `${hook}/a.wav`,
			model: 'large-v3-turbo',
			diarize: false,
			language: 'auto',
			speakers: 1,
			word_timestamp: false,
		});
		expect(output).toMatchObject({
			segments: [
				{ id: 0, text: ' one two' },
				{ id: 1, text: ' three four' },
			],
			transcirption: ' one two three four',
			translation: null,
			detected_language: 'en',
		});
		const [first, second] = (output as { segments: Array<{ start: number; end: number }> })
			.segments;
		expect(first?.start).toBeCloseTo(0.1, 1);
		expect(first?.end).toBeCloseTo(0.42, 1);
		expect(second?.start).toBeCloseTo(1.2, 1);
	});

	it('gives words their times when asked, and the language that was named', async () => {
		const { output } = await transcribe([[{ keys: '78' }]], {
			word_timestamp: true,
			language: 'ru',
		});
		expect(output).toMatchObject({
			detected_language: 'ru',
			segments: [{ words: [{ word: 'seven' }, { word: 'eight' }] }],
		});
	});

	it('tells as many speakers apart as it was told', async () => {
		const channels = [[{ keys: '1' }], [{ keys: '2', start: 1 }]];
		const two = await transcribe(channels, { diarize: true, speakers: 2 });
		expect(two.output).toMatchObject({
			segments: [
				{ text: ' one', speaker: 'SPEAKER_00' },
				{ text: ' two', speaker: 'SPEAKER_01' },
			],
		});
		const one = await transcribe(channels, { diarize: true, speakers: 1 });
		expect((one.output as { segments: unknown[] }).segments).toHaveLength(1);
	});

	it.each([
		['/none', 'could not be'],
		['/not-audio', 'decoded'],
	])('fails where %s is no recording', async (path, message) => {
		recordings.set('/not-audio', Buffer.from('plain text'));
		const audio = path === '/none' ? 'http://127.0.0.1:9/a.wav' : `${hook}${path}`;
		const { json } = await create({ audio }, { prefer: 'SYNC' }, 'openai/whisper');
		expect(json).toMatchObject({
			status: 'failed',
			error: expect.stringContaining(message) as string,
		});
	});

	it('takes addresses only', async () => {
		const { status, json } = await create({ audio: 'data' }, {}, 'openai/whisper');
		expect([status, json.detail]).toEqual([400, ['audio: must match format "uri"']]);
	});
});

it('is steered and looked at from other processes', async () => {
	const control = `${sandbox.baseUrl}/connecte/control`;
	const post = (path: string, body: unknown) =>
		fetch(`${control}${path}`, { method: 'POST', body: JSON.stringify(body) });
	await post('/plan', { durationMs: 0 });
	await post('/next', [{ outcome: 'failed' }]);
	const { id } = (await create({ text: 'a' })).json;
	expect((await ended(id)).status).toBe('failed');
	expect((await ended((await create({ text: 'a' })).json.id)).status).toBe('succeeded');
	const state = (await (await fetch(`${control}/state`)).json()) as {
		predictions: Json[];
		reads: Record<string, number>;
	};
	expect(state.predictions).toHaveLength(2);
	expect(state.reads[String(id)]).toBeGreaterThan(0);
	await fetch(control, { method: 'DELETE' });
	expect(sandbox.connecte.predictions.size).toBe(0);
});
