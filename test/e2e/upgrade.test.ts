import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { IDataObject } from 'n8n-workflow';
import { signedCallbackUrl } from '../../nodes/Connecte/callback/callbackToken.ts';
import { startSandbox } from '../../sandbox/server.ts';
import type { Sandbox } from '../../sandbox/server.ts';
import { jsonOf, withParameters } from '../../harness/client.ts';
import type { StoredWorkflow } from '../../harness/client.ts';
import { N8n } from '../../harness/n8n.ts';
import { installIntoUserFolder } from '../../harness/pack.ts';
import { PACKAGE_NAME, packageRoot, readExample } from '../../harness/root.ts';
import { DEMO_SAMPLE, cloudswayAccess, sampleUrl } from '../../harness/sandbox.ts';
import { sharedN8n } from './shared.ts';

const SECRET = 'webhook-secret-of-the-test';
const HOUR_MS = 3_600_000;

const olderTarball = (): string => {
	const folder = path.join(packageRoot(), 'test', 'e2e', 'older');
	const [tarball] = readdirSync(folder).filter((file) => file.endsWith('.tgz'));
	if (tarball === undefined) throw new Error(`${folder} has no tarball of an older version`);
	return path.join(folder, tarball);
};

let n8n: N8n;
let sandbox: Sandbox;

/** Every file of the installed package with its content. */
const installed = (): Map<string, string> => {
	const folder = path.join(n8n.userFolder, '.n8n', 'nodes', 'node_modules', PACKAGE_NAME);
	const files = readdirSync(folder, { recursive: true, withFileTypes: true });
	return new Map(
		files
			.filter((one) => one.isFile())
			.map((one) => path.join(one.parentPath, one.name))
			.map((file) => [path.relative(folder, file), readFileSync(file, 'utf8')]),
	);
};

let transcribing: StoredWorkflow;
let waiting: { workflow: StoredWorkflow; execution: string };
let receiving: { workflow: StoredWorkflow; url: string };
let before: Map<string, string>;

const transcriptOf = async (): Promise<IDataObject[]> => {
	const id = await n8n.client.run(transcribing.id, 'Start');
	return jsonOf(await n8n.client.waitForExecution(id), 'Transcribe');
};

const store = async (): Promise<void> => {
	const { credential, endpointPath } = cloudswayAccess(sandbox);
	const cloudswayApi = await n8n.client.createCredential('cloudswayApi', credential);
	const connecteApi = await n8n.client.createCredential('connecteApi', {
		...sandbox.connecte.credential,
		webhookSecret: SECRET,
	});
	const recording = sampleUrl(sandbox);
	transcribing = await n8n.client.createWorkflow(
		withParameters(readExample('cloudsway-transcribe'), {
			'Download recording': { url: recording },
			Transcribe: { endpointPath },
		}),
		{ cloudswayApi },
	);
	const audio = { id: '1', name: 'audio', value: recording, type: 'string' };
	const waitingWorkflow = await n8n.client.createWorkflow(
		withParameters(readExample('connecte-webhook-resume'), {
			Recording: { assignments: { assignments: [audio] }, options: {} },
		}),
		{ connecteApi },
	);
	const example = readExample('connecte-receive');
	const workflow = await n8n.client.createWorkflow(example, { connecteApi });
	const trigger = example.nodes.find(({ type }) => type.endsWith('.connecteTrigger'));
	receiving = { workflow, url: `${n8n.url}/webhook/${String(trigger?.webhookId)}/webhook` };
	await n8n.client.activate(workflow);
	// It ends when the test says so, so that neither version can have seen the end before.
	sandbox.connecte.planNext({ durationMs: HOUR_MS, callback: { kind: 'retried' } });
	waiting = {
		workflow: waitingWorkflow,
		execution: await n8n.client.run(waitingWorkflow.id, 'Start'),
	};
	await n8n.client.waitForExecution(waiting.execution, { statuses: ['waiting'] });
};

beforeAll(async () => {
	const { host, tarball } = sharedN8n();
	sandbox = await startSandbox();
	n8n = await N8n.launch(host, { tarball: olderTarball() });
	await store();
	expect(await transcriptOf()).toMatchObject([{ text: DEMO_SAMPLE.text }]);
	before = installed();
	// As n8n's own installer does: under the running program, which is restarted afterwards.
	await installIntoUserFolder(tarball, n8n.userFolder);
	await n8n.stop();
	await n8n.start();
	await n8n.client.login(n8n.owner);
}, 300_000);

afterAll(async () => {
	await sandbox.close();
	await n8n.dispose();
});

it('really goes over to other code', () => {
	const after = installed();
	const names = [...after.keys()].filter((file) => file.endsWith('.js'));
	const same = names.filter((file) => before.get(file) === after.get(file));
	expect(same.length).toBeLessThan(names.length);
	expect([...after.keys()]).not.toEqual([...before.keys()]);
});

it('runs the workflows of the older version with their credentials', async () => {
	expect(await transcriptOf()).toMatchObject([{ text: DEMO_SAMPLE.text }]);
});

it('goes on with an execution that the older version put to wait', async () => {
	expect((await n8n.client.execution(waiting.execution)).status).toBe('waiting');
	const [prediction] = sandbox.connecte.predictions.values();
	prediction?.hasten();
	const execution = await n8n.client.waitForExecution(waiting.execution);
	expect(execution.status).toBe('success');
	expect(jsonOf(execution, 'Use the text')).toEqual([{ text: DEMO_SAMPLE.text, words: 10 }]);
	expect(sandbox.connecte.deliveries.map(({ status }) => status)).toEqual([200]);
});

it('listens at the address that a trigger of the older version had', async () => {
	const { apiToken, baseUrl } = sandbox.connecte.credential;
	const answer = await fetch(`${baseUrl}/sandbox/echo`, {
		method: 'POST',
		headers: {
			authorization: `Bearer ${apiToken}`,
			'content-type': 'application/json',
			'webhook-url': signedCallbackUrl(receiving.url, SECRET),
		},
		body: JSON.stringify({ text: 'hello', plan: { callback: { kind: 'retried' } } }),
	});
	const { id } = (await answer.json()) as { id: string };
	const delivered = () => sandbox.connecte.deliveries.filter((one) => one.predictionId === id);
	for (let tries = 0; tries < 100 && delivered()[0]?.status === undefined; tries++) {
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
	expect(delivered().map(({ status }) => status)).toEqual([200]);
	const [execution] = await n8n.client.executions(receiving.workflow.id);
	expect(execution).toBeDefined();
	const ended = await n8n.client.waitForExecution(execution!.id);
	expect(ended.status).toBe('success');
	expect(ended.storedText).toContain(id);
});
