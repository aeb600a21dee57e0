import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IDataObject } from 'n8n-workflow';
import { itemsOf, jsonOf, withParameters } from '../../harness/client.ts';
import type { N8nClient, WorkflowJson } from '../../harness/client.ts';
import type { N8n } from '../../harness/n8n.ts';
import { PACKAGE_NAME, readExample, readManifest, packageRoot } from '../../harness/root.ts';
import { DEMO_SAMPLE, cloudswayAccess, sampleUrl } from '../../harness/sandbox.ts';
import type { Sandbox } from '../../sandbox/server.ts';

/** What a check has to work with. */
export interface Ground {
	n8n: N8n;
	client: N8nClient;
	sandbox: Sandbox;
	credentials: Record<string, { id: string; name: string }>;
}

/** Something that a user does. `run` throws where it does not work. */
export interface Check {
	/** Head of its column. */
	name: string;
	run: (ground: Ground) => Promise<void>;
}

const TRIGGER_WITHIN_MS = 20_000;

/** The data of a working credential of each type. */
export const credentialData = (sandbox: Sandbox): Record<string, IDataObject> => {
	const { accountId, apiToken, baseUrl } = sandbox.cloudflare;
	return {
		cloudflareWorkersAiApi: { accountId, apiToken, gatewayId: '', baseUrl },
		cloudswayApi: cloudswayAccess(sandbox).credential,
		connecteApi: {
			...sandbox.connecte.credential,
			webhookSecret: 'webhook-secret-of-the-versions',
		},
	};
};

const run = async ({ client, credentials }: Ground, workflow: WorkflowJson) =>
	await client.runToEnd(workflow, credentials, { timeoutMs: 120_000 });

const parametersOf = (workflow: WorkflowJson, name: string): IDataObject =>
	workflow.nodes.find((node) => node.name === name)?.parameters ?? {};

const recordings = (value: unknown, type: string): IDataObject => ({
	assignments: { assignments: [{ id: '1', name: 'audio', value, type } as IDataObject] },
	options: {},
});

const cloudsway = (sandbox: Sandbox, transcribe: IDataObject = {}): WorkflowJson =>
	withParameters(readExample('cloudsway-transcribe'), {
		'Download recording': { url: sampleUrl(sandbox) },
		Transcribe: { endpointPath: cloudswayAccess(sandbox).endpointPath, ...transcribe },
	});

const cloudflare = (example: string, { baseUrl }: Sandbox, sample: string): WorkflowJson =>
	withParameters(readExample(example), {
		'Download recording': { url: `${baseUrl}/samples/${sample}` },
	});

/** A workflow that starts with the trigger, and the address it listens at. */
const triggered = (client: N8nClient): { workflow: WorkflowJson; url: string } => {
	const webhookId = randomUUID();
	const receive = readExample('connecte-receive');
	const nodes = receive.nodes.map((node) => ('webhookId' in node ? { ...node, webhookId } : node));
	return { workflow: { ...receive, nodes }, url: `${client.url}/webhook/${webhookId}/webhook` };
};

export const CHECKS: readonly Check[] = [
	{
		name: 'Loads',
		run: async ({ client }) => {
			const { n8n } = readManifest(packageRoot()) as {
				n8n: Record<'nodes' | 'credentials', string[]>;
			};
			const names = (await client.nodeTypes())
				.map(({ name }) => name)
				.filter((name) => name.startsWith(`${PACKAGE_NAME}.`) && !name.endsWith('Tool'));
			assert.equal(names.length, n8n.nodes.length, `nodes offered: ${names.join(', ')}`);
			const types = (await client.credentialTypes()).map(({ name }) => name);
			for (const type of ['cloudflareWorkersAiApi', 'cloudswayApi', 'connecteApi']) {
				assert.ok(types.includes(type), `no credential ${type}`);
			}
			assert.equal(n8n.credentials.length, 3);
		},
	},
	{
		name: 'Credential tests',
		run: async ({ client, sandbox }) => {
			const wrong: Record<string, IDataObject> = {
				cloudflareWorkersAiApi: { apiToken: 'wrong-0123456789' },
				cloudswayApi: { accessKey: 'wrong-0123456789' },
				connecteApi: { apiToken: 'wrong-0123456789' },
			};
			for (const [type, data] of Object.entries(credentialData(sandbox))) {
				const good = await client.testCredential(type, data);
				assert.equal(good.status, 'OK', `${type}: ${good.message}`);
				const bad = await client.testCredential(type, { ...data, ...wrong[type] });
				assert.ok(bad.status === 'Error', `${type} passes with a wrong key`);
			}
		},
	},
	{
		name: 'Cloudsway',
		run: async (ground) => {
			const [item] = itemsOf(await run(ground, cloudsway(ground.sandbox)), 'Transcribe');
			assert.equal(item?.json.text, DEMO_SAMPLE.text);
			const subtitles = await ground.client.binary(item?.binary?.subtitles?.id ?? '');
			assert.match(subtitles.toString('utf8'), /^1\r?\n00:00:\d\d,\d{3} --> /);
		},
	},
	{
		name: 'Cloudsway, streamed',
		run: async (ground) => {
			const model = 'MaaS_GP_4o_transcribe';
			const workflow = cloudsway(ground.sandbox, {
				model,
				endpointPath: ground.sandbox.cloudsway.endpointPaths[model],
				responseFormat: 'json',
				options: { stream: true },
			});
			const [transcript] = jsonOf(await run(ground, workflow), 'Transcribe');
			assert.equal(transcript?.text, DEMO_SAMPLE.text);
		},
	},
	{
		name: 'Nova-3',
		run: async (ground) => {
			const workflow = cloudflare('cloudflare-nova3', ground.sandbox, 'dialogue-mono.wav');
			const [transcript] = jsonOf(await run(ground, workflow), 'Transcribe');
			assert.equal(transcript?.text, 'One two three. Four five six seven. Seven eight nine.');
		},
	},
	{
		name: 'Flux',
		run: async (ground) => {
			const workflow = cloudflare('cloudflare-flux-call', ground.sandbox, 'call-stereo.wav');
			const [transcript] = jsonOf(await run(ground, workflow), 'Transcribe');
			const segments = transcript?.segments as Array<{ speaker: string; text: string }>;
			assert.deepEqual(
				segments.map(({ speaker, text }) => `${speaker}: ${text}`),
				[
					'channel 1: one two three',
					'channel 2: four five six seven',
					'channel 1: seven eight nine',
					'channel 2: zero',
				],
			);
		},
	},
	{
		name: 'Connecte, poll',
		run: async (ground) => {
			ground.sandbox.connecte.setPlan({ durationMs: [0, 800] });
			const url = sampleUrl(ground.sandbox);
			const workflow = withParameters(readExample('connecte-poll-many'), {
				Recordings: recordings([url, url, url], 'array'),
			});
			const results = jsonOf(await run(ground, workflow), 'Results');
			assert.deepEqual(
				results.map(({ text }) => text),
				Array.from({ length: 3 }, () => DEMO_SAMPLE.text),
			);
		},
	},
	{
		name: 'Connecte, webhook',
		run: async (ground) => {
			ground.sandbox.connecte.setPlan({ durationMs: 1_500 });
			const workflow = withParameters(readExample('connecte-webhook-resume'), {
				Recording: recordings(sampleUrl(ground.sandbox), 'string'),
			});
			const execution = await run(ground, workflow);
			assert.deepEqual(jsonOf(execution, 'Use the text'), [{ text: DEMO_SAMPLE.text, words: 10 }]);
			const statuses = ground.sandbox.connecte.deliveries.map(({ status }) => status);
			assert.deepEqual(statuses, [200], 'the callback was not what ended the wait');
		},
	},
	{
		name: 'Trigger',
		run: async (ground) => {
			const { client, credentials, sandbox } = ground;
			sandbox.connecte.setPlan({ durationMs: 300, callback: { kind: 'retried', copies: 3 } });
			const { workflow, url } = triggered(client);
			const receiver = await client.createWorkflow(workflow, credentials);
			await client.activate(receiver);
			try {
				await sleep(2_000);
				const example = readExample('connecte-create');
				const options = parametersOf(example, 'Create').options as IDataObject;
				const create = withParameters(example, {
					Recording: recordings(sampleUrl(sandbox), 'string'),
					Create: { options: { ...options, webhookUrl: url } },
				});
				jsonOf(await run(ground, create), 'Create');
				const deadline = Date.now() + TRIGGER_WITHIN_MS;
				let executions = await client.executions(receiver.id);
				while (executions[0]?.stoppedAt == null && Date.now() < deadline) {
					await sleep(200);
					executions = await client.executions(receiver.id);
				}
				const statuses = executions.map(({ status }) => status);
				const deliveries = sandbox.connecte.deliveries.map(({ status }) => status).join(', ');
				assert.deepEqual(statuses, ['success'], `answers to the callbacks: ${deliveries}`);
				const received = await client.execution(executions[0]?.id ?? '');
				assert.deepEqual(jsonOf(received, 'Result'), [
					{ text: DEMO_SAMPLE.text, status: 'succeeded' },
				]);
			} finally {
				await client.deactivate(receiver.id);
			}
		},
	},
];
