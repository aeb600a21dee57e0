import { jsonOf } from '../../harness/client.ts';
import type { N8nClient, WorkflowJson } from '../../harness/client.ts';
import { readExample } from '../../harness/root.ts';
import { cloudswayAccess, DEMO_SAMPLE, sampleUrl } from '../../harness/sandbox.ts';
import { startSandbox } from '../../sandbox/server.ts';
import type { Sandbox } from '../../sandbox/server.ts';
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

/**
 * The example as a user imports it: what stands for something of their own is filled in, which are the
 * addresses of recordings and the endpoint path of an account. Everything else runs as it is shipped.
 */
function asShipped(name: string): WorkflowJson {
	const own = JSON.stringify(readExample(name))
		.replaceAll(/https:\/\/example\.com\/[\w.]+/g, sampleUrl(sandbox))
		.replaceAll('YOUR_ENDPOINT_PATH', cloudswayAccess(sandbox).endpointPath);
	return JSON.parse(own) as WorkflowJson;
}

/** Without the punctuation and capitals that Nova-3 is asked to set. */
const wordsIn = (text: unknown) =>
	String(text)
		.toLowerCase()
		.match(/[a-z]+/g);

describe('an example as it is shipped', () => {
	it.each([
		['cloudflare-flux-call', 'Transcribe'],
		['cloudflare-nova3', 'Transcribe'],
		['cloudsway-transcribe', 'Transcribe'],
		['connecte-webhook-resume', 'Transcribe'],
		['connecte-poll-many', 'Results'],
	])('%s transcribes', async (name, lastNode) => {
		const { accountId, apiToken, baseUrl } = sandbox.cloudflare;
		const execution = await client.runToEnd(asShipped(name), {
			cloudflareWorkersAiApi: await client.createCredential('cloudflareWorkersAiApi', {
				accountId,
				apiToken,
				gatewayId: '',
				baseUrl,
			}),
			cloudswayApi: await client.createCredential(
				'cloudswayApi',
				cloudswayAccess(sandbox).credential,
			),
			connecteApi: await client.createCredential('connecteApi', sandbox.connecte.credential),
		});
		expect(execution.status).toBe('success');
		const texts = jsonOf(execution, lastNode).map(({ text }) => text);
		expect(texts.length).toBeGreaterThan(0);
		for (const text of texts) expect(wordsIn(text)).toEqual(DEMO_SAMPLE.text.split(' '));
	});
});
