import { randomUUID } from 'node:crypto';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IDataObject } from 'n8n-workflow';
import { signedCallbackUrl } from '../../nodes/Connecte/callback/callbackToken.ts';
import type { Plan } from '../../sandbox/connecte/predictions.ts';
import { startSandbox } from '../../sandbox/server.ts';
import type { Sandbox } from '../../sandbox/server.ts';
import { itemsOf } from '../../harness/client.ts';
import type { Execution, StoredWorkflow, WorkflowJson } from '../../harness/client.ts';
import { N8n } from '../../harness/n8n.ts';
import { DEMO_SAMPLE, sampleUrl } from '../../harness/sandbox.ts';
import { sharedN8n } from './shared.ts';
import { listen } from '../listen.ts';

const SECRET = 'webhook-secret-of-the-test';
const TRIGGER = 'Connecte Trigger';

let n8n: N8n;
let sandbox: Sandbox;

beforeAll(async () => {
	// One of its own, since it is stopped and started.
	const { host, tarball } = sharedN8n();
	n8n = await N8n.launch(host, { tarball });
	sandbox = await startSandbox();
}, 120_000);

afterAll(async () => {
	await sandbox.close();
	await n8n.dispose();
});

const workflowOf = (parameters: IDataObject = {}): WorkflowJson & { webhookId: string } => {
	const webhookId = randomUUID();
	return {
		webhookId,
		name: 'Receive predictions',
		nodes: [
			{
				id: randomUUID(),
				name: TRIGGER,
				type: 'n8n-nodes-speech-inference.connecteTrigger',
				typeVersion: 1,
				position: [0, 0],
				parameters,
				credentials: { connecteApi: { id: '', name: '' } },
				webhookId,
			},
		],
		connections: {},
	};
};

interface Listening {
	workflow: StoredWorkflow;
	/** Address of the trigger, without a token. */
	url: string;
}

async function stored(
	parameters?: IDataObject,
	webhookSecret: string = SECRET,
): Promise<Listening & { testUrl: string }> {
	const data = { ...sandbox.connecte.credential, webhookSecret };
	const connecteApi = await n8n.client.createCredential('connecteApi', data);
	const { webhookId, ...workflow } = workflowOf(parameters);
	return {
		workflow: await n8n.client.createWorkflow(workflow, { connecteApi }),
		url: `${n8n.url}/webhook/${webhookId}/webhook`,
		testUrl: `${n8n.url}/webhook-test/${webhookId}/webhook`,
	};
}

interface Publication {
	status: string;
	triggers: Array<{ errorMessage: string | null }>;
}

/** How publishing ended: n8n answers the call that publishes a workflow before its triggers listen. */
async function publication({ workflow }: Listening): Promise<Publication> {
	for (const begun = Date.now(); ; await sleep(100)) {
		const path = `/rest/workflows/${workflow.id}/publication-status`;
		const { data } = (await (await n8n.client.call('GET', path)).json()) as { data: Publication };
		if (['published', 'failed'].includes(data.status)) return data;
		if (Date.now() - begun > 50_000) throw new Error(`Publishing is still '${data.status}'`);
	}
}

async function publish(trigger: Listening): Promise<Publication> {
	await n8n.client.activate(trigger.workflow);
	return await publication(trigger);
}

async function listening(parameters?: IDataObject): Promise<Listening> {
	const trigger = await stored(parameters);
	expect((await publish(trigger)).status).toBe('published');
	return trigger;
}

async function send(url: string, body: unknown): Promise<{ status: number; text: string }> {
	const answer = await fetch(url, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify(body),
	});
	return { status: answer.status, text: await answer.text() };
}

const signed = (url: string) => signedCallbackUrl(url, SECRET);

async function created(
	body: object,
	{ model = 'sandbox/echo', webhookUrl = '' } = {},
): Promise<IDataObject> {
	const { apiToken, baseUrl } = sandbox.connecte.credential;
	const answer = await fetch(`${baseUrl}/${model}`, {
		method: 'POST',
		headers: {
			authorization: `Bearer ${apiToken}`,
			'content-type': 'application/json',
			prefer: 'SYNC',
			...(webhookUrl !== '' && { 'webhook-url': webhookUrl }),
		},
		body: JSON.stringify(body),
	});
	return (await answer.json()) as IDataObject;
}

const ended = async (plan: Plan = {}) => await created({ text: 'hello', plan });

/** The executions of a workflow once nothing of it runs any more. */
async function runsOf({ workflow }: Listening): Promise<Execution[]> {
	// What a call sets off begins before it is answered; this is for what should not begin at all.
	await sleep(300);
	for (;;) {
		const executions = await n8n.client.executions(workflow.id);
		if (executions.every(({ status }) => !['new', 'running'].includes(status))) return executions;
		await sleep(100);
	}
}

describe('publishing', () => {
	it('says why it cannot be done without a webhook secret', async () => {
		const trigger = await stored({}, '');
		expect(await publish(trigger)).toMatchObject({
			status: 'failed',
			triggers: [{ errorMessage: expect.stringContaining("no 'Webhook Secret'") as string }],
		});
		expect((await send(signed(trigger.url), await ended())).status).toBe(404);
	});

	it('can be done without one where anyone may call', async () => {
		const trigger = await stored({ authentication: 'none' }, '');
		expect((await publish(trigger)).status).toBe('published');
		expect((await send(trigger.url, await ended())).status).toBe(200);
		expect(await runsOf(trigger)).toHaveLength(1);
	});
});

describe('a callback of the service', () => {
	it('runs the workflow once, with the transcript of the recording', async () => {
		const trigger = await listening();
		sandbox.connecte.planNext({ callback: { kind: 'retried' } });
		const { id } = await created(
			{ audio: sampleUrl(sandbox) },
			{ model: 'openai/whisper', webhookUrl: signed(trigger.url) },
		);
		await sleep(500);
		const runs = await runsOf(trigger);
		expect(runs.map(({ status, mode }) => [status, mode])).toEqual([['success', 'webhook']]);
		const [item] = itemsOf(await n8n.client.execution(runs[0]?.id ?? ''), TRIGGER);
		expect(item?.json).toMatchObject({
			text: DEMO_SAMPLE.text,
			service: 'connecte',
			requestId: id,
		});
		expect(sandbox.connecte.deliveries.at(-1)).toMatchObject({ status: 200 });
	});

	it('is accepted behind a proxy with a path prefix, which repeats the address in a header', async () => {
		const trigger = await listening({ simplify: false });
		const proxy = createServer((request, response) => {
			const path = (request.url ?? '').replace(/^\/n8n\//, '/');
			const headers = { ...request.headers, 'x-original-url': request.url };
			const onward = httpRequest(n8n.url + path, { method: request.method, headers }, (answer) => {
				response.writeHead(answer.statusCode ?? 502, answer.headers);
				answer.pipe(response);
			});
			request.pipe(onward);
		});
		const proxied = await listen(proxy);
		try {
			const address = signed(trigger.url.replace(n8n.url, `${proxied}/n8n`));
			expect((await send(address, await ended())).status).toBe(200);
			const [run] = await runsOf(trigger);
			const execution = await n8n.client.execution(run?.id ?? '');
			expect(itemsOf(execution, TRIGGER)[0]?.json.headers).toMatchObject({
				'x-original-url': expect.stringMatching(/^\/n8n\/.*connecte_token=\*+$/) as string,
			});
			const token = new URL(address).searchParams.get('connecte_token') ?? '';
			expect(JSON.stringify(execution.data)).not.toContain(token);
		} finally {
			await closed(proxy);
		}
	});
});

const closed = (server: Server) =>
	new Promise<void>((resolve) => {
		server.close(() => resolve());
		server.closeAllConnections();
	});

describe('what is not of the service', () => {
	it('1,000 forged callbacks: none is accepted and nothing runs', async () => {
		const trigger = await listening();
		const prediction = await ended();
		const addresses = [
			trigger.url,
			`${trigger.url}?connecte_token=`,
			`${trigger.url}?connecte_token=${'ab'.repeat(16)}.9999999999.${'cd'.repeat(32)}`,
			signedCallbackUrl(trigger.url, 'another secret'),
			signedCallbackUrl(trigger.url, SECRET, Date.now() - 8 * 24 * 3_600_000),
		];
		const statuses = new Set<number>();
		for (let batch = 0; batch < 20; batch++) {
			const answers = await Promise.all(
				Array.from({ length: 50 }, (_, index) =>
					send(addresses[index % addresses.length] ?? '', prediction),
				),
			);
			for (const { status, text } of answers) {
				statuses.add(status);
				expect(text).not.toContain(SECRET);
			}
		}
		expect([...statuses]).toEqual([401]);
		expect(await runsOf(trigger)).toEqual([]);
		expect(sandbox.connecte.reads.get(prediction.id as string)).toBeUndefined();
	}, 180_000);

	it('a prediction that the API does not know, or that has not ended', async () => {
		const trigger = await listening();
		const address = signed(trigger.url);
		const unknown = { id: randomUUID(), status: 'succeeded' };
		expect((await send(address, unknown)).status).toBe(403);
		const running = { id: [...sandbox.connecte.predictions.keys()].at(-1), status: 'failed' };
		expect((await send(address, running)).status).toBe(403);
		expect(await runsOf(trigger)).toEqual([]);
	});

	it('calls of another method, form or kind', async () => {
		const trigger = await listening();
		const address = signed(trigger.url);
		const form = new FormData();
		form.set('id', 'a');
		const text = (body: string, type: string) => ({
			method: 'POST',
			body,
			headers: { 'content-type': type },
		});
		const statusOf = async (init: RequestInit) => (await fetch(address, init)).status;
		expect(await statusOf({ method: 'GET' })).toBe(404);
		expect(await statusOf({ method: 'POST' })).toBe(400);
		expect(await statusOf({ method: 'POST', body: form })).toBe(400);
		expect(await statusOf(text('id=a', 'application/x-www-form-urlencoded'))).toBe(400);
		expect(await statusOf(text('null', 'application/json'))).toBe(400);
		expect(await statusOf(text('{"id":', 'application/json'))).toBe(422);
		expect(await runsOf(trigger)).toEqual([]);
	});

	it('an API that is slow or away: 503 within 5 s, and accepted when it comes again', async () => {
		const trigger = await listening();
		const address = signed(trigger.url);
		const prediction = await ended();
		const path = '/predictions/';
		sandbox.faults.add({ path, fault: { kind: 'silence' } });
		const begun = Date.now();
		expect((await send(address, prediction)).status).toBe(503);
		expect(Date.now() - begun).toBeLessThan(5_000);
		expect(await runsOf(trigger)).toEqual([]);
		sandbox.faults.clear();
		expect((await send(address, prediction)).status).toBe(200);
		expect(await runsOf(trigger)).toHaveLength(1);
	});
});

describe('one event many times', () => {
	it('50 times at once, and again after a crash: one run', async () => {
		const trigger = await listening();
		const address = signed(trigger.url);
		const prediction = await ended();
		const answers = await Promise.all(Array.from({ length: 50 }, () => send(address, prediction)));
		// On a busy machine the run may not have started when the others have to be answered: 503 says so.
		expect([200, 503]).toEqual(expect.arrayContaining(answers.map(({ status }) => status)));
		expect(answers.filter(({ text }) => text.includes('accepted'))).toHaveLength(1);
		expect(await runsOf(trigger)).toHaveLength(1);
		await n8n.kill();
		await n8n.start();
		expect((await send(address, prediction)).status).toBe(200);
		expect(await runsOf(trigger)).toHaveLength(1);
		expect((await send(address, await ended())).status).toBe(200);
		expect(await runsOf(trigger)).toHaveLength(2);
	}, 180_000);

	it('each of three, one after the other, is known after a crash', async () => {
		const trigger = await listening();
		const address = signed(trigger.url);
		const predictions = [await ended(), await ended(), await ended()];
		for (const prediction of predictions) {
			const { status, text } = await send(address, prediction);
			// Not the item that the run begins with, as n8n answers by itself.
			expect([status, JSON.parse(text)]).toEqual([200, { message: 'The event was accepted' }]);
		}
		expect(await runsOf(trigger)).toHaveLength(3);
		// Not sent again before: that would store what the first calls have not.
		await n8n.kill();
		await n8n.start();
		for (const prediction of predictions) {
			expect((await send(address, prediction)).status).toBe(200);
		}
		expect(await runsOf(trigger)).toHaveLength(3);
	}, 180_000);

	it('60 events at once, three times each, and again after a crash: one run each', async () => {
		const trigger = await listening();
		const address = signed(trigger.url);
		const predictions = await Promise.all(Array.from({ length: 60 }, () => ended()));
		const all = () => Promise.all(predictions.map((prediction) => send(address, prediction)));
		// An n8n too busy to answer in time says 503, and a sender that tries again comes again.
		const untilTaken = async () => {
			for (let tries = 0; tries < 10; tries++) {
				const statuses = new Set((await all()).map(({ status }) => status));
				if (statuses.size === 1 && statuses.has(200)) return true;
			}
			return false;
		};
		const answers = (await Promise.all([all(), all(), all()])).flat();
		expect([200, 503]).toEqual(expect.arrayContaining(answers.map(({ status }) => status)));
		expect(await untilTaken()).toBe(true);
		expect(await runsOf(trigger)).toHaveLength(60);
		await n8n.kill();
		await n8n.start();
		expect(await untilTaken()).toBe(true);
		expect(await runsOf(trigger)).toHaveLength(60);
	}, 240_000);
});

describe('listening for a test event', () => {
	const listen = async (id: string) =>
		await n8n.client.call('POST', `/rest/workflows/${id}/run`, {
			body: { triggerToStartFrom: { name: TRIGGER } },
		});

	it('runs by the test address, again for the same event, and leaves the event to production', async () => {
		const trigger = await stored();
		const prediction = await ended();
		const address = signed(trigger.testUrl);
		for (const round of [1, 2]) {
			await listen(trigger.workflow.id);
			expect((await send(address, { id: randomUUID(), status: 'failed' })).status).toBe(403);
			expect((await send(address, prediction)).status).toBe(200);
			const runs = await runsOf(trigger);
			expect(runs.map(({ mode }) => mode)).toEqual(Array.from({ length: round }, () => 'manual'));
		}
		expect((await send(address, prediction)).status).toBe(404);
		expect((await publish(trigger)).status).toBe('published');
		expect((await send(signed(trigger.url), prediction)).status).toBe(200);
		expect(await runsOf(trigger)).toHaveLength(3);
	});

	it('says why it cannot without a webhook secret', async () => {
		const { workflow } = await stored({}, '');
		await expect(listen(workflow.id)).rejects.toMatchObject({
			body: expect.stringContaining("no 'Webhook Secret'") as string,
		});
	});
});
