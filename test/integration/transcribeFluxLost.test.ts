import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

import type { IDataObject, INodeParameters } from 'n8n-workflow';

import type { SocketFault } from '../../sandbox/cloudflare/fluxSession.ts';
import { makeDtmfWav } from '../../sandbox/hearing/tones.ts';
import { startSandbox, type Sandbox } from '../../sandbox/server.ts';
import { close, listen } from '../listen.ts';
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

	it('does not count where a turn was finished since: a long recording outlives many', async () => {
		const turns = [0.2, 1.8, 3.4, 5, 6.6].map((start, index) => ({
			keys: String(index + 1),
			start,
		}));
		const long = makeDtmfWav({ channels: [turns], duration: 7.8 });
		// Each session finishes one turn and loses the next.
		lose({ dropAtSeconds: 2 }, 4);
		const { items, error } = await transcribe({ maxReconnects: 1 }, {}, long);
		expect(error).toBeUndefined();
		expect(items[0]?.json.text).toBe('one two three four five');
		expect(sandbox.cloudflare.sessions).toHaveLength(5);
	}, 30_000);

	it('is opened again after an outage that uses up no reconnects', async () => {
		lose({ dropAtSeconds: 2 });
		// Three times neither the WebSocket nor the question why can be answered.
		sandbox.faults.add({ path: PATH, times: 6, fault: { kind: 'reset', when: 'before' } });
		const { items, error } = await transcribe({ maxReconnects: 1 });
		expect(error).toBeUndefined();
		expect(comparable(items[0]?.json)).toEqual(undisturbed);
		expect(sandbox.cloudflare.sessions).toHaveLength(2);
	}, 30_000);

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
	it.each(['INTERNAL_SERVER_ERROR', 'NET-0000', 'NET-0001'])(
		'as its own failure %s is one more reconnect',
		async (code) => {
			lose({ error: { atSeconds: 2, code, description: 'Try again' } });
			const { items, error } = await transcribe({ maxReconnects: 1 });
			expect(error).toBeUndefined();
			expect(items[0]?.json.text).toBe('one two three four five six seven');
			expect(sandbox.cloudflare.sessions).toHaveLength(2);
		},
	);

	it('as its own failure too often fails the item and says how often', async () => {
		const report = { atSeconds: 1.3, code: 'INTERNAL_SERVER_ERROR', description: 'Model gone' };
		sandbox.faults.add({ path: PATH, times: 9, fault: { kind: 'socket', error: report } });
		const { error } = await transcribe({ maxReconnects: 1 });
		expect(error?.message).toContain('(INTERNAL_SERVER_ERROR)');
		expect(error?.description).toContain('Model gone. Tried 2 times.');
	});

	it.each(['Error', 'FatalError'] as const)(
		'about the request as %s fails the item and keeps the text',
		async (type) => {
			const report = { atSeconds: 2, code: 'DATA-0000', description: 'Model gone <b>' };
			lose({ error: { ...report, type } });
			const { error } = await transcribe();
			expect(error?.message).toContain('(DATA-0000)');
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

	describe('that hangs', () => {
		const timeout = AbortSignal.timeout.bind(AbortSignal);
		beforeEach(() => {
			// Each limit passes a hundred times as fast.
			jest.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => timeout(ms / 100));
		});
		afterEach(() => jest.restoreAllMocks());

		it('is tried again, even where the question why hangs too', async () => {
			sandbox.faults.add({ path: PATH, times: 2, fault: { kind: 'silence' } });
			const { items, error } = await transcribe({ maxReconnects: 1 });
			expect(error).toBeUndefined();
			expect(items[0]?.json.text).toBe('one two three four five six seven');
		});

		it('advises nothing that the operation does not have', async () => {
			sandbox.faults.add({ path: PATH, times: 2, fault: { kind: 'silence' } });
			const { error } = await transcribe({ maxReconnects: 0 });
			expect(error?.message).toContain('did not answer within 30 s');
			expect(error?.description).not.toContain("'Timeout'");
			expect(error?.description).toContain('try again later');
		});
	});

	it('names what may not be taken where Cloudflare does not say why', async () => {
		sandbox.faults.add({ path: PATH, fault: { kind: 'reset', when: 'before' } });
		const options = { maxReconnects: 0, keyterms: ['n8n', '<b>'], eotTimeoutMs: 3_000 };
		const { error } = await transcribe(options);
		expect(error?.message).toContain('did not open the WebSocket');
		expect(error?.description).toContain(
			"a sample rate of 16000 Hz, 'End of Turn Timeout' 3000, 'Key Terms' n8n, &lt;b&gt;.",
		);
		expect(error?.description).not.toContain('Threshold');
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
		});
		const address = await listen(server);
		const expected = comparable((await transcribe()).items[0]?.json);
		try {
			const { items, error } = await transcribe(
				{},
				{
					items: [{}],
					parameters: { inputType: 'url', audioUrl: `${address}/a.wav` },
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
			await close(server);
		}
	}, 40_000);

	/** Serves the recording up to here so many times, then breaks off; after that, the whole of it. */
	async function servedTo(
		seconds: number,
		times: number,
		run: (audioUrl: string) => Promise<void>,
	) {
		let opened = 0;
		const server = createServer((_, response) => {
			response.writeHead(200, { 'content-length': wav.length });
			if (opened++ >= times) return void response.end(wav);
			response.write(wav.subarray(0, 44 + seconds * 32_000));
			void delay(1_500).then(() => response.destroy());
		});
		const address = await listen(server);
		try {
			await run(`${address}/a.wav`);
		} finally {
			await close(server);
		}
	}
	const fromUrl = (audioUrl: string, more: CloudflareRun = {}) => ({
		items: [{}],
		...more,
		parameters: { inputType: 'url', audioUrl },
	});

	it('that breaks off is opened again, and nothing is missing', async () => {
		const expected = comparable((await transcribe()).items[0]?.json);
		await servedTo(1.5, 1, async (audioUrl) => {
			const { items, error } = await transcribe({ maxReconnects: 1 }, fromUrl(audioUrl));
			expect(error).toBeUndefined();
			expect(comparable(items[0]?.json)).toEqual(expected);
		});
	});

	it('that breaks off too often fails the item and keeps the text', async () => {
		await servedTo(1.5, 9, async (audioUrl) => {
			const { error } = await transcribe({ maxReconnects: 1 }, fromUrl(audioUrl));
			expect(error?.message).toContain('could not be read to its end');
			expect(error?.description).toContain("download it with an 'HTTP Request' node first");
			expect(error?.description).toContain('Tried 2 times.');
			expect(error?.description).toContain('Transcribed until then: one two');
		});
	});

	it('that breaks off within a turn leaves what was heard of it as data', async () => {
		await servedTo(2.2, 9, async (audioUrl) => {
			const run = fromUrl(audioUrl, { continueOnFail: true });
			const { items } = await transcribe({ maxReconnects: 0 }, run);
			expect(items[0]?.json).toMatchObject({
				error: expect.stringContaining('could not be read to its end') as string,
				details: expect.stringContaining('one two three') as string,
				transcript: {
					text: expect.stringMatching(/^one two three/) as string,
					segments: [
						{ text: 'one two', final: true, turn: 0 },
						{ text: expect.stringMatching(/^three/) as string, final: false, turn: 1 },
					],
					words: expect.arrayContaining([expect.objectContaining({ text: 'three' })]) as object[],
					service: 'cloudflare',
				},
			});
		});
	});
});

describe('what was heard', () => {
	const split = { parameters: { channels: 'split' }, continueOnFail: true };

	it('in every channel is kept as data where one channel fails', async () => {
		const stereo = makeDtmfWav({
			channels: [[{ keys: '12' }, { keys: '34', start: 2.6 }], [{ keys: '56', start: 1.3 }]],
			duration: 20,
		});
		const report = { atSeconds: 6, code: 'DATA-0000', description: 'Unreadable' };
		lose({ error: report });
		const { items } = await transcribe({}, split, stereo);
		expect(items[0]?.json).toMatchObject({
			error: expect.stringContaining('(DATA-0000)') as string,
			transcript: {
				text: 'one two five six three four',
				segments: [
					{ speaker: 'channel 1', text: 'one two' },
					{ speaker: 'channel 2', text: 'five six' },
					{ speaker: 'channel 1', text: 'three four' },
				],
			},
		});
	});

	it('nothing leaves no transcript', async () => {
		lose({ error: { atSeconds: 0.08, code: 'DATA-0000', description: 'Unreadable' } });
		const { items } = await transcribe({}, { continueOnFail: true });
		expect(items[0]?.json).toHaveProperty('error');
		expect(items[0]?.json).not.toHaveProperty('transcript');
	});
});
