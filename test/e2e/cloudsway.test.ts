import { startSandbox } from '../../sandbox/server.ts';
import type { Sandbox } from '../../sandbox/server.ts';
import { itemsOf, jsonOf, withParameters } from '../../harness/client.ts';
import type { N8nClient, WorkflowJson } from '../../harness/client.ts';
import { freePort } from '../../harness/ports.ts';
import { readExample } from '../../harness/root.ts';
import { DEMO_SAMPLE, cloudswayAccess, sampleUrl } from '../../harness/sandbox.ts';
import { loggedIn } from './shared.ts';

let client: N8nClient;
let sandbox: Sandbox;

beforeAll(async () => {
	client = await loggedIn();
	sandbox = await startSandbox();
});

afterAll(async () => {
	await sandbox.close();
});

describe('the credential test of the editor', () => {
	it('passes with a good key', async () => {
		const { credential } = cloudswayAccess(sandbox);
		expect(await client.testCredential('cloudswayApi', credential)).toMatchObject({ status: 'OK' });
	});

	it('passes with a slash at the end of the base URL', async () => {
		const { credential } = cloudswayAccess(sandbox);
		const slashed = { ...credential, baseUrl: `${credential.baseUrl}/` };
		expect(await client.testCredential('cloudswayApi', slashed)).toMatchObject({ status: 'OK' });
	});

	it('fails with a bad key, without repeating it', async () => {
		const { credential } = cloudswayAccess(sandbox);
		const accessKey = 'wrong-key-0123456789';
		const result = await client.testCredential('cloudswayApi', { ...credential, accessKey });
		expect(result.status).toBe('Error');
		expect(result.message).not.toContain(accessKey);
	});

	it('fails with a host where nobody listens', async () => {
		const { credential } = cloudswayAccess(sandbox);
		const baseUrl = `http://127.0.0.1:${await freePort()}`;
		const result = await client.testCredential('cloudswayApi', { ...credential, baseUrl });
		expect(result.status).toBe('Error');
	});
});

describe('the example workflow', () => {
	const example = (changes: Parameters<typeof withParameters>[1] = {}): WorkflowJson => {
		const { endpointPath } = cloudswayAccess(sandbox);
		return withParameters(readExample('cloudsway-transcribe'), {
			'Download recording': { url: sampleUrl(sandbox) },
			...changes,
			Transcribe: { endpointPath, ...changes.Transcribe },
		});
	};

	const run = async (workflow: WorkflowJson) => {
		const { credential } = cloudswayAccess(sandbox);
		const cloudswayApi = await client.createCredential('cloudswayApi', credential);
		return await client.runToEnd(workflow, { cloudswayApi });
	};

	it('gives the transcript of the downloaded recording, and subtitles as a file', async () => {
		const execution = await run(example());
		const [item] = itemsOf(execution, 'Transcribe');
		expect(item?.json).toMatchObject({ text: DEMO_SAMPLE.text, service: 'cloudsway' });
		expect(item?.pairedItem).toEqual({ item: 0 });
		const srt = (await client.binary(item?.binary?.subtitles?.id ?? '')).toString('utf8');
		expect(srt).toMatch(/^1\r?\n00:00:\d\d,\d{3} --> 00:00:\d\d,\d{3}\r?\n/);
	});

	it('hears the same when the node fetches the recording itself', async () => {
		const audioUrl = sampleUrl(sandbox);
		const execution = await run(example({ Transcribe: { inputType: 'url', audioUrl } }));
		expect(jsonOf(execution, 'Transcribe')).toMatchObject([{ text: DEMO_SAMPLE.text }]);
	});

	it('ends with an error that names the service and what to do when the key is refused', async () => {
		const { credential } = cloudswayAccess(sandbox);
		const cloudswayApi = await client.createCredential('cloudswayApi', {
			...credential,
			accessKey: 'wrong-key-0123456789',
		});
		const execution = await client.runToEnd(example(), { cloudswayApi });
		expect(execution.status).toBe('error');
		const error = execution.data.resultData.error;
		expect(error?.message).toMatch(/refused the key/);
		expect(execution.storedText).not.toContain('wrong-key-0123456789');
	});
});
