import { createHash } from 'node:crypto';

import { makeDtmfWav } from '../../../sandbox/hearing/tones.ts';
import { startSandbox, type Sandbox } from '../../../sandbox/server.ts';

let sandbox: Sandbox;

beforeAll(async () => {
	sandbox = await startSandbox();
});
afterEach(() => sandbox.clear());
afterAll(() => sandbox.close());

interface Envelope {
	success: boolean;
	result: Record<string, unknown> & unknown[];
	errors: Array<{ code: number }>;
}

async function call(
	path: string,
	init: {
		method?: string;
		body?: Uint8Array<ArrayBuffer> | string;
		headers?: Record<string, string>;
	} = {},
	account = sandbox.cloudflare.accountId,
): Promise<{ status: number; envelope: Envelope }> {
	const { apiToken, baseUrl } = sandbox.cloudflare;
	const response = await fetch(`${baseUrl}/accounts/${account}/ai/${path}`, {
		...init,
		headers: { Authorization: `Bearer ${apiToken}`, ...init.headers },
	});
	return { status: response.status, envelope: (await response.json()) as Envelope };
}

const flux = (body: unknown, query = '') =>
	call(`run/@cf/deepgram/flux${query}`, {
		method: 'POST',
		body: JSON.stringify(body),
		headers: { 'Content-Type': 'application/json' },
	});

const nova = (body: Buffer, query = '', type = 'audio/wav') =>
	call(`run/@cf/deepgram/nova-3${query}`, {
		method: 'POST',
		body: new Uint8Array(body),
		headers: type === '' ? {} : { 'Content-Type': type },
	});

const FIELDS = { encoding: 'linear16', sample_rate: '16000' };

describe('runFlux', () => {
	it('answers with what it got', async () => {
		const body = { ...FIELDS, eot_timeout_ms: '700' };
		const { status, envelope } = await flux(body, '?keyterm=a&keyterm=b&tags=x');
		expect(status).toBe(200);
		expect(envelope).toMatchObject({
			success: true,
			result: { received: body, keyterms: ['a', 'b'] },
		});
	});

	it.each<[string, unknown, string]>([
		['a number', { ...FIELDS, sample_rate: 16_000 }, ''],
		['a boolean', { ...FIELDS, mip_opt_out: true }, ''],
		['an unknown field', { ...FIELDS, language: 'en' }, ''],
		['no encoding', { sample_rate: '16000' }, ''],
		['no object', [1], ''],
		['an unknown query parameter', FIELDS, '?model=x'],
		['a tag with a space', FIELDS, '?tags=a%20b'],
	])('refuses %s', async (_what, body, query) => {
		const { status, envelope } = await flux(body, query);
		expect(status).toBe(400);
		expect(envelope).toMatchObject({ success: false, result: null });
	});
});

describe('models/search', () => {
	it('finds models by name', async () => {
		const { envelope } = await call('models/search?search=flux&per_page=1');
		expect(envelope.result).toHaveLength(1);
		expect(envelope.result[0]).toMatchObject({ name: '@cf/deepgram/flux' });
		const none = await call('models/search?search=whisper');
		expect(none.envelope.result).toEqual([]);
	});
});

describe('any call', () => {
	it.each<[number, number, string, string | undefined]>([
		[404, 7003, 'models/search', 'f'.repeat(32)],
		[404, 7000, 'elsewhere', undefined],
		[400, 5007, 'run/@cf/deepgram/none', undefined],
	])('is refused with %i and code %i: %s', async (status, code, path, account) => {
		const answer = await call(path, {}, account);
		expect(answer.status).toBe(status);
		expect(answer.envelope.errors[0]?.code).toBe(code);
	});

	it('is refused without the token', async () => {
		const answer = await call('models/search', { headers: { Authorization: 'Bearer no' } });
		expect(answer.status).toBe(401);
		expect(answer.envelope.errors[0]?.code).toBe(10000);
	});
});

describe('Nova-3', () => {
	const wav = makeDtmfWav({ channels: [[{ keys: '12' }], [{ keys: '34', start: 1.5 }]] });

	interface Results {
		channels: Array<{ alternatives: Array<{ transcript: string; words: object[] }> }>;
		utterances?: Array<{ channel: number; transcript: string }>;
	}

	const resultsOf = async (answer: ReturnType<typeof nova>) =>
		(await answer).envelope.result.results as Results;

	it('hears the channels together, or each for itself', async () => {
		const mixed = await resultsOf(nova(wav));
		expect(mixed.channels.map(({ alternatives }) => alternatives[0]?.transcript)).toEqual([
			'one two three four',
		]);
		const apart = await resultsOf(nova(wav, '?multichannel=true&utterances=true'));
		expect(apart.channels.map(({ alternatives }) => alternatives[0]?.transcript)).toEqual([
			'one two',
			'three four',
		]);
		expect(apart.utterances).toMatchObject([
			{ channel: 0, transcript: 'one two' },
			{ channel: 1, transcript: 'three four' },
		]);
	});

	it('describes what it hears nothing in', async () => {
		const file = Buffer.concat([Buffer.from('#!AMR'), Buffer.alloc(1_000, 7)]);
		const { channels } = await resultsOf(nova(file, '', 'audio/amr'));
		const sha256 = createHash('sha256').update(file).digest('hex');
		expect(channels[0]?.alternatives[0]?.transcript).toBe(`amr 1005 bytes sha256 ${sha256}`);
	});

	it('refuses a compressed file that cannot be decoded', async () => {
		const file = Buffer.concat([Buffer.from('OggS'), Buffer.alloc(1_000, 7)]);
		expect((await nova(file, '', 'audio/ogg')).status).toBe(400);
	});

	it.each<[number, string, string, string]>([
		[3003, 'no type', '', ''],
		[5004, 'a type that is no audio', '', 'application/json'],
		[5004, 'an unknown option', '?interim_results=true', 'audio/wav'],
		[5004, 'a switch that is none', '?diarize=1', 'audio/wav'],
		[5004, 'an option given twice', '?diarize=true&diarize=true', 'audio/wav'],
		[5004, 'a language that is none', '?language=English', 'audio/wav'],
	])('refuses with code %i %s', async (code, _what, query, type) => {
		const { status, envelope } = await nova(wav, query, type);
		expect(status).toBe(400);
		expect(envelope.errors[0]?.code).toBe(code);
	});

	it('refuses an empty, a broken and a too large file', async () => {
		expect((await nova(Buffer.alloc(0))).envelope.errors[0]?.code).toBe(3003);
		expect((await nova(wav.subarray(0, 20))).envelope.errors[0]?.code).toBe(5004);
		expect((await nova(Buffer.from('no audio'))).envelope.errors[0]?.code).toBe(5004);
		sandbox.cloudflare.maxFileBytes = 1_000;
		const { status, envelope } = await nova(wav);
		expect([status, envelope.errors[0]?.code]).toEqual([413, 3006]);
	});
});
