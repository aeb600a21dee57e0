import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';

import { hearWav } from '../../../sandbox/hearing/wav.ts';
import { startSandbox, type Sandbox } from '../../../sandbox/server.ts';
import { MINI, WHISPER, exchangeRaw, phrase, upload } from './client.ts';

let sandbox: Sandbox;

beforeAll(async () => {
	sandbox = await startSandbox();
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.clear());

describe('the log of requests', () => {
	it('has what arrived, in order, without the key', async () => {
		await upload(sandbox, MINI, {
			fields: [
				['language', 'en'],
				['prompt', 'Zoë & Co.'],
			],
			file: { name: 'Zoë.wav' },
		});
		const { endpointPaths, accessKey } = sandbox.cloudsway;
		expect(sandbox.requests).toEqual([
			{
				service: 'cloudsway',
				method: 'POST',
				path: `/cloudsway/v1/ai/${endpointPaths[MINI]}/audio/transcriptions`,
				headers: expect.objectContaining({ authorization: 'Bearer ******' }) as unknown,
				fields: [
					['language', 'en'],
					['prompt', 'Zoë & Co.'],
				],
				file: {
					field: 'file',
					name: 'Zoë.wav',
					mimeType: 'audio/wav',
					size: phrase.length,
					sha256: createHash('sha256').update(phrase).digest('hex'),
				},
				complete: true,
				time: expect.closeTo(Date.now(), -4) as number,
				status: 200,
			},
		]);
		expect(JSON.stringify(sandbox.requests)).not.toContain(accessKey);
	});

	it('tells chunked uploads from those of known length', async () => {
		await upload(sandbox, MINI);
		const send = request(`${sandbox.cloudsway.baseUrl}/v1/models`, { method: 'POST' });
		send.write('some');
		send.end('thing');
		await new Promise((resolve) => send.once('response', resolve));
		const [known, chunked] = sandbox.requests.map(({ headers }) => headers);
		expect(Number(known?.['content-length'])).toBeGreaterThan(phrase.length);
		expect(known?.['transfer-encoding']).toBeUndefined();
		expect(chunked?.['transfer-encoding']).toBe('chunked');
		expect(chunked?.['content-length']).toBeUndefined();
	});

	it('counts the most requests under way at once', async () => {
		sandbox.faults.add({ times: 3, fault: { kind: 'delay', ms: 100 } });
		await Promise.all(
			[1, 2, 3].map(() => upload(sandbox, WHISPER).then((answer) => answer.text())),
		);
		expect(sandbox.mostAtOnce).toBe(3);
		sandbox.clear();
		await (await upload(sandbox, WHISPER)).text();
		expect(sandbox.mostAtOnce).toBe(1);
	});
});

describe('large uploads', () => {
	it('are not kept in memory', async () => {
		const { baseUrl, accessKey, endpointPaths } = sandbox.cloudsway;
		const size = 200 * 1024 * 1024;
		const piece = Buffer.alloc(1024 * 1024, 7);
		const head = Buffer.from(
			'--x\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\ncontent-type: audio/wav\r\n\r\n',
		);
		const tail = Buffer.from('\r\n--x--\r\n');
		const send = request(`${baseUrl}/v1/ai/${endpointPaths[MINI]}/audio/transcriptions`, {
			method: 'POST',
			headers: {
				authorization: `Bearer ${accessKey}`,
				'content-type': 'multipart/form-data; boundary=x',
				'content-length': head.length + size + tail.length,
			},
		});
		const answered = new Promise<number | undefined>((resolve, reject) => {
			send.once('response', (response) => {
				response.resume();
				resolve(response.statusCode);
			});
			send.once('error', reject);
		});
		const before = process.memoryUsage().arrayBuffers;
		let most = 0;
		send.write(head);
		for (let sent = 0; sent < size; sent += piece.length) {
			if (!send.write(piece)) await new Promise((resolve) => send.once('drain', resolve));
			most = Math.max(most, process.memoryUsage().arrayBuffers - before);
		}
		send.end(tail);
		// Refused for its size, once it has been read to its end.
		expect(await answered).toBe(413);
		expect(sandbox.requests[0]?.file?.size).toBe(size);
		// Up to 64 MiB of a WAV file are kept to be heard, until it turns out to be longer.
		expect(most).toBeLessThan(150 * 1024 * 1024);
	}, 30_000);
});

describe('control calls', () => {
	const control = (method: string, path: string, body?: string) =>
		fetch(`${sandbox.baseUrl}/control/${path}`, { method, body });

	it('add and remove fault plans', async () => {
		const plan = JSON.stringify({ times: 9, fault: { kind: 'status', status: 503 } });
		expect((await control('POST', 'faults', plan)).status).toBe(201);
		expect((await upload(sandbox, MINI)).status).toBe(503);
		await control('DELETE', 'faults');
		expect((await upload(sandbox, MINI)).status).toBe(200);
	});

	it('show and forget what arrived', async () => {
		await upload(sandbox, MINI);
		const shown = async () => (await (await control('GET', 'requests')).json()) as unknown;
		expect(await shown()).toEqual(JSON.parse(JSON.stringify(sandbox.requests)));
		expect(await shown()).toHaveLength(1);
		await control('DELETE', 'requests');
		expect(await shown()).toEqual([]);
	});

	it.each([
		['POST', 'faults', 'no JSON', 400],
		['POST', 'faults', '{"fault":{}}', 400],
		['POST', 'faults', 'null', 400],
		['PUT', 'faults', '{}', 404],
		['POST', 'others', '{}', 404],
	])('refuse %s %s with %s', async (method, path, body, status) => {
		expect((await control(method, path, body)).status).toBe(status);
		expect((await upload(sandbox, MINI)).status).toBe(200);
	});
});

describe('samples', () => {
	const NAME = 'phrase-16000-16bit.wav';
	const sample = (name: string) =>
		fetch(`${sandbox.baseUrl}/samples/${name}`, { redirect: 'manual' });
	let file: Buffer;

	beforeAll(async () => {
		file = await readFile(join('sandbox', 'samples', NAME));
	});

	it('come with their length and type', async () => {
		const response = await sample(NAME);
		expect(response.headers.get('content-length')).toBe(String(file.length));
		expect(response.headers.get('content-type')).toBe('audio/wav');
		expect(Buffer.from(await response.arrayBuffer())).toEqual(file);
	});

	it('come chunked', async () => {
		const response = await sample(`${NAME}?chunked=1`);
		expect(response.headers.get('content-length')).toBeNull();
		expect(Buffer.from(await response.arrayBuffer())).toEqual(file);
	});

	it('come compressed', async () => {
		const response = await sample(`${NAME}?gzip=1`);
		expect(response.headers.get('content-encoding')).toBe('gzip');
		expect(Buffer.from(await response.arrayBuffer())).toEqual(file);
	});

	it('come under another type, by redirect, or broken off', async () => {
		const typed = await sample(`${NAME}?type=application/octet-stream`);
		expect(typed.headers.get('content-type')).toBe('application/octet-stream');
		await typed.arrayBuffer();
		const redirect = await sample(`${NAME}?redirect=1`);
		expect([redirect.status, redirect.headers.get('location')]).toEqual([302, `/samples/${NAME}`]);
		await expect((await sample(`${NAME}?cut=100`)).arrayBuffer()).rejects.toThrow('terminated');
	});

	it.each([
		['none.wav', 404],
		[`${NAME}?status=503`, 503],
		['..%2Fpackage.json', 404],
		['..', 404],
		['.', 404],
	])('%s is status %i', async (name, status) => {
		expect((await sample(name)).status).toBe(status);
	});

	it('outside the folder are not served', async () => {
		const answer = await exchangeRaw(
			sandbox,
			'GET /samples/../../package.json HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n',
		);
		expect(answer).toMatch(/^HTTP\/1\.1 404 /);
	});

	it.each([
		[NAME, ['one two three four five six']],
		['phrase-8000-8bit.wav', ['one two three four five six']],
		['phrase-44100-24bit.wav', ['one two three four five six']],
		['phrase-48000-32bit.wav', ['one two three four five six']],
		['dialogue-mono.wav', ['one two three four five six seven seven eight nine']],
		['call-stereo.wav', ['one two three seven eight nine', 'four five six seven zero']],
	])('%s says %j', async (name, texts) => {
		const { channels } = hearWav(Buffer.from(await (await sample(name)).arrayBuffer()));
		expect(channels.map((words) => words.map(({ text }) => text).join(' '))).toEqual(texts);
	});
});

describe('the server', () => {
	it('serves a page at other paths, as hosts without a service do', async () => {
		const response = await fetch(`${sandbox.baseUrl}/v1/models`);
		expect(response.status).toBe(404);
		expect(response.headers.get('content-type')).toBe('text/html');
	});

	it('closes at once, whoever is still waiting', async () => {
		const other = await startSandbox();
		other.faults.add({ fault: { kind: 'silence' } });
		const waiting = upload(other, MINI);
		await new Promise((resolve) => setTimeout(resolve, 100));
		await Promise.all([other.close(), expect(waiting).rejects.toThrow('fetch failed')]);
		await expect(fetch(other.baseUrl)).rejects.toThrow('fetch failed');
	});

	it('says where a port is taken', async () => {
		const port = Number(new URL(sandbox.baseUrl).port);
		await expect(startSandbox({ port })).rejects.toThrow('EADDRINUSE');
	});
});
