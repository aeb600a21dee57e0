import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { stringify } from 'flatted';
import { N8nClient } from '../../../harness/client.ts';
import { listen } from '../../listen.ts';

interface Call {
	call: string;
	body: unknown;
}

let server: Server;
let client: N8nClient;
let calls: Call[];

/** What a call is answered with, one after the other; all others get the workflow. */
let answers: Record<string, unknown[]>;

/** Status of the calls that an n8n does not know, or fails at; all others get 200. */
let statuses: Record<string, number>;

const WORKFLOW = { id: 'w1', versionId: 'v1', name: 'Stored', nodes: [], connections: {} };

beforeEach(async () => {
	calls = [];
	statuses = {};
	answers = { 'POST /rest/workflows/w1/run': [{ executionId: '7' }] };
	server = createServer((request, response) => {
		void text(request).then((body) => {
			const call = `${request.method} ${request.url}`;
			calls.push({ call, body: body === '' ? undefined : JSON.parse(body) });
			response.statusCode = statuses[call] ?? 200;
			const data = answers[call]?.shift() ?? WORKFLOW;
			response.end(JSON.stringify({ data }));
		});
	});
	client = new N8nClient(await listen(server));
});

afterEach(() => {
	server.close();
});

describe('a workflow is published', () => {
	it('by the call that n8n has for it', async () => {
		await client.activate(WORKFLOW);
		expect(calls).toEqual([
			{ call: 'POST /rest/workflows/w1/activate', body: { versionId: 'v1' } },
		]);
	});

	it('by its field in an n8n that has no such call', async () => {
		statuses['POST /rest/workflows/w1/activate'] = 404;
		statuses['POST /rest/workflows/w1/deactivate'] = 404;
		await client.activate(WORKFLOW);
		await client.deactivate('w1');
		expect(calls.filter(({ call }) => call.startsWith('PATCH'))).toEqual([
			{ call: 'PATCH /rest/workflows/w1', body: { active: true } },
			{ call: 'PATCH /rest/workflows/w1', body: { active: false } },
		]);
	});

	it('not in another way when n8n refuses it', async () => {
		statuses['POST /rest/workflows/w1/activate'] = 400;
		await expect(client.activate(WORKFLOW)).rejects.toThrow('answered 400');
		expect(calls).toHaveLength(1);
	});
});

it('a workflow is run with all that an older and a newer n8n ask for', async () => {
	await expect(client.run('w1', 'Start')).resolves.toBe('7');
	expect(calls.at(-1)).toEqual({
		call: 'POST /rest/workflows/w1/run',
		body: { workflowData: WORKFLOW, triggerToStartFrom: { name: 'Start' } },
	});
});

it('an execution has ended when n8n has stored its data too', async () => {
	const ended = { id: '7', status: 'success' };
	const data = (left: object[]) => stringify({ executionData: { nodeExecutionStack: left } });
	answers['GET /rest/executions/7'] = [
		{ id: '7', status: 'running', data: '[]' },
		{ ...ended, data: '[]' },
		{ ...ended, data: data([{ node: 'Next' }]) },
		{ ...ended, data: data([]) },
	];
	const execution = await client.waitForExecution('7', { pollMs: 1 });
	expect(execution.data.executionData?.nodeExecutionStack).toEqual([]);
	expect(calls).toHaveLength(4);
});

it('an execution that failed has ended with the node in its stack that failed', async () => {
	const data = stringify({ executionData: { nodeExecutionStack: [{ node: 'Failed' }] } });
	answers['GET /rest/executions/7'] = [{ id: '7', status: 'error', data }];
	await expect(client.waitForExecution('7')).resolves.toMatchObject({ status: 'error' });
});
