import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IDataObject } from 'n8n-workflow';
import type { Plan } from '../../sandbox/connecte/predictions.ts';
import { startSandbox } from '../../sandbox/server.ts';
import type { Sandbox } from '../../sandbox/server.ts';
import { jsonOf, withParameters } from '../../harness/client.ts';
import type {
	FullExecution,
	N8nClient,
	StoredWorkflow,
	WorkflowJson,
} from '../../harness/client.ts';
import { Editor } from '../../harness/editor.ts';
import { freePort } from '../../harness/ports.ts';
import { packageRoot, readExample } from '../../harness/root.ts';
import { DEMO_SAMPLE, sampleUrl } from '../../harness/sandbox.ts';
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
beforeEach(() => sandbox.clear());

const credential = async () =>
	await client.createCredential('connecteApi', {
		...sandbox.connecte.credential,
		webhookSecret: 'webhook-secret-of-the-test',
	});

const run = async (workflow: WorkflowJson, timeoutMs?: number): Promise<FullExecution> =>
	await client.runToEnd(workflow, { connecteApi: await credential() }, { timeoutMs });

const recording = (): IDataObject => ({
	assignments: {
		assignments: [{ id: '1', name: 'audio', value: sampleUrl(sandbox), type: 'string' }],
	},
	options: {},
});

describe('the credential', () => {
	const test = async (changes: IDataObject = {}) =>
		await client.testCredential('connecteApi', { ...sandbox.connecte.credential, ...changes });

	it('passes with a good token', async () => {
		expect(await test()).toMatchObject({ status: 'OK' });
		const baseUrl = `${sandbox.connecte.credential.baseUrl}/`;
		expect(await test({ baseUrl })).toMatchObject({ status: 'OK' });
	});

	it('fails with a bad token, at a web page and where nobody listens', async () => {
		expect(await test({ apiToken: 'a-bad-token' })).toEqual({
			status: 'Error',
			message: "Connecte refused the token: check 'API Token'",
		});
		expect(await test({ baseUrl: `${sandbox.baseUrl}/connecte` })).toMatchObject({
			status: 'Error',
			message: expect.stringContaining('Base URL') as string,
		});
		const baseUrl = `http://127.0.0.1:${await freePort()}`;
		expect(await test({ baseUrl })).toMatchObject({ status: 'Error' });
	});
});

describe('the example that waits by webhook', () => {
	const example = (options: IDataObject = {}): WorkflowJson => {
		const workflow = readExample('connecte-webhook-resume');
		const transcribe = workflow.nodes.find(({ name }) => name === 'Transcribe');
		return withParameters(workflow, {
			Recording: recording(),
			Transcribe: { options: { ...(transcribe?.parameters.options as IDataObject), ...options } },
		});
	};

	it('goes on with the transcript when Connecte calls', async () => {
		sandbox.connecte.setPlan({ durationMs: 1_500 });
		const execution = await run(example());
		expect(jsonOf(execution, 'Use the text')).toEqual([{ text: DEMO_SAMPLE.text, words: 10 }]);
		expect(execution.data.resultData.runData['Not in time']).toBeUndefined();
		expect(sandbox.connecte.deliveries.map(({ status }) => status)).toEqual([200]);
	});

	it.each<[string, Plan]>([
		['never comes', { durationMs: 500, callback: { kind: 'never' } }],
		['comes before the answer to the create', { callback: { kind: 'early' } }],
		['comes twice', { durationMs: 800, callback: { copies: 2 } }],
		['is forged', { durationMs: 1_500, callback: { kind: 'forged', delayMs: 300 } }],
	])('goes on with the transcript, once, when the call %s', async (_, plan) => {
		sandbox.connecte.setPlan(plan);
		const execution = await run(example());
		expect(jsonOf(execution, 'Use the text')).toEqual([{ text: DEMO_SAMPLE.text, words: 10 }]);
		expect(execution.data.resultData.runData['Use the text']).toHaveLength(1);
	});

	it('takes the branch for what is not in time, and cancels', async () => {
		sandbox.connecte.setPlan({ durationMs: 60_000 });
		const execution = await run(example({ maxWait: 2 }));
		const [prediction] = sandbox.connecte.predictions.values();
		expect(jsonOf(execution, 'Transcribe')).toEqual([
			{ id: prediction?.id, status: 'canceled', timedOut: true },
		]);
		expect(jsonOf(execution, 'Not in time')[0]?.reason).toContain('did not end in time');
		expect(prediction?.status).toBe('canceled');
	});

	it('ends with the error of a prediction that failed, and keeps what ran before', async () => {
		sandbox.connecte.setPlan({ durationMs: 800, outcome: 'failed' });
		const execution = await run(example());
		expect(execution.status).toBe('error');
		expect(execution.data.resultData.error?.message).toBe(
			'The prediction of openai/whisper failed',
		);
		expect(execution.data.resultData.error?.description).toContain('The model ran out of memory');
		expect(jsonOf(execution, 'Recording')).toEqual([{ audio: sampleUrl(sandbox) }]);
	});

	it('gives a failed prediction to the error output where the node has one', async () => {
		sandbox.connecte.setPlan({ durationMs: 800, outcome: 'failed' });
		const workflow = example();
		const nodes = workflow.nodes.map((node) =>
			node.name === 'Transcribe' ? { ...node, onError: 'continueErrorOutput' } : node,
		);
		const execution = await run({ ...workflow, nodes });
		expect(execution.status).toBe('success');
		const outputs = execution.data.resultData.runData.Transcribe?.at(-1)?.data?.main ?? [];
		expect(outputs[0]).toEqual([]);
		expect(outputs[1]?.[0]?.json.error).toBe('The prediction of openai/whisper failed');
	});
});

it('leaves an execution alone that was stopped while it waited', async () => {
	sandbox.connecte.setPlan({ durationMs: 2_500, callback: { kind: 'never' } });
	const { id } = await client.createWorkflow(
		withParameters(readExample('connecte-webhook-resume'), { Recording: recording() }),
		{ connecteApi: await credential() },
	);
	const execution = await client.run(id, 'Start');
	await client.waitForExecution(execution, { statuses: ['waiting'] });
	await client.stopExecution(execution);
	await sleep(7_000);
	const { status, data } = await client.execution(execution);
	expect(status).toBe('canceled');
	expect(data.resultData.runData['Use the text']).toBeUndefined();
});

/** Publishes the workflow that receives, and creates a prediction whose callback comes three times. */
async function receivedBy(
	receive: WorkflowJson,
): Promise<{ receiver: StoredWorkflow; created: FullExecution }> {
	const connecteApi = await credential();
	const webhookId = randomUUID();
	const nodes = receive.nodes.map((node) => ('webhookId' in node ? { ...node, webhookId } : node));
	const receiver = await client.createWorkflow({ ...receive, nodes }, { connecteApi });
	await client.activate(receiver);
	await sleep(1_500);
	sandbox.connecte.setPlan({ durationMs: 300, callback: { kind: 'retried', copies: 3 } });
	const webhookUrl = `${client.url}/webhook/${webhookId}/webhook`;
	const create = withParameters(readExample('connecte-create'), {
		Recording: recording(),
		Create: { options: { webhookUrl } },
	});
	return { receiver, created: await client.runToEnd(create, { connecteApi }) };
}

it('creates in one workflow and receives in another, with nothing copied but the URL', async () => {
	const { receiver, created } = await receivedBy(readExample('connecte-receive'));
	expect(jsonOf(created, 'Create')).toMatchObject([{ status: 'pending' }]);
	await sleep(1_500);
	const executions = await client.executions(receiver.id);
	expect(executions.map(({ status }) => status)).toEqual(['success']);
	const received = await client.execution(executions[0]?.id ?? '');
	expect(jsonOf(received, 'Result')).toEqual([{ text: DEMO_SAMPLE.text, status: 'succeeded' }]);
	await client.deactivate(receiver.id);
});

it('receives each prediction once, even where the trigger lets copies of a call through', async () => {
	const { receiver } = await receivedBy(
		withParameters(readExample('connecte-receive'), {
			'Connecte Trigger': { options: { deduplicate: false } },
		}),
	);
	await sleep(3_000);
	const executions = await client.executions(receiver.id);
	const results = await Promise.all(
		executions.map(async ({ id }) => {
			const { data } = await client.execution(id);
			return data.resultData.runData.Result?.length ?? 0;
		}),
	);
	// Another copy that came through too would have ended in a result of its own.
	expect(results.sort()).toEqual([0, 0, 1]);
	await client.deactivate(receiver.id);
});

describe('the example with many recordings', () => {
	const recordings = (audio: string[]): IDataObject => ({
		assignments: { assignments: [{ id: '1', name: 'audio', value: audio, type: 'array' }] },
		options: {},
	});

	it('has one result for each, in order, also where one fails', async () => {
		sandbox.connecte.setPlan({ durationMs: [0, 800] });
		const url = sampleUrl(sandbox);
		const audio = Array.from({ length: 12 }, (_, index) => (index === 4 ? `${url}.missing` : url));
		const workflow = withParameters(readExample('connecte-poll-many'), {
			Recordings: recordings(audio),
		});
		const results = jsonOf(await run(workflow), 'Results');
		// Each result names its own recording, so that none is taken for another's.
		expect(results.map(({ recording }) => recording)).toEqual(audio);
		expect(results.map(({ text }) => text)).toEqual(
			audio.map((address) => (address === url ? DEMO_SAMPLE.text : '')),
		);
		expect(results[4]?.error).toContain('failed');
	});

	it('waits for one after the other by webhook, in one execution', async () => {
		sandbox.connecte.setPlan({ durationMs: [100, 700] });
		const url = sampleUrl(sandbox);
		const example = readExample('connecte-poll-many');
		const transcribe = example.nodes.find(({ name }) => name === 'Transcribe');
		const workflow = withParameters(example, {
			Recordings: recordings([url, url, url]),
			'Loop Over Items': { batchSize: 1 },
			Transcribe: { ...transcribe?.parameters, waitForCompletion: 'webhook', options: {} },
		});
		const execution = await run(workflow, 30_000);
		const ids = (execution.data.resultData.runData.Transcribe ?? []).map(
			({ data }) => data?.main?.[0]?.[0]?.json.requestId,
		);
		expect(ids).toEqual([...sandbox.connecte.predictions.keys()]);
	});
});

describe('the editor', () => {
	let editor: Editor;
	const pictures = (): string =>
		path.join(
			packageRoot(),
			...(process.env.UPDATE_PICTURES === '1' ? ['docs', 'images'] : ['test', 'e2e', 'output']),
		);
	beforeAll(async () => {
		editor = await Editor.launch(client);
		mkdirSync(pictures(), { recursive: true });
	});
	afterAll(async () => {
		await editor?.close(path.join(packageRoot(), 'test', 'e2e', 'output', 'connecte-last.png'));
	});

	it('shows the waiting node and its result', async () => {
		sandbox.connecte.setPlan({ durationMs: 800 });
		const workflow = await client.createWorkflow(
			withParameters(readExample('connecte-webhook-resume'), { Recording: recording() }),
			{ connecteApi: await credential() },
		);
		await editor.openWorkflow(workflow.id);
		await editor.execute();
		const panel = await editor.openNode('Transcribe');
		const output = panel.getByTestId('output-panel');
		await output.getByTestId('radio-button-json').click();
		await output.getByText(DEMO_SAMPLE.text).first().waitFor();
		await editor.picture(path.join(pictures(), 'connecte-webhook.png'));
	});

	it('makes fields of the schema of a known model', async () => {
		const input = { mappingMode: 'defineBelow', value: null };
		const workflow = await client.createWorkflow(
			withParameters(readExample('connecte-webhook-resume'), {
				Transcribe: { model: 'openai/whisper', inputMode: 'fields', input, options: {} },
			}),
			{ connecteApi: await credential() },
		);
		await editor.openWorkflow(workflow.id);
		const panel = await editor.openNode('Transcribe');
		for (const label of ['Audio: public URL', 'Speakers (whole number, from 1)']) {
			await panel.getByText(label).first().waitFor();
		}
		await panel.getByText('Prefer', { exact: true }).scrollIntoViewIfNeeded();
		await panel.screenshot({ path: path.join(pictures(), 'connecte-fields.png') });
	});
});
