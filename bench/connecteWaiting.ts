import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import type { Plan } from '../sandbox/connecte/predictions.ts';
import { startSandbox } from '../sandbox/server.ts';
import { buildPackage } from '../harness/build.ts';
import type { Execution, FullExecution, WorkflowJson } from '../harness/client.ts';
import { prepareHost } from '../harness/host.ts';
import { N8n } from '../harness/n8n.ts';
import { packPackage } from '../harness/pack.ts';

/**
 * Executions of a real n8n that wait for predictions by webhook, with a sandbox that calls back once and
 * never again: how many end with their own result, what waiting costs, and what forged and repeated
 * callbacks do.
 *
 *     npm run bench -- connecte --only random,handover,never,restart,many,forged
 */
const { values } = parseArgs({
	options: {
		only: { type: 'string', default: 'random,handover,never,restart,many,forged' },
		count: { type: 'string', default: '200' },
		many: { type: 'string', default: '1000' },
	},
	args: process.argv.slice(3),
});
const COUNT = Number(values.count);
const MANY = Number(values.many);
const AT_ONCE = 16;
const SECRET = 'webhook-secret-of-the-bench';
const NODE = 'Transcribe';
const WARM_UP = 50;
const HOUR = 3_600_000;

type Node = WorkflowJson['nodes'][number];

const started = (type: string, parameters: Node['parameters'], hook: string): WorkflowJson => ({
	name: 'Wait',
	nodes: [
		{
			id: randomUUID(),
			name: 'Start',
			type: 'n8n-nodes-base.webhook',
			typeVersion: 2,
			position: [0, 0],
			parameters: { httpMethod: 'POST', path: hook },
			webhookId: hook,
		},
		{
			id: randomUUID(),
			name: NODE,
			type,
			typeVersion: 1,
			position: [220, 0],
			parameters,
			...(type.endsWith('.connecte') && { credentials: { connecteApi: { id: '', name: '' } } }),
		},
	],
	connections: { Start: { main: [[{ node: NODE, type: 'main', index: 0 }]] } },
	settings: { executionOrder: 'v1' },
});

const waitingFor = (hook: string, maxWait: number): WorkflowJson =>
	started(
		'n8n-nodes-speech-inference.connecte',
		{
			model: 'sandbox/echo',
			inputJson: '={{ { text: $json.body.text, plan: $json.body.plan } }}',
			waitForCompletion: 'webhook',
			options: { maxWait },
		},
		hook,
	);

const folder = mkdtempSync(path.join(os.tmpdir(), 'n8n-speech-bench-'));
const host = await prepareHost({ say: (line) => console.log(line) });
await buildPackage();
const { tarball } = await packPackage(folder);
const sandbox = await startSandbox();
let n8n = await N8n.launch(host, { tarball });

/** As the Connecte node signs it. */
function signed(url: string, secret: string, now = Date.now()): string {
	const text = `${randomBytes(16).toString('hex')}.${Math.floor(now / 1_000) + 7 * 86_400}`;
	return `${url}?connecte_token=${text}.${createHmac('sha256', secret).update(text).digest('hex')}`;
}

async function active(workflow: WorkflowJson): Promise<string> {
	const data = { ...sandbox.connecte.credential, webhookSecret: SECRET };
	const connecteApi = await n8n.client.createCredential('connecteApi', data);
	const stored = await n8n.client.createWorkflow(workflow, { connecteApi });
	await n8n.client.activate(stored);
	// n8n answers before its webhooks listen.
	await sleep(1_500);
	return stored.id;
}

/** Starts an execution for each plan, a few at a time. */
async function startAll(hook: string, plans: Plan[]): Promise<void> {
	let next = 0;
	const work = async () => {
		while (next < plans.length) {
			const plan = plans[next++];
			const answer = await fetch(`${n8n.url}/webhook/${hook}`, {
				method: 'POST',
				headers: { 'content-type': 'application/json' },
				body: JSON.stringify({ text: randomUUID(), plan }),
			});
			if (!answer.ok) throw new Error(`n8n answered ${answer.status}: ${await answer.text()}`);
			await answer.arrayBuffer();
		}
	};
	await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/** All executions of a workflow, by pages, since n8n lists no more than 100 at a time. */
async function executionsOf(workflowId: string): Promise<Execution[]> {
	const filter = encodeURIComponent(JSON.stringify({ workflowId }));
	const all = new Map<string, Execution>();
	let cursor = '';
	for (;;) {
		const address = `/rest/executions?filter=${filter}&limit=100${cursor}`;
		const answer = await n8n.client.call('GET', address);
		const { data } = (await answer.json()) as {
			data: { results: Execution[]; nextCursor?: string | null };
		};
		for (const execution of data.results) all.set(execution.id, execution);
		if (!data.nextCursor || data.results.length === 0) return [...all.values()];
		cursor = `&cursor=${data.nextCursor}`;
	}
}

const isOver = ({ status }: Execution) => !['new', 'running', 'waiting'].includes(status);

async function untilOver(workflowId: string, count: number, patienceMs: number) {
	const end = Date.now() + patienceMs;
	for (;;) {
		const executions = await executionsOf(workflowId);
		const isDone = executions.length >= count && executions.every(isOver);
		if (isDone || Date.now() > end) return executions;
		await sleep(500);
	}
}

const outputOf = ({ data }: FullExecution, node: string) =>
	data.resultData.runData[node]?.at(-1)?.data?.main?.[0]?.[0]?.json;

/** How many ended with the text they sent themselves. */
async function ownResults(executions: Execution[]): Promise<number> {
	let own = 0;
	for (const { id, status } of executions) {
		if (status !== 'success') continue;
		const execution = await n8n.client.execution(id);
		const sent = (outputOf(execution, 'Start')?.body as { text?: string } | undefined)?.text;
		const got = (outputOf(execution, NODE)?.output as { text?: string } | undefined)?.text;
		if (sent !== undefined && sent === got) own++;
	}
	return own;
}

interface Timing {
	/** From the creation to the last look before the hand-over, which is when n8n begins to store. */
	handOverMs: number;
	endMs: number;
}

function timings(): Timing[] {
	return [...sandbox.connecte.predictions.values()].flatMap((prediction) => {
		const look = sandbox.requests.find(({ path }) => path.endsWith(`/${prediction.id}`));
		const { created_at: created, runtime } = prediction.json();
		if (!look || typeof runtime !== 'number') return [];
		return [{ handOverMs: look.time - Date.parse(String(created)), endMs: runtime * 1_000 }];
	});
}

const median = (numbers: number[]) =>
	numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? 0;

async function measure(label: string, plans: Plan[], patienceMs = 60_000): Promise<void> {
	sandbox.clear();
	const hook = randomUUID();
	const id = await active(waitingFor(hook, 600));
	const begin = Date.now();
	await startAll(hook, plans);
	const executions = await untilOver(id, plans.length, patienceMs);
	const seconds = (Date.now() - begin) / 1_000;
	const own = await ownResults(executions);
	const answers = sandbox.connecte.deliveries.map(({ status }) => status);
	const refused = answers.filter((status) => status !== 200).length;
	console.log(
		`${label}: ${own} of ${plans.length} ended with their own result after ${seconds.toFixed(1)} s; callbacks sent ${answers.length}, of them not taken ${refused}`,
	);
}

const benches: Record<string, () => Promise<void>> = {
	async random() {
		const plans = Array.from({ length: COUNT }, (): Plan => ({ durationMs: [0, 500] }));
		await measure('Ending at random within 500 ms', plans);
		const handOver = timings().map(({ handOverMs }) => handOverMs);
		console.log(`  hand-over after ${median(handOver).toFixed(0)} ms (median)`);
	},

	async handover() {
		// Around the hand-over as it is on this machine under this load.
		const probe: Plan[] = Array.from({ length: 40 }, () => ({ durationMs: [0, 500] }));
		await measure('Probe of the hand-over', probe);
		const middle = median(timings().map(({ handOverMs }) => handOverMs));
		const durationMs: [number, number] = [Math.max(0, middle - 100), middle + 100];
		let near = 0;
		for (let wave = 1; near < COUNT && wave <= 8; wave++) {
			const plans = Array.from({ length: COUNT }, (): Plan => ({ durationMs }));
			await measure(`Ending around the hand-over, wave ${wave}`, plans);
			const gaps = timings().map(({ handOverMs, endMs }) => Math.abs(endMs - handOverMs));
			const within = gaps.filter((gap) => gap <= 100).length;
			near += within;
			console.log(`  ended within 100 ms of their own hand-over: ${within}, ${near} so far`);
		}
	},

	async never() {
		const plans = Array.from(
			{ length: 20 },
			(): Plan => ({ durationMs: [500, 4_000], callback: { kind: 'never' } }),
		);
		await measure('A callback that never comes', plans);
	},

	async restart() {
		sandbox.clear();
		const hook = randomUUID();
		const id = await active(waitingFor(hook, 600));
		const plans = Array.from({ length: 20 }, (): Plan => ({ durationMs: [30_000, 40_000] }));
		await startAll(hook, plans);
		const lostHook = randomUUID();
		const lostId = await active(waitingFor(lostHook, 20));
		const lost: Plan = { durationMs: HOUR, callback: { kind: 'never' } };
		await startAll(lostHook, [lost, lost, lost]);
		await sleep(2_000);
		const waiting = (await executionsOf(id)).filter(({ status }) => status === 'waiting').length;
		const begin = Date.now();
		await n8n.restart();
		await n8n.client.login(n8n.owner);
		const pauseMs = Date.now() - begin;
		const executions = await untilOver(id, plans.length, 90_000);
		console.log(
			`Restart (${(pauseMs / 1_000).toFixed(1)} s) while ${waiting} wait: ${await ownResults(executions)} of ${plans.length} ended with their own result`,
		);
		const ended = await untilOver(lostId, 3, 180_000);
		console.log(
			`  of 3 without callback and with 'Max Wait' 20 s: ${ended.filter(({ status }) => status === 'success').length} ended by n8n's own limit`,
		);
	},

	async many() {
		const waitNode = { resume: 'webhook', httpMethod: 'POST', options: {} };
		for (const kind of ["n8n's Wait node", 'Connecte'] as const) {
			await n8n.dispose();
			n8n = await N8n.launch(host, { tarball });
			sandbox.clear();
			const hook = randomUUID();
			const plan: Plan = { durationMs: HOUR, callback: { kind: 'never' } };
			const workflow =
				kind === 'Connecte'
					? waitingFor(hook, 3_000)
					: started('n8n-nodes-base.wait', waitNode, hook);
			const id = await active(workflow);
			// What n8n loads and keeps at its first executions is not what waiting costs.
			await startAll(
				hook,
				Array.from({ length: WARM_UP }, () => plan),
			);
			await sleep(20_000);
			const earlier = sandbox.requests.length;
			const before = n8n.program.memoryKiB() / 1_024;
			await startAll(
				hook,
				Array.from({ length: MANY }, () => plan),
			);
			await sleep(45_000);
			const waiting = (await executionsOf(id)).filter(({ status }) => status === 'waiting').length;
			const after = n8n.program.memoryKiB() / 1_024;
			const calls = sandbox.requests.length;
			await sleep(60_000);
			const during = sandbox.requests.length - calls;
			const later = n8n.program.memoryKiB() / 1_024;
			console.log(
				`${kind}: ${waiting - WARM_UP} more wait; n8n's memory ${before.toFixed(0)} MiB before, ${after.toFixed(0)} MiB after 45 s, ${later.toFixed(0)} MiB after 105 s; calls to the API in that last minute ${during}, in all ${sandbox.requests.length - earlier}`,
			);
		}
	},

	async forged() {
		sandbox.clear();
		const hook = randomUUID();
		const trigger: Node = {
			id: randomUUID(),
			name: 'Trigger',
			type: 'n8n-nodes-speech-inference.connecteTrigger',
			typeVersion: 1,
			position: [0, 0],
			parameters: {},
			credentials: { connecteApi: { id: '', name: '' } },
			webhookId: hook,
		};
		const id = await active({ name: 'Receive', nodes: [trigger], connections: {} });
		const url = `${n8n.url}/webhook/${hook}/webhook`;
		const { baseUrl, apiToken } = sandbox.connecte.credential;
		const created = await fetch(`${baseUrl}/sandbox/echo`, {
			method: 'POST',
			headers: {
				authorization: `Bearer ${apiToken}`,
				'content-type': 'application/json',
				prefer: 'SYNC',
			},
			body: JSON.stringify({ text: 'event', plan: { durationMs: 0 } }),
		});
		const body = await created.text();
		const send = async (address: string, text: string) => {
			const answer = await fetch(address, {
				method: 'POST',
				headers: { 'content-type': 'application/json' },
				body: text,
			});
			await answer.arrayBuffer();
			return answer.status;
		};
		const stranger = JSON.stringify({ id: randomUUID(), status: 'succeeded', output: {} });
		const statuses: Record<number, number> = {};
		for (let sent = 0; sent < 1_000; sent += 20) {
			const calls = Array.from({ length: 20 }, async (_, index) => {
				const kinds = [
					[url, body],
					[signed(url, 'another secret'), body],
					[signed(url, SECRET, 0), body],
					[signed(url, SECRET), stranger],
				] as const;
				const [address, text] = kinds[index % kinds.length] ?? kinds[0];
				const status = await send(address, text);
				statuses[status] = (statuses[status] ?? 0) + 1;
			});
			await Promise.all(calls);
		}
		await sleep(1_000);
		console.log(
			`1,000 forged callbacks: ${(await executionsOf(id)).length} runs; answers ${JSON.stringify(statuses)}`,
		);
		const address = signed(url, SECRET);
		await Promise.all(Array.from({ length: 50 }, () => send(address, body)));
		await sleep(1_000);
		console.log(`One event sent 50 times at once: ${(await executionsOf(id)).length} runs`);
	},
};

try {
	for (const name of values.only.split(',')) await benches[name.trim()]?.();
} finally {
	await n8n.dispose();
	await sandbox.close();
	rmSync(folder, { recursive: true, force: true });
}
