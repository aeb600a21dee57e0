import { setTimeout as delay } from 'node:timers/promises';

import type { Recording } from '../../../../../nodes/CloudflareWorkersAi/flux/recording.ts';
import { maskFor } from '../../../../../nodes/shared/http/secrets.ts';
import { FluxSession } from '../../../../../nodes/CloudflareWorkersAi/flux/session.ts';
import type { Turn } from '../../../../../nodes/CloudflareWorkersAi/flux/turns.ts';

/** A WebSocket without a network, whose service does what a test says. */
class ScriptedSocket extends EventTarget {
	static last: ScriptedSocket;
	bufferedAmount = 0;
	readonly sent: Array<{ at: number; data: Uint8Array | string }> = [];
	isClosed = false;
	readonly options: unknown;

	constructor(_url: string, options: unknown) {
		super();
		this.options = options;
		ScriptedSocket.last = this;
		queueMicrotask(() => this.dispatchEvent(new Event('open')));
	}

	send(data: Uint8Array | string): void {
		const copy = typeof data === 'string' ? data : Uint8Array.from(data);
		this.sent.push({ at: performance.now(), data: copy });
		if (typeof data === 'string' && !this.staysOpen) this.end(1005);
		else this.onFrame?.(this.sent.length);
	}

	/** Does not close the connection when it is told that the stream ends. */
	staysOpen = false;

	onFrame: ((count: number) => void) | undefined;

	/** Says after each frame up to where it has listened, as Flux does. */
	listen(): void {
		this.onFrame = (count) =>
			this.say({ event: 'Update', turn_index: 0, audio_window_end: count * 0.08, transcript: '' });
	}

	say(message: object): void {
		this.dispatchEvent(new MessageEvent('message', { data: JSON.stringify(message) }));
	}

	close(): void {
		this.isClosed = true;
		this.end(1000);
	}

	private end(code: number): void {
		this.dispatchEvent(Object.assign(new Event('close'), { code, reason: '' }));
	}
}

const RATE = 8_000;

/** `seconds` of a ramp that tells every sample apart. */
function recordingOf(seconds: number): Recording & { position: number; isClosed: boolean } {
	const total = seconds * RATE;
	const recording = {
		position: 0,
		isClosed: false,
		sampleRate: RATE,
		channels: 1,
		read: async (samples: number) => {
			const count = Math.min(samples, total - recording.position);
			const buffer = Buffer.alloc(count * 2);
			for (let index = 0; index < count; index++) {
				buffer.writeInt16LE((recording.position + index) % 30_000, index * 2);
			}
			recording.position += count;
			return await Promise.resolve(buffer);
		},
		skip: async () => await Promise.resolve(0),
		isTruncated: () => false,
		close: () => {
			recording.isClosed = true;
		},
	};
	return recording;
}

function start(recording: Recording, signal = new AbortController().signal) {
	const turns: Turn[] = [];
	const session = new FluxSession(
		{
			url: 'ws://service',
			headers: { A: 'b' },
			mask: maskFor({ apiToken: 'sandbox-token' }, { secretFields: ['apiToken'] }),
			channel: 'mix',
			speed: 4,
			eotTimeoutSeconds: 0.5,
		},
		recording,
		{ seconds: 0, turn: 0 },
		{ onTurn: (turn) => turns.push(turn), onMessage: () => undefined },
		signal,
	);
	return { outcome: session.run(), turns };
}

const { WebSocket: ownWebSocket } = globalThis;
beforeEach(() => {
	globalThis.WebSocket = ScriptedSocket as unknown as typeof WebSocket;
});
afterEach(() => {
	globalThis.WebSocket = ownWebSocket;
});

const frames = () =>
	ScriptedSocket.last.sent.map(({ data }) => data).filter((data) => typeof data !== 'string');

describe('FluxSession', () => {
	it('sends the recording in whole frames of 80 ms, then silence, then the end', async () => {
		const recording = recordingOf(0.5);
		const { outcome } = start(recording);
		ScriptedSocket.last.listen();
		expect(await outcome).toMatchObject({ kind: 'done', seconds: 0.5 });
		expect(ScriptedSocket.last.options).toEqual({ headers: { A: 'b' } });
		expect(new Set(frames().map((frame) => frame.length))).toEqual(new Set([RATE * 2 * 0.08]));
		const bytes = Buffer.concat(frames());
		const samples = Array.from({ length: 0.5 * RATE }, (_, index) => bytes.readInt16LE(index * 2));
		expect(samples.every((sample, index) => sample === index)).toBe(true);
		expect(bytes.subarray(RATE).every((byte) => byte === 0)).toBe(true);
		expect(ScriptedSocket.last.sent.at(-1)?.data).toBe('{"type":"CloseStream"}');
		expect(recording.isClosed).toBe(true);
	});

	it('is lost, not done, where the service never says anything', async () => {
		expect(await start(recordingOf(0.5)).outcome).toMatchObject({
			kind: 'lost',
			seconds: 0.5,
			isUnsure: false,
		});
	});

	it('is not sure where the service stops listening before the end', async () => {
		const { outcome } = start(recordingOf(1));
		const { last } = ScriptedSocket;
		last.onFrame = (count) => {
			if (count > 3) return;
			last.say({ event: 'Update', turn_index: 0, audio_window_end: count * 0.08, transcript: '' });
		};
		expect(await outcome).toMatchObject({ kind: 'lost', isUnsure: true });
	});

	it('ends although the service goes on talking and never closes', async () => {
		const { outcome } = start(recordingOf(0.5));
		const { last } = ScriptedSocket;
		last.staysOpen = true;
		last.listen();
		const talk = setInterval(
			() => last.say({ event: 'Update', turn_index: 0, audio_window_end: 2, transcript: '' }),
			200,
		);
		expect(await outcome).toMatchObject({ kind: 'done' });
		clearInterval(talk);
		expect(last.isClosed).toBe(true);
	});

	it('masks a secret that the service says', async () => {
		const { outcome, turns } = start(recordingOf(0.5));
		const { last } = ScriptedSocket;
		last.onFrame = (count) =>
			last.say({
				event: count === 2 ? 'EndOfTurn' : 'Update',
				turn_index: count < 3 ? 0 : 1,
				audio_window_end: count * 0.08,
				transcript: count < 3 ? 'the token is sandbox-token' : '',
			});
		await outcome;
		expect(turns.map(({ segment }) => segment.text)).toEqual(['the token is ******']);
	});

	it('holds back, and does not read on, while the network takes nothing', async () => {
		const recording = recordingOf(30);
		const stop = new AbortController();
		const { outcome } = start(recording, stop.signal);
		await delay(50);
		ScriptedSocket.last.bufferedAmount = 1_000_000;
		await delay(50);
		const [sent, read] = [frames().length, recording.position];
		await delay(500);
		expect(frames().length).toBe(sent);
		expect(recording.position).toBe(read);
		ScriptedSocket.last.bufferedAmount = 0;
		await delay(300);
		expect(frames().length).toBeGreaterThan(sent + 5);
		stop.abort(new Error('stopped'));
		await expect(outcome).rejects.toThrow('stopped');
		expect(ScriptedSocket.last.isClosed).toBe(true);
	});

	it('waits for an open turn, as long as its time-out and a margin', async () => {
		const { outcome } = start(recordingOf(0.16));
		await delay(1);
		ScriptedSocket.last.say({ event: 'Update', turn_index: 0, transcript: 'well' });
		expect(await outcome).toMatchObject({ open: { segment: { text: 'well', final: false } } });
		const seconds = frames().length * 0.08;
		expect(seconds - 0.16).toBeGreaterThanOrEqual(2.5 - 0.01);
		expect(seconds - 0.16).toBeLessThan(2.5 + 2);
	});

	it('goes as soon as all is heard and the turn is closed', async () => {
		const { outcome, turns } = start(recordingOf(0.16));
		await delay(1);
		ScriptedSocket.last.onFrame = (count) => {
			if (count === 16) {
				const words = [{ word: 'well', start: 0.05, end: 0.9 }];
				const window = { audio_window_start: 0, audio_window_end: 1.28 };
				const turn = { event: 'EndOfTurn', turn_index: 0, transcript: 'well', words };
				ScriptedSocket.last.say({ ...turn, ...window });
			}
		};
		await outcome;
		expect(frames()).toHaveLength(16);
		// The service heard on into the silence after the end: a time beyond it is none.
		expect(turns).toMatchObject([{ segment: { start: 0.05, end: 0.16 }, heardUntil: 0.16 }]);
	});

	it('ends with what the service reports, at once', async () => {
		const { outcome } = start(recordingOf(60));
		await delay(30);
		ScriptedSocket.last.say({ type: 'Error', code: 'X', description: 'gone' });
		expect(await outcome).toMatchObject({
			kind: 'error',
			error: { code: 'X', description: 'gone' },
		});
		expect(ScriptedSocket.last.isClosed).toBe(true);
	});

	it('closes a socket that opens no sooner than the stop', async () => {
		const stop = new AbortController();
		const { outcome } = start(recordingOf(1), stop.signal);
		stop.abort(new Error('stopped'));
		await expect(outcome).rejects.toThrow('stopped');
		expect(ScriptedSocket.last.isClosed).toBe(true);
	});
});
