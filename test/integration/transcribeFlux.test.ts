import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

import type { INodeParameters } from 'n8n-workflow';

import { makeDtmfWav, type Phrase } from '../../sandbox/hearing/tones.ts';
import { startSandbox, type Sandbox } from '../../sandbox/server.ts';
import { runCloudflare, type CloudflareRun } from './cloudflareAccess.ts';

let sandbox: Sandbox;

beforeAll(async () => {
	sandbox = await startSandbox();
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.clear());

/** Runs on one recording, four times as fast as it is spoken. */
const transcribe = (
	data: Buffer | Readable,
	{ parameters, ...rest }: CloudflareRun = {},
	speed = 4,
) =>
	runCloudflare(sandbox, 'transcribeFlux', {
		items: [{ binary: { data: { data, fileName: 'call.wav', mimeType: 'audio/wav' } } }],
		...rest,
		parameters: {
			...parameters,
			options: { speed, ...(parameters?.options as INodeParameters) },
		},
	});

const recording = (...channels: Phrase[][]) => makeDtmfWav({ channels });
const sessions = () => sandbox.cloudflare.sessions;
const queryOf = (path = sessions()[0]?.path ?? '') => [
	...new URL(path, sandbox.baseUrl).searchParams,
];

const mono = recording([{ keys: '123 456' }]);
const stereo = recording(
	[
		{ keys: '12', start: 0.2 },
		{ keys: '789', start: 3.2 },
	],
	[
		{ keys: '45', start: 1.6 },
		{ keys: '0', start: 4.6 },
	],
);

describe('what is heard', () => {
	it('is the common transcript, with a segment for each turn', async () => {
		const { items, error } = await transcribe(mono);
		expect(error).toBeUndefined();
		expect(items).toHaveLength(1);
		const { json, pairedItem } = items[0] ?? {};
		expect(pairedItem).toEqual({ item: 0 });
		expect(json).toMatchObject({
			text: 'one two three four five six',
			duration: Math.round((mono.length - 44) / 32) / 1_000,
			service: 'cloudflare',
			model: '@cf/deepgram/flux',
			requestId: sessions()[0]?.requestId,
			segments: [
				{ turn: 0, text: 'one two three', final: true },
				{ turn: 1, text: 'four five six', final: true },
			],
		});
		const segments = json?.segments as Array<Record<string, number>>;
		expect(Object.keys(segments[0] ?? {}).sort()).toEqual(
			['end', 'endOfTurnConfidence', 'final', 'start', 'text', 'turn'].sort(),
		);
		expect(segments[0]?.start).toBeCloseTo(0.1, 1);
		expect(segments[0]?.end).toBeCloseTo(0.62, 1);
		expect(segments[1]?.start).toBeCloseTo(1.4, 1);
		const words = json?.words as Array<Record<string, number | string>>;
		expect(words.map(({ text }) => text)).toEqual(['one', 'two', 'three', 'four', 'five', 'six']);
		expect(words[3]?.start).toBe(segments[1]?.start);
	});

	it('comes as an item a turn', async () => {
		const { items } = await transcribe(mono, { parameters: { output: 'turns' } });
		expect(items.map(({ json }) => json)).toMatchObject([
			{ turn: 0, text: 'one two three', final: true, words: [{ text: 'one' }, {}, {}] },
			{ turn: 1, text: 'four five six', final: true, words: [{ text: 'four' }, {}, {}] },
		]);
		expect(items.map(({ pairedItem }) => pairedItem)).toEqual([{ item: 0 }, { item: 0 }]);
	});

	it('comes as the events of the service, untouched', async () => {
		const { items } = await transcribe(mono, {
			parameters: { output: 'events', options: { eagerEotThreshold: 0.4 } },
		});
		const events = items.map(({ json }) => json);
		expect(events.map(({ event }) => event).filter((event) => event !== 'Update')).toEqual([
			...['StartOfTurn', 'EagerEndOfTurn', 'EndOfTurn'],
			...['StartOfTurn', 'EagerEndOfTurn', 'EndOfTurn'],
		]);
		expect(events[0]).toMatchObject({ type: 'TurnInfo', request_id: sessions()[0]?.requestId });
		expect(events[0]).not.toHaveProperty('speaker');
		const turns = events.filter(({ event }) => event !== 'Update');
		expect(turns.map(({ transcript }) => transcript)).toEqual(
			sessions()[0]?.events.map(({ transcript }) => transcript),
		);
	});

	it('has subtitles', async () => {
		const run = await transcribe(mono, {
			parameters: { options: { subtitles: 'srt', subtitlesProperty: 'srt' } },
		});
		const srt = await run.binary(run.items[0] ?? { json: {} }, 'srt');
		expect(srt.toString()).toMatch(/^1\n00:00:00,1\d\d --> .*\none two three\n/);
	});

	it('is for an agent its text alone', async () => {
		const { items } = await runCloudflare(sandbox, 'transcribeFlux', {
			asTool: true,
			parameters: {
				inputType: 'url',
				audioUrl: `${sandbox.baseUrl}/samples/phrase-16000-16bit.wav`,
				options: { speed: 4 },
			},
		});
		expect(items[0]?.json).toEqual({ response: [{ text: 'one two three four five six' }] });
	});

	it('is sent on turn by turn where n8n streams', async () => {
		const { chunks } = await transcribe(mono, { streaming: true });
		expect(chunks.map(({ type, content }) => [type, content])).toEqual([
			['begin', undefined],
			['item', 'one two three'],
			['item', ' four five six'],
			['end', undefined],
		]);
	});

	it.each<[string, () => Promise<void>]>([
		['is gone', () => Promise.reject(new Error('The listener is gone'))],
		['never takes anything', () => new Promise(() => undefined)],
	])('does not depend on a listener that %s', async (_, listener) => {
		const { items, error, chunks } = await transcribe(mono, { streaming: true, listener });
		expect(error).toBeUndefined();
		expect(items[0]?.json.text).toBe('one two three four five six');
		expect(chunks.map(({ type }) => type)).toEqual(['begin']);
	});

	it('is the same without types and word times, among messages nobody knows', async () => {
		sandbox.cloudflare.quirks = { withoutType: true, withoutWordTimes: true, strangers: true };
		const { items, error } = await transcribe(mono);
		expect(error).toBeUndefined();
		expect(items[0]?.json).toMatchObject({
			text: 'one two three four five six',
			segments: [{ final: true }, { turn: 1, final: true }],
		});
		const [first, second] = items[0]?.json.segments as Array<{ start: number }>;
		// Spoken at 0.1 and 1.4 s; it is told every quarter of a second what was heard.
		expect(first?.start).toBeGreaterThan(0.09);
		expect(first?.start).toBeLessThan(0.5);
		expect(second?.start).toBeGreaterThan(1.3);
		expect(second?.start).toBeLessThan(1.8);
	});
});

describe('the channels of a stereo recording', () => {
	const text = async (channels: string) => {
		const { items, error } = await transcribe(stereo, { parameters: { channels } });
		expect(error).toBeUndefined();
		return items[0]?.json;
	};

	it('are mixed, or one of them is taken', async () => {
		expect((await text('mix'))?.text).toBe('one two four five seven eight nine zero');
		expect((await text('left'))?.text).toBe('one two seven eight nine');
		expect((await text('right'))?.text).toBe('four five zero');
	});

	it('are speakers of their own, in order of time', async () => {
		const json = await text('split');
		expect(json).toMatchObject({
			text: 'one two four five seven eight nine zero',
			segments: [
				{ text: 'one two', speaker: 'channel 1', turn: 0 },
				{ text: 'four five', speaker: 'channel 2', turn: 0 },
				{ text: 'seven eight nine', speaker: 'channel 1', turn: 1 },
				{ text: 'zero', speaker: 'channel 2', turn: 1 },
			],
		});
		expect((json?.words as object[])[2]).toMatchObject({ text: 'four', speaker: 'channel 2' });
		expect(sessions()).toHaveLength(2);
		const [a, b] = sessions();
		expect(Math.abs((a?.startedAt ?? 0) - (b?.startedAt ?? 0))).toBeLessThan(2_000);
	});

	it('have subtitles while they are spoken, even without word times', async () => {
		sandbox.cloudflare.quirks = { withoutWordTimes: true };
		const run = await transcribe(stereo, {
			parameters: { channels: 'split', options: { subtitles: 'srt' } },
		});
		const srt = (await run.binary(run.items[0] ?? { json: {} }, 'subtitles')).toString();
		const cues = [...srt.matchAll(/:(\d\d),(\d{3}) --> \d\d:\d\d:(\d\d),(\d{3})/g)].map(
			([, second, ms, endSecond, endMs]) => ({
				start: Number(`${second}.${ms}`),
				end: Number(`${endSecond}.${endMs}`),
			}),
		);
		const spoken = [0.2, 1.6, 3.2, 4.6];
		expect(cues).toHaveLength(spoken.length);
		cues.forEach(({ start, end }, index) => {
			// The silence before a turn is none of it, which would begin at 0 and 2 on the other channel.
			expect(start).toBeGreaterThan((spoken[index] ?? 0) - 0.05);
			expect(start).toBeLessThan((spoken[index] ?? 0) + 0.5);
			expect(end - start).toBeGreaterThan(0.1);
		});
	});

	it('are sent live with their speaker, and make up the transcript in its order', async () => {
		const talk = recording(
			[
				// Ends after all the others began, so that it is finished after them.
				{ keys: '1234567890123', start: 0.2 },
				{ keys: '9', start: 5 },
			],
			[
				{ keys: '45', start: 1 },
				{ keys: '6', start: 2.6 },
			],
		);
		const { items, chunks } = await transcribe(talk, {
			streaming: true,
			parameters: { channels: 'split' },
		});
		const segments = items[0]?.json.segments as Array<{ speaker: string; text: string }>;
		expect(segments.map(({ speaker }) => speaker)).toEqual(
			[1, 2, 2, 1].map((number) => `channel ${number}`),
		);
		expect(chunks.map(({ content }) => content ?? '').join('')).toBe(
			segments.map(({ speaker, text }) => `${speaker}: ${text}`).join('\n'),
		);
	});

	it('have their speaker in events too', async () => {
		const { items } = await transcribe(stereo, {
			parameters: { channels: 'split', output: 'events' },
		});
		expect(new Set(items.map(({ json }) => json.speaker))).toEqual(
			new Set(['channel 1', 'channel 2']),
		);
	});

	it.each([
		['channels', "'Channels'", 'left, mix, right, split'],
		['output', "'Output'", 'events, transcript, turns'],
		['audioFormat', "'Audio Format'", 'auto, raw'],
	])('and the like cannot be what is no choice of %s', async (name, displayName, choices) => {
		const { error } = await transcribe(mono, { parameters: { [name]: '={{ "Nonsense" }}' } });
		expect(error?.message).toContain(`${displayName} must be one of ${choices}, but is "Nonsense"`);
		expect(error?.description).toContain(choices);
		expect(sessions()).toHaveLength(0);
	});

	it('cannot be the right one where there is only one', async () => {
		const { error } = await transcribe(mono, { parameters: { channels: 'right' } });
		expect(error?.message).toContain("'Channels' is set to Right");
		expect(sessions()).toHaveLength(0);
	});
});

describe('the request', () => {
	it('carries what was set, the rate of the file and the credential', async () => {
		const wav = makeDtmfWav({ sampleRate: 8_000, channels: [[{ keys: '1' }]] });
		await transcribe(wav, {
			credential: { gatewayId: 'my-gateway' },
			parameters: {
				options: {
					eotThreshold: 0.6,
					eagerEotThreshold: 0.5,
					eotTimeoutMs: 3_000,
					keyterms: ['Workers AI', 'n8n'],
					mipOptOut: true,
					tag: 'label',
					tags: ['a', 'b'],
				},
			},
		});
		const [session] = sessions();
		expect(queryOf().sort()).toEqual(
			[
				['encoding', 'linear16'],
				['sample_rate', '8000'],
				['eot_threshold', '0.6'],
				['eager_eot_threshold', '0.5'],
				['eot_timeout_ms', '3000'],
				['keyterm', 'Workers AI'],
				['keyterm', 'n8n'],
				['mip_opt_out', 'true'],
				['tag', 'label'],
				['tags', 'a,b'],
			].sort(),
		);
		expect(session?.headers).toMatchObject({
			authorization: expect.stringMatching(/^Bearer/) as string,
			'cf-aig-gateway-id': 'my-gateway',
		});
	});

	it('sends nothing that was not set', async () => {
		await transcribe(mono);
		expect(queryOf()).toEqual([
			['encoding', 'linear16'],
			['sample_rate', '16000'],
		]);
		expect(sessions()[0]?.headers).not.toHaveProperty('cf-aig-gateway-id');
		expect(sessions()[0]?.texts).toEqual(['{"type":"CloseStream"}']);
	});

	it('sends frames of 80 ms at the speed set, and none faster within any second', async () => {
		await transcribe(mono, {}, 1.25);
		const [session] = sessions();
		const { arrivals, largestFrame, smallestFrame } = session ?? {};
		expect([smallestFrame, largestFrame]).toEqual([2_560, 2_560]);
		expect(arrivals?.fastestSecond).toBeLessThanOrEqual(1.25 + 0.08 + 1e-9);
		const nominal = ((arrivals?.audioSeconds ?? 0) - 0.08) / 1.25;
		expect(arrivals?.wallSeconds).toBeGreaterThan(nominal - 0.02);
		expect(arrivals?.wallSeconds).toBeLessThan(nominal + 3);
	});

	it.each([11_025, 22_050, 32_000, 96_000])(
		'has 16000 Hz for a recording of %d Hz, which Flux does not document',
		async (sampleRate) => {
			const phrase = [{ keys: '123 456' }];
			const { items, error } = await transcribe(makeDtmfWav({ sampleRate, channels: [phrase] }));
			expect(error).toBeUndefined();
			expect(queryOf()).toContainEqual(['sample_rate', '16000']);
			const { text, duration, segments } = items[0]?.json ?? {};
			expect(text).toBe('one two three four five six');
			const reference = (await transcribe(mono)).items[0]?.json;
			expect(duration).toBeCloseTo(Number(reference?.duration), 2);
			const starts = (of: unknown) => (of as Array<{ start: number }>).map(({ start }) => start);
			starts(segments).forEach((start, index) =>
				expect(start).toBeCloseTo(starts(reference?.segments)[index] ?? NaN, 1),
			);
		},
	);

	it('takes samples without a header at the rate given', async () => {
		const raw = makeDtmfWav({ sampleRate: 8_000, channels: [[{ keys: '12' }]] }).subarray(44);
		const { items } = await transcribe(raw, {
			parameters: { audioFormat: 'raw', sampleRate: 8_000 },
		});
		expect(items[0]?.json.text).toBe('one two');
		expect(queryOf()).toContainEqual(['sample_rate', '8000']);
	});

	it('runs several items at once, in order', async () => {
		const wavs = ['1', '2', '3', '4'].map((keys) => recording([{ keys }]));
		const started = performance.now();
		const { items } = await transcribe(mono, {
			items: wavs.map((data) => ({ binary: { data: { data, fileName: 'a.wav' } } })),
		});
		expect(items.map(({ json }) => json.text)).toEqual(['one', 'two', 'three', 'four']);
		expect(items.map(({ pairedItem }) => pairedItem)).toEqual(
			[0, 1, 2, 3].map((item) => ({ item })),
		);
		expect(performance.now() - started).toBeLessThan(8_000);
	});
});

describe('the end of the recording', () => {
	it('waits for the turn to be closed, with silence', async () => {
		// The star key is a turn that only the time-out ends.
		const { items } = await transcribe(recording([{ keys: '12*' }]), {
			parameters: { options: { eotTimeoutMs: 2_000 } },
		});
		expect(items[0]?.json.segments).toMatchObject([{ text: 'one two star', final: true }]);
		expect(sessions()[0]?.events.at(-1)).toMatchObject({ trigger: 'timeout' });
	});

	it('keeps a turn that is never closed, from its last update', async () => {
		sandbox.faults.add({ fault: { kind: 'socket', openTurns: true } });
		const { items, error } = await transcribe(mono, {
			parameters: { options: { eotTimeoutMs: 1_000 } },
		});
		expect(error).toBeUndefined();
		expect(items[0]?.json).toMatchObject({
			text: 'one two three four five six',
			segments: [{ turn: 0, final: false }],
		});
		const sent = sessions()[0]?.arrivals.audioSeconds ?? 0;
		expect(sent - (mono.length - 44) / 32_000).toBeLessThan(1 + 2 + 0.17);
	});

	it('is reached with no speech at all', async () => {
		const silence = makeDtmfWav({ channels: [[]], duration: 1 });
		const { items, error } = await transcribe(silence);
		expect(error).toBeUndefined();
		expect(items[0]?.json).toEqual({
			text: '',
			duration: 1,
			service: 'cloudflare',
			model: '@cf/deepgram/flux',
			requestId: sessions()[0]?.requestId,
		});
	});

	it('is noticed where the file is cut off', async () => {
		const { items, hints } = await transcribe(mono.subarray(0, mono.length - 5_001));
		expect(items[0]?.json.text).toMatch(/^one two three four five/);
		expect(hints).toMatchObject([
			{ message: expect.stringContaining('cut off') as string, type: 'warning' },
		]);
	});
});

describe('what cannot be transcribed', () => {
	it.each([
		['MP3', Buffer.from('ID3\x04\0\0\0\0')],
		['Ogg', Buffer.from('OggS\0\x02\0\0')],
		['MP4', Buffer.from('\0\0\0\x20ftypM4A ')],
		['FLAC', Buffer.from('fLaC\0\0\0\x22')],
	])('%s is refused by name, with the way out', async (name, data) => {
		const { error } = await transcribe(data);
		expect(error?.message).toContain(`not a WAV file but ${name}`);
		expect(error?.description).toContain("'Transcribe with Nova-3'");
		expect(error?.description).toContain('pcm_s16le');
		expect(sandbox.requests).toHaveLength(0);
	});

	it('is refused where the file is empty or unknown', async () => {
		expect((await transcribe(Buffer.alloc(0))).error?.message).toContain('is empty');
		expect((await transcribe(Buffer.alloc(99, 5))).error?.message).toContain('was not recognised');
	});

	it('says which n8n has a WebSocket where this one has none', async () => {
		const { WebSocket } = globalThis;
		Reflect.deleteProperty(globalThis, 'WebSocket');
		try {
			const { error } = await transcribe(mono);
			expect(error?.message).toContain('needs a WebSocket');
			expect(error?.description).toContain('n8n 2.41');
		} finally {
			globalThis.WebSocket = WebSocket;
		}
	});

	it.each([
		['Speed', { speed: 5 }],
		['Max Reconnects', { maxReconnects: -1 }],
		['Eager End of Turn Threshold', { eagerEotThreshold: 0.8 }],
	])('%s out of range is refused before anything is sent', async (name, options) => {
		const { error } = await transcribe(mono, { parameters: { options } });
		expect(error?.message).toContain(`'${name}'`);
		expect(sandbox.requests).toHaveLength(0);
	});
});

describe('a stop', () => {
	it('closes the sockets within a second', async () => {
		const { status, durationMs } = await transcribe(
			makeDtmfWav({ channels: [[{ keys: '1' }], [{ keys: '2' }]], duration: 60 }),
			{ cancelAfterMs: 700, parameters: { channels: 'split' } },
		);
		expect(status).toBe('canceled');
		expect(durationMs).toBeLessThan(5_000);
		await delay(200);
		expect(sandbox.cloudflare.openSessions).toBe(0);
		expect(sessions().map(({ endedAt }) => endedAt !== undefined)).toEqual([true, true]);
	});
});
