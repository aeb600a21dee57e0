import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { parsed } from './answer.ts';

const FRAME_BYTES = 2_560;
const FRAME_MS = 80;
/** Longer than Flux waits for the end of a turn by default. */
const LONGEST_TURN_MS = 10_000;
const LONGEST_HANDSHAKE_MS = 30_000;

/** What a session said, from the handshake to its end. */
export interface FluxTalk {
	/** Status of the answer to the handshake, 101 where it was taken. */
	status: number;
	/** Names of the answer's headers. */
	headers: string[];
	/** Body of a refusal. */
	body: string;
	/** Messages in their order, JSON where they are. */
	messages: unknown[];
	/** Code the service closed with; 1005 is a close without one. */
	closeCode?: number;
}

const eventOf = (message: unknown): string | undefined =>
	(message as { event?: string } | undefined)?.event;

/**
 * Opens a session, sends the samples in real time, then silence until a turn has ended, then CloseStream,
 * and waits for the end.
 */
export const talkToFlux = async (url: string, token: string, pcm: Buffer): Promise<FluxTalk> => {
	const talk: FluxTalk = { status: 0, headers: [], body: '', messages: [] };
	const socket = new WebSocket(url, {
		headers: { authorization: `Bearer ${token}` },
		handshakeTimeout: LONGEST_HANDSHAKE_MS,
	});
	const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
	socket.on('upgrade', ({ statusCode = 0, headers }) => {
		talk.status = statusCode;
		talk.headers = Object.keys(headers);
	});
	socket.on('message', (data: Buffer) => {
		const text = data.toString('utf8');
		talk.messages.push(parsed(text) ?? text);
	});
	socket.once('close', (code) => (talk.closeCode = code));
	const isOpen = await new Promise<boolean>((resolve, reject) => {
		socket.once('open', () => resolve(true));
		socket.once('error', reject);
		socket.once('unexpected-response', (_request, response) => {
			talk.status = response.statusCode ?? 0;
			talk.headers = Object.keys(response.headers);
			response.setEncoding('utf8');
			response.on('data', (piece: string) => (talk.body += piece));
			response.on('end', () => resolve(false));
		});
	});
	if (!isOpen) {
		socket.removeAllListeners('error').on('error', () => undefined);
		socket.terminate();
		return talk;
	}
	socket.on('error', () => socket.terminate());
	for (let start = 0; start < pcm.length && isListening(socket); start += FRAME_BYTES) {
		socket.send(pcm.subarray(start, start + FRAME_BYTES));
		await sleep(FRAME_MS);
	}
	const patience = Date.now() + LONGEST_TURN_MS;
	while (
		isListening(socket) &&
		Date.now() < patience &&
		!talk.messages.some((message) => eventOf(message) === 'EndOfTurn')
	) {
		socket.send(Buffer.alloc(FRAME_BYTES));
		await sleep(FRAME_MS);
	}
	if (isListening(socket)) socket.send(JSON.stringify({ type: 'CloseStream' }));
	await Promise.race([closed, sleep(LONGEST_TURN_MS)]);
	socket.terminate();
	return talk;
};

const isListening = (socket: WebSocket): boolean => socket.readyState === socket.OPEN;
