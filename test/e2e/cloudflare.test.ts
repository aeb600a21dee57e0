import { startSandbox } from '../../sandbox/server.ts';
import type { Sandbox } from '../../sandbox/server.ts';
import { itemsOf, jsonOf, withParameters } from '../../harness/client.ts';
import type { N8nClient, WorkflowJson } from '../../harness/client.ts';
import { freePort } from '../../harness/ports.ts';
import { readExample } from '../../harness/root.ts';
import { loggedIn } from './shared.ts';

/** The turns of sandbox/samples/call-stereo.wav (see sandbox/generateSamples.ts). */
const CALL = [
	['channel 1', 'one two three'],
	['channel 2', 'four five six seven'],
	['channel 1', 'seven eight nine'],
	['channel 2', 'zero'],
];

let client: N8nClient;
let sandbox: Sandbox;

beforeAll(async () => {
	client = await loggedIn();
	sandbox = await startSandbox();
});

afterAll(async () => {
	await sandbox.close();
});

const credentialOf = (changes: Record<string, string> = {}) => {
	const { accountId, apiToken, baseUrl } = sandbox.cloudflare;
	return { accountId, apiToken, gatewayId: '', baseUrl, ...changes };
};

const run = async (workflow: WorkflowJson, changes?: Record<string, string>) => {
	const cloudflareWorkersAiApi = await client.createCredential(
		'cloudflareWorkersAiApi',
		credentialOf(changes),
	);
	return await client.runToEnd(workflow, { cloudflareWorkersAiApi });
};

const example = (name: string, sample: string, transcribe: object = {}): WorkflowJson =>
	withParameters(readExample(name), {
		'Download recording': { url: `${sandbox.baseUrl}/samples/${sample}` },
		Transcribe: { ...transcribe },
	});

describe('the credential test of the editor', () => {
	const tested = (changes: Record<string, string> = {}) =>
		client.testCredential('cloudflareWorkersAiApi', credentialOf(changes));

	it('passes with a good token, also with a slash at the end of the base URL', async () => {
		expect(await tested()).toMatchObject({ status: 'OK' });
		const baseUrl = `${sandbox.cloudflare.baseUrl}/`;
		expect(await tested({ baseUrl })).toMatchObject({ status: 'OK' });
	});

	it('fails with a bad token, a bad account and a host where nobody listens', async () => {
		const apiToken = 'wrong-token-0123456789';
		const refused = await tested({ apiToken });
		expect(refused.status).toBe('Error');
		expect(refused.message).not.toContain(apiToken);
		expect((await tested({ accountId: 'f'.repeat(32) })).status).toBe('Error');
		const baseUrl = `http://127.0.0.1:${await freePort()}`;
		expect((await tested({ baseUrl })).status).toBe('Error');
	});
});

describe('the example of a call', () => {
	it('gives both speakers in order of time, and subtitles as a file', async () => {
		const execution = await run(example('cloudflare-flux-call', 'call-stereo.wav'));
		const [item] = itemsOf(execution, 'Transcribe');
		const { segments } = item?.json as {
			segments: Array<{ speaker: string; text: string; final: boolean }>;
		};
		expect(segments.map(({ speaker, text }) => [speaker, text])).toEqual(CALL);
		expect(segments.every(({ final }) => final)).toBe(true);
		expect(item?.pairedItem).toEqual({ item: 0 });
		const srt = (await client.binary(item?.binary?.subtitles?.id ?? '')).toString('utf8');
		expect(srt).toMatch(/^1\r?\n00:00:00,\d{3} --> .*\r?\nchannel 1: one two three/);
		expect(jsonOf(execution, 'Conversation')).toEqual([
			{ conversation: CALL.map(([speaker, text]) => `${speaker}: ${text}`).join('\n') },
		]);
	});

	it('gives an item a turn, from a recording that the node fetches itself', async () => {
		const audioUrl = `${sandbox.baseUrl}/samples/call-stereo.wav`;
		const changes = { inputType: 'url', audioUrl, output: 'turns', options: {} };
		const execution = await run(example('cloudflare-flux-call', 'call-stereo.wav', changes));
		const turns = jsonOf(execution, 'Transcribe').map(({ speaker, text }) => [speaker, text]);
		expect(turns).toEqual(CALL);
	});

	it('ends with an error that says what to do when the token is refused', async () => {
		const apiToken = 'wrong-token-0123456789';
		const execution = await run(example('cloudflare-flux-call', 'call-stereo.wav'), { apiToken });
		expect(execution.status).toBe('error');
		expect(execution.data.resultData.error?.message).toMatch(/refused the key \(401\)/);
		expect(execution.storedText).toContain('code 10000');
		expect(execution.storedText).not.toContain(apiToken);
	});
});

describe('the example of a file', () => {
	it('gives the text with speakers, and subtitles as a file', async () => {
		const execution = await run(example('cloudflare-nova3', 'dialogue-mono.wav'));
		const [item] = itemsOf(execution, 'Transcribe');
		expect(item?.json).toMatchObject({
			text: 'One two three. Four five six seven. Seven eight nine.',
			service: 'cloudflare',
			segments: [{ speaker: 'speaker 0' }, { speaker: 'speaker 1' }, { speaker: 'speaker 0' }],
		});
		const vtt = (await client.binary(item?.binary?.subtitles?.id ?? '')).toString('utf8');
		expect(vtt).toContain('<v speaker 1>Four five six seven.');
	});
});

describe('Flux by HTTP', () => {
	it('sends the documented fields', async () => {
		const changes = { operation: 'runFlux', encoding: 'linear16', sampleRate: 8000, options: {} };
		const execution = await run(example('cloudflare-nova3', 'dialogue-mono.wav', changes));
		expect(jsonOf(execution, 'Transcribe')).toMatchObject([
			{ received: { encoding: 'linear16', sample_rate: '8000' } },
		]);
	});
});
