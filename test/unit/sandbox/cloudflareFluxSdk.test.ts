/**
 * The sandbox's Flux, driven by the client of the model's maker. Its requests go to Cloudflare's
 * address and carry Cloudflare's token; everything else is as the client does it.
 */
import { DeepgramClient, type Deepgram, type DeepgramTransportFactory } from '@deepgram/sdk';
import WebSocket from 'ws';

import { makeDtmfWav } from '../../../sandbox/hearing/tones.ts';
import { startSandbox, type Sandbox } from '../../../sandbox/server.ts';

type TurnInfo = Deepgram.listen.ListenV2TurnInfo;

let sandbox: Sandbox;

beforeAll(async () => {
	sandbox = await startSandbox();
});
afterAll(() => sandbox.close());

/** Cloudflare's address for a request of the client: same query, without Deepgram's `model`. */
const viaCloudflare: DeepgramTransportFactory = (url) => {
	const { accountId, apiToken, baseUrl } = sandbox.cloudflare;
	const query = new URL(url).searchParams;
	query.delete('model');
	const socket = new WebSocket(
		`${baseUrl.replace('http', 'ws')}/accounts/${accountId}/ai/run/@cf/deepgram/flux?${query}`,
		{ headers: { Authorization: `Bearer ${apiToken}` } },
	);
	return {
		send: (data) => socket.send(data as string | ArrayBuffer),
		onOpen: (listener) => void socket.on('open', listener),
		onMessage: (listener) =>
			void socket.on('message', (data) => listener((data as Buffer).toString())),
		onError: (listener) => void socket.on('error', listener),
		onClose: (listener) => void socket.on('close', (code) => listener({ code })),
		isOpen: () => socket.readyState === WebSocket.OPEN,
		close: () => socket.close(),
	};
};

it('is understood by the client of the model’s maker', async () => {
	const client = new DeepgramClient({ apiKey: 'unused', transportFactory: viaCloudflare });
	const connection = await client.listen.v2.connect({
		model: 'flux-general-en',
		encoding: 'linear16',
		sample_rate: 8_000,
		eot_threshold: 0.8,
		eager_eot_threshold: 0.4,
		eot_timeout_ms: 5_000,
		keyterm: ['n8n', 'Workers AI'],
		tag: 'sdk',
	});
	const turns: TurnInfo[] = [];
	const types = new Set<string>();
	connection.on('message', (message) => {
		types.add(message.type);
		if (message.type === 'TurnInfo') turns.push(message);
	});
	const closed = new Promise<void>((resolve) => connection.on('close', () => resolve()));
	connection.connect();
	await connection.waitForOpen();

	const wav = makeDtmfWav({ sampleRate: 8_000, channels: [[{ keys: '123  456' }]], duration: 5 });
	const pcm = wav.subarray(44);
	for (let start = 0; start < pcm.length; start += 1_280) {
		connection.sendMedia(pcm.subarray(start, start + 1_280));
	}
	connection.sendCloseStream({ type: 'CloseStream' });
	await closed;

	expect([...types].sort()).toEqual(['Connected', 'TurnInfo']);
	const required = [
		'audio_window_end',
		'audio_window_start',
		'end_of_turn_confidence',
		'event',
		'request_id',
		'sequence_id',
		'transcript',
		'turn_index',
		'type',
		'words',
	];
	for (const turn of turns) expect(Object.keys(turn)).toEqual(expect.arrayContaining(required));
	const ends = turns.filter(({ event }) => event === 'EndOfTurn');
	expect(ends.map(({ turn_index, transcript }) => [turn_index, transcript])).toEqual([
		[0, 'one two three'],
		[1, 'four five six'],
	]);
	expect(turns.map(({ event }) => event)).toContain('EagerEndOfTurn');
	const [record] = sandbox.cloudflare.sessions;
	expect(new URL(record?.path ?? '', sandbox.baseUrl).searchParams.getAll('keyterm')).toEqual([
		'n8n',
		'Workers AI',
	]);
	expect(record?.bytes).toBe(pcm.length);
});
