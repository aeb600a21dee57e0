import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import type { IDataObject, INodeParameters } from 'n8n-workflow';

import type { SocketFault } from '../../sandbox/cloudflare/fluxSession.ts';
import { makeDtmfWav } from '../../sandbox/hearing/tones.ts';
import { startSandbox, type Sandbox } from '../../sandbox/server.ts';
import { runCloudflare, type CloudflareRun } from './cloudflareAccess.ts';

/** What happens when the connection, the service or the source lets a recording down. */
let sandbox: Sandbox;

beforeAll(async () => {
	sandbox = await startSandbox();
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.clear());

const PATH = '/@cf/deepgram/flux';

const wav = makeDtmfWav({
	channels: [
		[
			{ keys: '12', start: 0.2 },
			{ keys: '345', start: 1.7 },
			{ keys: '67', start: 3.3 },
		],
	],
	duration: 4.4,
});

const transcribe = (
	options: INodeParameters = {},
	{ parameters, ...rest }: CloudflareRun = {},
	data = wav,
) =>
	runCloudflare(sandbox, 'transcribeFlux', {
		items: [{ binary: { data: { data, fileName: 'call.wav', mimeType: 'audio/wav' } } }],
		...rest,
		parameters: { ...parameters, options: { speed: 4, ...options } },
	});

const lose = (fault: SocketFault, times = 1) =>
	sandbox.faults.add({ path: PATH, times, fault: { kind: 'socket', ...fault } });

/** The output but for the id of the request, which differs by its nature. */
function comparable(json: IDataObject | undefined): IDataObject {
	return { ...json, requestId: undefined };
}

describe('a lost connection', () => {
	let undisturbed: IDataObject;
	beforeAll(async () => {
		undisturbed = comparable((await transcribe()).items[0]?.json);
		expect(undisturbed.text).toBe('one two three four five six seven');
	});

	it.each([0.08, 0.5, 1.2, 1.9, 2.6, 3.0, 3.5, 4.3, 4.6])(
		'at %d s of audio leaves the result as it would be',
		async (dropAtSeconds) => {
			lose({ dropAtSeconds });
			const { items, error } = await transcribe();
			expect(error).toBeUndefined();
			expect(comparable(items[0]?.json)).toEqual(undisturbed);
			expect(sandbox.cloudflare.sessions).toHaveLength(2);
		},
	);

	it('that falls silent near the end is opened again, and nothing is missing', async () => {
		lose({ silentFromSeconds: 1.4 });
		const { items, error } = await transcribe();
		expect(error).toBeUndefined();
		expect(comparable(items[0]?.json)).toEqual(undisturbed);
		expect(sandbox.cloudflare.sessions).toHaveLength(2);
	});

	it('closed in due form is opened again too', async () => {
		lose({ dropAtSeconds: 2, dropCode: 1011 });
		const { items } = await transcribe();
		expect(comparable(items[0]?.json)).toEqual(undisturbed);
	});

	it('is opened again as often as allowed, from the last finished turn on', async () => {
		lose({ dropAtSeconds: 2.1 }, 2);
		const { items, error } = await transcribe({ maxReconnects: 2 });
		expect(error).toBeUndefined();
		expect(comparable(items[0]?.json)).toEqual(undisturbed);
		const heard = sandbox.cloudflare.sessions.map(({ arrivals }) => arrivals.audioSeconds);
		expect(heard).toHaveLength(3);
		expect(heard[2]).toBeLessThan(4.4);
	});

	it('is not opened more often, and what was finished is kept', async () => {
		lose({ dropAtSeconds: 1.5 }, 9);
		const { error } = await transcribe({ maxReconnects: 1 });
		expect(sandbox.cloudflare.sessions).toHaveLength(2);
		expect(error?.message).toContain('The connection to Cloudflare was lost');
		expect(error?.description).toContain('Tried 2 times');
		expect(error?.description).toContain('Transcribed until then: one two three');
	});

	it('leaves no event twice', async () => {
		const events = async () => {
			const { items } = await transcribe({}, { parameters: { output: 'events' } });
			return items.map(({ json }) => json.event).filter((event) => event !== 'Update');
		};
		const expected = await events();
		lose({ dropAtSeconds: 2.2 });
		expect(await events()).toEqual(expected);
	});

	it('is noticed by 15 s of silence while audio flows', async () => {
		lose({ silentFromSeconds: 2 });
		const long = makeDtmfWav({ channels: [[{ keys: '12' }]], duration: 80 });
		const { error } = await transcribe({ maxReconnects: 0 }, {}, long);
		expect(error?.description).toContain('nothing came from Cloudflare for 15 seconds');
		expect(error?.description).toContain('Transcribed until then: one two');
		const [first] = sandbox.cloudflare.sessions;
		const lostAfter = (first?.endedAt ?? Date.now()) - (first?.startedAt ?? 0);
		expect(lostAfter).toBeGreaterThan(15_000);
		expect(lostAfter).toBeLessThan(18_000);
	}, 30_000);

	it('of one channel does not disturb the other', async () => {
		const stereo = makeDtmfWav({
			channels: [[{ keys: '12' }, { keys: '34', start: 2.6 }], [{ keys: '56', start: 1.3 }]],
		});
		const split = { parameters: { channels: 'split' } };
		const expected = comparable((await transcribe({}, split, stereo)).items[0]?.json);
		expect(expected.text).toBe('one two five six three four');
		lose({ dropAtSeconds: 1.6 });
		const { items } = await transcribe({}, split, stereo);
		expect(comparable(items[0]?.json)).toEqual(expected);
		expect(sandbox.cloudflare.sessions).toHaveLength(5);
	});
});

describe('what Cloudflare reports', () => {
	it.each(['Error', 'FatalError'] as const)(
		'as %s fails the item and keeps the text',
		async (type) => {
			const report = { atSeconds: 2, code: 'INTERNAL_SERVER_ERROR', description: 'Model gone <b>' };
			lose({ error: { ...report, type } });
			const { error } = await transcribe();
			expect(error?.message).toContain('(INTERNAL_SERVER_ERROR)');
			expect(error?.description).toContain('Cloudflare says: Model gone &lt;b&gt;');
			expect(error?.description).toContain('Transcribed until then: one two');
			expect(sandbox.cloudflare.sessions).toHaveLength(1);
		},
	);

	it('never shows the token', async () => {
		const description = `bad ${sandbox.cloudflare.apiToken}`;
		lose({ error: { atSeconds: 1, code: 'X', description } });
		const { error } = await transcribe();
		expect(JSON.stringify(error)).toContain('bad ******');
		expect(JSON.stringify(error)).not.toContain(sandbox.cloudflare.apiToken);
	});
});

describe('a refused handshake', () => {
	it('says why: another token', async () => {
		const { error } = await transcribe({}, { credential: { apiToken: 'wrong-token' } });
		expect(error?.message).toContain('401');
		expect(error?.description).toContain('Authentication error (code 10000)');
		expect(JSON.stringify(error)).not.toContain('wrong-token');
	});

	it('says why: another account', async () => {
		const { error } = await transcribe({}, { credential: { accountId: 'nobody' } });
		expect(error?.message).toContain('404');
		expect(error?.description).toContain('(code 7003)');
	});

	it('is final for a used-up quota', async () => {
		const body = JSON.stringify({
			success: false,
			errors: [{ code: 3036, message: 'Daily free allocation used up' }],
		});
		sandbox.faults.add({ path: PATH, times: 9, fault: { kind: 'status', status: 429, body } });
		const { error } = await transcribe();
		expect(error?.message).toContain('429');
		expect(error?.description).toContain('Daily free allocation used up');
		expect(sandbox.cloudflare.sessions).toHaveLength(0);
		expect(sandbox.requests.length).toBeLessThanOrEqual(2);
	});

	it('is tried again where it is temporary', async () => {
		sandbox.faults.add({ path: PATH, fault: { kind: 'status', status: 503, body: '{}' } });
		const { items, error } = await transcribe();
		expect(error).toBeUndefined();
		expect(items[0]?.json.text).toBe('one two three four five six seven');
	});

	it('is no riddle where nobody listens', async () => {
		const { error } = await transcribe(
			{ maxReconnects: 0 },
			{ credential: { baseUrl: 'http://127.0.0.1:9/client/v4' } },
		);
		expect(error?.message).toContain('could not be reached');
	});
});

describe('a slow network', () => {
	it('holds the audio back instead of piling it up, and loses nothing', async () => {
		lose({ bytesPerSecond: 60_000 });
		const { items, error } = await transcribe();
		expect(error).toBeUndefined();
		expect(items[0]?.json.text).toBe('one two three four five six seven');
	}, 30_000);
});

describe('a slow source', () => {
	it('is bridged with silence, which does not show in the result', async () => {
		const server = createServer((_, response) => {
			response.writeHead(200, { 'content-type': 'audio/wav' });
			response.write(wav.subarray(0, 44 + 1.2 * 32_000));
			void delay(11_500).then(() => response.end(wav.subarray(44 + 1.2 * 32_000)));
		}).listen(0, '127.0.0.1');
		await new Promise((resolve) => server.once('listening', resolve));
		const { port } = server.address() as AddressInfo;
		const expected = comparable((await transcribe()).items[0]?.json);
		try {
			const { items, error } = await transcribe(
				{},
				{
					items: [{}],
					parameters: { inputType: 'url', audioUrl: `http://127.0.0.1:${port}/a.wav` },
				},
			);
			expect(error).toBeUndefined();
			expect(sandbox.cloudflare.sessions).toHaveLength(2);
			const bridged = sandbox.cloudflare.sessions[1];
			expect(bridged?.arrivals.longestGapMs).toBeLessThan(6_000);
			const json = comparable(items[0]?.json);
			expect(json.text).toBe(expected.text);
			const starts = (of: IDataObject) => (of.words as IDataObject[]).map(({ start }) => start);
			const expectedStarts = starts(expected);
			starts(json).forEach((start, index) =>
				expect(start).toBeCloseTo(Number(expectedStarts[index]), 1),
			);
		} finally {
			server.closeAllConnections();
			server.close();
		}
	}, 40_000);

	it('that breaks off fails the item and keeps the text', async () => {
		const server = createServer((_, response) => {
			response.writeHead(200, { 'content-length': wav.length });
			response.write(wav.subarray(0, 44 + 1.5 * 32_000));
			void delay(1_500).then(() => response.destroy());
		}).listen(0, '127.0.0.1');
		await new Promise((resolve) => server.once('listening', resolve));
		const { port } = server.address() as AddressInfo;
		try {
			const { error } = await transcribe(
				{},
				{
					items: [{}],
					parameters: { inputType: 'url', audioUrl: `http://127.0.0.1:${port}/a.wav` },
				},
			);
			expect(error?.message).toContain('could not be read to its end');
			expect(error?.description).toContain('Transcribed until then: one two');
		} finally {
			server.closeAllConnections();
			server.close();
		}
	});
});
