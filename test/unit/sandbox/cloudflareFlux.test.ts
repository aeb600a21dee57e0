import { createHash } from 'node:crypto';
import { once } from 'node:events';

import WebSocket from 'ws';

import type { TurnEvent } from '../../../sandbox/cloudflare/turns.ts';
import { makeDtmfWav, type Phrase } from '../../../sandbox/hearing/tones.ts';
import { startSandbox, type Sandbox } from '../../../sandbox/server.ts';

/** The sandbox's Flux, driven by the `ws` client as the published sample session does it. */
const SAMPLE_RATE = 16_000;
const FRAME_BYTES = (SAMPLE_RATE * 2 * 80) / 1_000;

let sandbox: Sandbox;

beforeAll(async () => {
	sandbox = await startSandbox();
});

afterEach(() => sandbox.clear());

afterAll(() => sandbox.close());

type Message = Partial<TurnEvent> & {
	type?: string;
	request_id?: string;
	sequence_id?: number;
	code?: string;
	description?: string;
};

interface Session {
	socket: WebSocket;
	messages: Message[];
	closed: Promise<number>;
}

function pcmOf(phrases: Phrase[], duration = 0): Buffer {
	return makeDtmfWav({ sampleRate: SAMPLE_RATE, channels: [phrases], duration }).subarray(44);
}

function addressOf(query: Record<string, string | string[]> = {}): string {
	const { accountId, baseUrl } = sandbox.cloudflare;
	const search = new URLSearchParams({ encoding: 'linear16', sample_rate: String(SAMPLE_RATE) });
	for (const [name, value] of Object.entries(query)) {
		search.delete(name);
		for (const one of [value].flat()) search.append(name, one);
	}
	return `${baseUrl.replace('http', 'ws')}/accounts/${accountId}/ai/run/@cf/deepgram/flux?${search}`;
}

async function open(query?: Record<string, string | string[]>): Promise<Session> {
	const socket = new WebSocket(addressOf(query), {
		headers: { Authorization: `Bearer ${sandbox.cloudflare.apiToken}` },
	});
	const messages: Message[] = [];
	socket.on('message', (data: Buffer) => {
		const text = data.toString();
		messages.push(text.startsWith('{') ? (JSON.parse(text) as Message) : {});
	});
	const closed = new Promise<number>((resolve) => socket.once('close', resolve));
	await once(socket, 'open');
	return { socket, messages, closed };
}

function stream({ socket }: Session, pcm: Buffer): void {
	for (let start = 0; start < pcm.length; start += FRAME_BYTES) {
		socket.send(pcm.subarray(start, start + FRAME_BYTES));
	}
}

async function refusal(
	address: string,
	token = sandbox.cloudflare.apiToken,
): Promise<{ status?: number; body: { errors: Array<{ code: number; message: string }> } }> {
	const socket = new WebSocket(address, { headers: { Authorization: `Bearer ${token}` } });
	return await new Promise((resolve, reject) => {
		socket.once('open', () => reject(new Error('The handshake was accepted')));
		socket.once('error', reject);
		socket.once('unexpected-response', (_request, response) => {
			const pieces: Buffer[] = [];
			response.on('data', (piece: Buffer) => pieces.push(piece));
			response.on('end', () =>
				resolve({
					status: response.statusCode,
					body: JSON.parse(Buffer.concat(pieces).toString()) as never,
				}),
			);
		});
	});
}

const eventsOf = (messages: Message[]) =>
	messages
		.map(({ event }) => event)
		.filter((event) => event !== undefined && event !== 'Update') as string[];

const endsOf = (messages: Message[]) => messages.filter(({ event }) => event === 'EndOfTurn');

describe('a session', () => {
	it('goes as the published one: turns end by silence, the last by silence before CloseStream', async () => {
		const session = await open();
		const pcm = pcmOf([{ keys: '123 456' }], 4);
		stream(session, pcm);
		session.socket.send(JSON.stringify({ type: 'CloseStream' }));
		expect(await session.closed).toBe(1005);

		const { messages } = session;
		expect(messages[0]).toMatchObject({ type: 'Connected', sequence_id: 0 });
		expect(messages.map(({ sequence_id }) => sequence_id)).toEqual(
			messages.map((_, index) => index),
		);
		expect(new Set(messages.map(({ request_id }) => request_id)).size).toBe(1);
		expect(eventsOf(messages)).toEqual(['StartOfTurn', 'EndOfTurn', 'StartOfTurn', 'EndOfTurn']);
		expect(endsOf(messages).map(({ transcript, turn_index }) => [turn_index, transcript])).toEqual([
			[0, 'one two three'],
			[1, 'four five six'],
		]);
		const [first] = endsOf(messages);
		expect(first).toMatchObject({ type: 'TurnInfo', trigger: 'model', audio_window_start: 0 });
		expect(first?.words?.map(({ word }) => word)).toEqual(['one', 'two', 'three']);
		for (const [index, word] of (first?.words ?? []).entries()) {
			expect(word.start).toBeCloseTo(0.1 + index * 0.2, 1);
			expect(word.end - word.start).toBeCloseTo(0.12, 1);
			expect(word.confidence).toBeGreaterThan(0.9);
		}
		const [record] = sandbox.cloudflare.sessions;
		expect(record).toMatchObject({ bytes: pcm.length, largestFrame: FRAME_BYTES, frames: 50 });
		expect(record?.sha256).toBe(createHash('sha256').update(pcm).digest('hex'));
		expect(record?.texts).toEqual(['{"type":"CloseStream"}']);
	});

	it('sends an Update every quarter of a second, with the whole turn so far', async () => {
		const session = await open();
		stream(session, pcmOf([{ keys: '1234567890' }]));
		session.socket.send('{"type":"CloseStream"}');
		await session.closed;
		const updates = session.messages.filter(({ event }) => event === 'Update');
		expect(updates.length).toBeGreaterThan(6);
		for (const [index, update] of updates.entries()) {
			expect(update.transcript?.startsWith(updates[index - 1]?.transcript ?? '')).toBe(true);
		}
		expect(updates.at(-1)?.transcript).toBe('one two three four five six seven eight nine zero');
	});

	it('does not end the open turn on CloseStream', async () => {
		const session = await open();
		stream(session, pcmOf([{ keys: '123' }]));
		session.socket.send('{"type":"CloseStream"}');
		await session.closed;
		expect(eventsOf(session.messages)).toEqual(['StartOfTurn']);
		expect(session.messages.at(-1)).toMatchObject({ event: 'Update', transcript: 'one two three' });
	});

	it('ends a turn that pauses on the star key only by eot_timeout_ms', async () => {
		const session = await open({ eot_timeout_ms: '1500' });
		stream(session, pcmOf([{ keys: '12*' }], 4));
		session.socket.send('{"type":"CloseStream"}');
		await session.closed;
		const [end] = endsOf(session.messages);
		expect(end).toMatchObject({ trigger: 'timeout', transcript: 'one two star' });
		expect((end?.audio_window_end ?? 0) - (end?.words?.at(-1)?.end ?? 0)).toBeCloseTo(1.5, 1);
	});

	it('announces ends early and takes them back, when asked for', async () => {
		const phrases = [
			{ keys: '12', start: 0.1 },
			{ keys: '34', start: 0.85 },
		];
		const session = await open({ eager_eot_threshold: '0.5', eot_threshold: '0.8' });
		stream(session, pcmOf(phrases, 3));
		session.socket.send('{"type":"CloseStream"}');
		await session.closed;
		expect(eventsOf(session.messages)).toEqual([
			'StartOfTurn',
			'EagerEndOfTurn',
			'TurnResumed',
			'EagerEndOfTurn',
			'EndOfTurn',
		]);
		const eager = session.messages.filter(({ event }) => event === 'EagerEndOfTurn');
		expect(eager.at(-1)?.transcript).toBe(endsOf(session.messages)[0]?.transcript);
	});

	it('hears the same however the bytes are cut, even within a sample', async () => {
		const pcm = pcmOf([{ keys: '147 258' }], 3);
		const whole = await open();
		stream(whole, pcm);
		const cut = await open();
		for (let start = 0; start < pcm.length; start += 777) {
			cut.socket.send(pcm.subarray(start, start + 777));
		}
		for (const { socket } of [whole, cut]) socket.send('{"type":"CloseStream"}');
		await Promise.all([whole.closed, cut.closed]);
		expect(endsOf(cut.messages).map(({ words }) => words)).toEqual(
			endsOf(whole.messages).map(({ words }) => words),
		);
		expect(endsOf(whole.messages)).toHaveLength(2);
	});

	it.each(['{"type":"KeepAlive"}', '{"type":"Configure"}', 'hello', '[]'])(
		'refuses the text message %s',
		async (text) => {
			const session = await open();
			session.socket.send(text);
			expect(await session.closed).toBe(1005);
			expect(session.messages.at(-1)).toMatchObject({
				type: 'Error',
				code: 'UNPARSABLE_CLIENT_MESSAGE',
			});
		},
	);

	it('refuses an empty frame', async () => {
		const session = await open();
		session.socket.send(Buffer.alloc(0));
		await session.closed;
		expect(session.messages.at(-1)).toMatchObject({ type: 'Error' });
	});

	it('ends a session that gets no audio, without a close frame', async () => {
		sandbox.cloudflare.quirks = { idleMs: 100 };
		const session = await open();
		expect(await session.closed).toBe(1006);
	});
});

describe('a handshake', () => {
	it.each<[string, Record<string, string | string[]>]>([
		['another encoding', { encoding: 'opus' }],
		['no sample rate', { sample_rate: [] }],
		['a sample rate that is no number', { sample_rate: '16k' }],
		['a threshold out of range', { eot_threshold: '0.95' }],
		['an eager threshold out of range', { eager_eot_threshold: '0.2' }],
		['an eager threshold above the other', { eager_eot_threshold: '0.8' }],
		['a time-out that is no number', { eot_timeout_ms: '5s' }],
		['a key term that is too long', { keyterm: 'a'.repeat(101) }],
		['too many key terms', { keyterm: Array.from({ length: 101 }, String) }],
		['a wrong switch', { mip_opt_out: 'yes' }],
		['too many tags', { tags: 'a,b,c,d,e,f' }],
		['a parameter of other models', { interim_results: 'true' }],
		['a parameter given twice', { tag: ['a', 'b'] }],
	])('with %s is refused', async (_what, query) => {
		const { status, body } = await refusal(addressOf(query));
		expect(status).toBe(400);
		expect(body).toMatchObject({ success: false, result: null });
		expect([3003, 5004]).toContain(body.errors[0]?.code);
	});

	it('takes what is documented', async () => {
		const session = await open({
			eot_threshold: '0.5',
			eager_eot_threshold: '0.3',
			eot_timeout_ms: '500',
			keyterm: ['n8n', 'Workers AI'],
			mip_opt_out: 'true',
			tag: 'label',
			tags: 'a,b',
		});
		session.socket.send('{"type":"CloseStream"}');
		await session.closed;
		expect(session.messages[0]?.type).toBe('Connected');
	});

	it('with a wrong token, account or model is refused by its code', async () => {
		const wrongToken = await refusal(addressOf(), 'wrong');
		expect(wrongToken).toMatchObject({ status: 401, body: { errors: [{ code: 10000 }] } });
		const { accountId } = sandbox.cloudflare;
		const wrongAccount = await refusal(addressOf().replace(accountId, 'f'.repeat(32)));
		expect(wrongAccount).toMatchObject({ status: 404, body: { errors: [{ code: 7003 }] } });
		const wrongModel = await refusal(addressOf().replace('flux', 'flow'));
		expect(wrongModel).toMatchObject({ status: 400, body: { errors: [{ code: 5007 }] } });
	});

	it('is refused as planned, and a plain request of the address is told the same', async () => {
		const body = JSON.stringify({
			success: false,
			errors: [{ code: 3040, message: 'No capacity' }],
		});
		sandbox.faults.add({ fault: { kind: 'status', status: 429, body } });
		expect(await refusal(addressOf())).toMatchObject({
			status: 429,
			body: JSON.parse(body) as object,
		});
		const plain = await fetch(addressOf().replace('ws', 'http'), {
			headers: { Authorization: `Bearer ${sandbox.cloudflare.apiToken}` },
		});
		expect(plain.status).toBe(429);
		expect(await plain.text()).toBe(body);
	});

	it('is expected where the address is requested plainly', async () => {
		const headers = { Authorization: `Bearer ${sandbox.cloudflare.apiToken}` };
		const plain = await fetch(addressOf().replace('ws', 'http'), { headers });
		expect(plain.status).toBe(426);
		const wrong = await fetch(addressOf({ eot_threshold: '2' }).replace('ws', 'http'), { headers });
		expect(wrong.status).toBe(400);
	});
});

describe('a planned fault', () => {
	it('drops the connection at a time of the audio', async () => {
		sandbox.faults.add({ fault: { kind: 'socket', dropAtSeconds: 0.5 } });
		const session = await open();
		stream(session, pcmOf([{ keys: '123' }], 2));
		expect(await session.closed).toBe(1006);
		expect(sandbox.cloudflare.sessions[0]?.arrivals.audioSeconds).toBeCloseTo(0.56, 5);
	});

	it('drops the connection after frames, or closes it with a code', async () => {
		sandbox.faults.add({ fault: { kind: 'socket', dropAfterFrames: 3, dropCode: 1011 } });
		const session = await open();
		stream(session, Buffer.alloc(FRAME_BYTES * 5));
		expect(await session.closed).toBe(1011);
		expect(sandbox.cloudflare.sessions[0]?.frames).toBe(3);
	});

	it('falls silent and stays open', async () => {
		sandbox.faults.add({ fault: { kind: 'socket', silentFromSeconds: 1 } });
		const session = await open();
		stream(session, pcmOf([{ keys: '123 456' }], 3));
		await new Promise((resolve) => setTimeout(resolve, 200));
		expect(session.socket.readyState).toBe(WebSocket.OPEN);
		expect(
			Math.max(...session.messages.map(({ audio_window_end = 0 }) => audio_window_end)),
		).toBeLessThan(1.01);
		session.socket.terminate();
	});

	it('sends an error message and closes', async () => {
		const error = { atSeconds: 0.2, code: 'INTERNAL_SERVER_ERROR', description: 'Out of order' };
		sandbox.faults.add({ fault: { kind: 'socket', error: { ...error, type: 'FatalError' } } });
		const session = await open();
		stream(session, Buffer.alloc(FRAME_BYTES * 5));
		await session.closed;
		expect(session.messages.at(-1)).toMatchObject({
			type: 'FatalError',
			code: error.code,
			description: error.description,
		});
	});

	it('reads slowly', async () => {
		sandbox.faults.add({ fault: { kind: 'socket', bytesPerSecond: FRAME_BYTES * 20 } });
		const session = await open();
		const begun = performance.now();
		stream(session, Buffer.alloc(FRAME_BYTES * 10));
		session.socket.send('{"type":"CloseStream"}');
		await session.closed;
		expect(performance.now() - begun).toBeGreaterThan(400);
	});

	it('never ends a turn', async () => {
		sandbox.faults.add({ fault: { kind: 'socket', openTurns: true } });
		const session = await open({ eot_timeout_ms: '500' });
		stream(session, pcmOf([{ keys: '123 456' }], 4));
		session.socket.send('{"type":"CloseStream"}');
		await session.closed;
		expect(eventsOf(session.messages)).toEqual(['StartOfTurn']);
	});
});

describe('a quirk', () => {
	it('leaves out type and times, or ends the turn on CloseStream', async () => {
		sandbox.cloudflare.quirks = {
			withoutType: true,
			withoutWordTimes: true,
			endsTurnOnClose: true,
		};
		const session = await open();
		stream(session, pcmOf([{ keys: '123' }]));
		session.socket.send('{"type":"CloseStream"}');
		await session.closed;
		expect(session.messages.some(({ type }) => type !== undefined)).toBe(false);
		expect(endsOf(session.messages)).toHaveLength(1);
		expect(Object.keys(endsOf(session.messages)[0]?.words?.[0] ?? {})).toEqual([
			'word',
			'confidence',
		]);
	});
});

describe('pacing', () => {
	it('is measured: speed, the fastest second, lateness', async () => {
		const session = await open();
		const begun = performance.now();
		for (let frame = 0; frame < 15; frame++) {
			const due = begun + frame * 80 + (frame === 7 ? 50 : 0);
			await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
			session.socket.send(Buffer.alloc(FRAME_BYTES));
		}
		session.socket.send('{"type":"CloseStream"}');
		await session.closed;
		const { arrivals } = sandbox.cloudflare.sessions[0] ?? {};
		expect(arrivals?.audioSeconds).toBeCloseTo(1.2, 5);
		expect(arrivals?.wallSeconds).toBeGreaterThan(1.05);
		expect(arrivals?.fastestSecond).toBeLessThan(1.2);
		const lateness = arrivals?.lateness(1) ?? [];
		expect(lateness[0]).toBe(0);
		expect(lateness.at(-1)).toBeGreaterThan(30);
		expect(arrivals?.longestGapMs).toBeGreaterThan(110);
	});
});
