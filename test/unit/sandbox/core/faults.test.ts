import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';

import { readServerSentEvents } from '../../../../nodes/shared/http/serverSentEvents.ts';
import type { Fault, FaultPlan } from '../../../../sandbox/core/faults.ts';
import { startSandbox, type Sandbox } from '../../../../sandbox/server.ts';
import { DIARIZE, MINI, refusalOf, upload } from '../client.ts';

let sandbox: Sandbox;

beforeAll(async () => {
	sandbox = await startSandbox();
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.clear());

const plan = (fault: Fault, rest: Partial<FaultPlan> = {}) =>
	sandbox.faults.add({ fault, ...rest });
const models = (key = sandbox.cloudsway.accessKey) =>
	fetch(`${sandbox.cloudsway.baseUrl}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
const big = { bytes: Buffer.alloc(24 * 1024 * 1024), name: 'a.mp3', type: 'audio/mpeg' };

describe('a plan', () => {
	const busy: Fault = { kind: 'status', status: 429 };

	it('hits once, unless it says how often', async () => {
		plan(busy);
		expect((await models()).status).toBe(429);
		expect((await models()).status).toBe(200);
		plan(busy, { times: 2 });
		const statuses = [await models(), await models(), await models()].map(({ status }) => status);
		expect(statuses).toEqual([429, 429, 200]);
	});

	it.each<[string, Partial<FaultPlan>]>([
		['another path', { path: '/audio/' }],
		['another method', { method: 'POST' }],
		['another key', { token: 'other-key' }],
	])('for %s leaves a request alone', async (_, rest) => {
		plan(busy, rest);
		expect((await models()).status).toBe(200);
	});

	it('hits the requests of one key', async () => {
		plan(busy, { token: 'other-key', path: '/v1/models', method: 'GET' });
		expect((await models('other-key')).status).toBe(429);
		expect((await models('other-key')).status).toBe(401);
	});

	it('is forgotten by clear', async () => {
		plan(busy, { times: 5 });
		sandbox.faults.clear();
		expect((await models()).status).toBe(200);
	});
});

describe('an answer instead of the service', () => {
	it('has status, headers and body, after the upload was read', async () => {
		const headers = { 'retry-after': '7' };
		plan({ kind: 'status', status: 503, headers, body: '{"error":{"message":"Overloaded"}}' });
		const response = await upload(sandbox, MINI, { file: big });
		expect(response.status).toBe(503);
		expect(response.headers.get('retry-after')).toBe('7');
		expect(response.headers.get('content-type')).toBe('application/json');
		expect(await refusalOf(response)).toBe('Overloaded');
		expect(sandbox.requests).toMatchObject([{ complete: true, status: 503 }]);
	});

	it('can be a web page, a redirect, or one that shows the key', async () => {
		plan({ kind: 'status', status: 200, body: '<!doctype html><title>Sign in</title>' });
		expect((await models()).headers.get('content-type')).toBe('text/html');
		plan({ kind: 'status', status: 307, headers: { location: 'http://127.0.0.1:9/' } });
		const redirect = await upload(sandbox, MINI);
		expect([redirect.status, redirect.headers.get('location')]).toEqual([
			307,
			'http://127.0.0.1:9/',
		]);
		plan({ kind: 'status', status: 401, body: '{"error":{"message":"{token} is not known"}}' });
		expect(await refusalOf(await models())).toBe(`${sandbox.cloudsway.accessKey} is not known`);
	});

	it('can come before the upload was read', async () => {
		plan({ kind: 'early', status: 413, body: '{"error":{"message":"Too large"}}' });
		const response = await upload(sandbox, MINI, { file: big });
		expect(response.status).toBe(413);
		expect(response.headers.get('connection')).toBe('close');
		expect(await refusalOf(response)).toBe('Too large');
		expect(sandbox.requests).toMatchObject([{ complete: false, status: 413 }]);
	});
});

describe('a connection', () => {
	const failure = async (response: Promise<Response>) => {
		const error = await response.then(
			(answer) => answer.text().then(() => undefined, String),
			(reason: Error) => String((reason.cause as Error | undefined)?.message ?? reason.message),
		);
		return error ?? 'none';
	};

	it.each<['before' | 'during' | 'after', boolean]>([
		['before', false],
		['during', false],
		['after', true],
	])('is reset %s the body (arrived whole: %s)', async (when, complete) => {
		plan({ kind: 'reset', when });
		expect(await failure(upload(sandbox, MINI, { file: big }))).not.toBe('none');
		expect(sandbox.requests).toMatchObject([{ complete }]);
		expect(sandbox.requests[0]?.status).toBeUndefined();
		expect(Boolean(sandbox.requests[0]?.file)).toBe(complete);
	});

	it.each(['before', 'during', 'after'] as const)(
		'without a body is reset too (%s)',
		async (when) => {
			plan({ kind: 'reset', when });
			expect(await failure(models())).not.toBe('none');
		},
	);

	it('ends in the middle of the answer', async () => {
		plan({ kind: 'cut', bytes: 20 });
		const response = await models();
		expect(response.status).toBe(200);
		await expect(response.text()).rejects.toThrow();
	});

	it('stays silent until the client gives up', async () => {
		plan({ kind: 'silence' });
		const signal = AbortSignal.timeout(150);
		await expect(upload(sandbox, MINI, { signal })).rejects.toThrow(/timeout/);
		expect(sandbox.requests).toMatchObject([{ complete: true }]);
	});
});

describe('slowness', () => {
	const timed = async (action: () => Promise<unknown>) => {
		const begun = performance.now();
		await action();
		return performance.now() - begun;
	};

	it('before the answer', async () => {
		plan({ kind: 'delay', ms: 200 });
		expect(await timed(models)).toBeGreaterThan(190);
	});

	it('of the answer', async () => {
		plan({ kind: 'drip', ms: 1 });
		const took = await timed(async () => expect((await (await models()).text()).length).toBe(391));
		expect(took).toBeGreaterThan(350);
	});

	it('in reading the upload', async () => {
		plan({ kind: 'slowUpload', bytesPerSecond: 200_000 });
		const file = { bytes: Buffer.alloc(60_000, 1), name: 'a.mp3', type: 'audio/mpeg' };
		const took = await timed(async () =>
			expect((await upload(sandbox, MINI, { file })).status).toBe(200),
		);
		expect(took).toBeGreaterThan(250);
		expect(sandbox.requests[0]?.file?.size).toBe(60_000);
	});
});

describe('an event stream', () => {
	const stream = (fault: Fault | undefined) => {
		if (fault) plan(fault);
		return upload(sandbox, DIARIZE, {
			fields: [
				['response_format', 'diarized_json'],
				['stream', 'true'],
			],
		});
	};
	/** Reads an answer into a list as far as it goes; rejects where it breaks off. */
	const readInto = async (received: Buffer[], { body }: Response) => {
		if (!body) throw new Error('The answer has no body');
		for await (const piece of Readable.fromWeb(body as ReadableStream)) {
			received.push(piece as Buffer);
		}
	};
	const dataIn = async (bytes: Buffer[]) => {
		const data: string[] = [];
		for await (const event of readServerSentEvents(Readable.from(bytes))) data.push(event.data);
		return data;
	};
	const eventsIn = async (response: Response) => {
		const received: Buffer[] = [];
		await readInto(received, response);
		return await dataIn(received);
	};
	const typesIn = (data: string[]) =>
		data.map((text) => (JSON.parse(text) as { type: string }).type);

	it.each<Fault>([
		{ kind: 'events', lineEnd: '\r' },
		{ kind: 'events', lineEnd: '\r\n', pieceBytes: 3 },
		{ kind: 'events', multiline: true, lineEnd: '\r\n' },
		{ kind: 'events', everyMs: 5 },
	])('means the same however it is written (%j)', async (fault) => {
		const plain = (await eventsIn(await stream(undefined))).map(
			(text) => JSON.parse(text) as unknown,
		);
		const written = (await eventsIn(await stream(fault))).map(
			(text) => JSON.parse(text) as unknown,
		);
		expect(written).toEqual(plain);
	});

	it('is really written so', async () => {
		const text = await (
			await stream({ kind: 'events', lineEnd: '\r', multiline: true, decorated: true })
		).text();
		expect(text).not.toContain('\n');
		expect(text).toMatch(/: keep-alive\rid: 1\rdata: \{\rdata: {2}"type"/);
		expect(text).toMatch(/\rdata: \[DONE\]\r\r$/);
	});

	it('ends early, cleanly or not', async () => {
		const early = await eventsIn(await stream({ kind: 'events', stopAfter: 2 }));
		expect(typesIn(early)).toEqual(['transcript.text.delta', 'transcript.text.delta']);

		const received: Buffer[] = [];
		const broken = await stream({ kind: 'events', breakAfter: 2 });
		await expect(readInto(received, broken)).rejects.toThrow('terminated');
		expect(typesIn(await dataIn(received))).toEqual(typesIn(early));
	});

	it('is cut anywhere, counted over all events', async () => {
		const received: Buffer[] = [];
		const response = await stream({ kind: 'cut', bytes: 150 });
		await expect(readInto(received, response)).rejects.toThrow('terminated');
		expect(Buffer.concat(received)).toHaveLength(150);
	});

	it('holds an error', async () => {
		const data = '{"type":"error","error":{"message":"Overloaded"}}';
		const events = await eventsIn(await stream({ kind: 'events', error: { after: 1, data } }));
		expect(typesIn(events)).toEqual(['transcript.text.delta', 'error']);
	});
});
