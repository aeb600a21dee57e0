import { readdir } from 'node:fs/promises';
import {
	createServer,
	type IncomingHttpHeaders,
	type IncomingMessage,
	type Server,
} from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

import {
	NodeApiError,
	NodeConnectionTypes,
	NodeOperationError,
	type ICredentialType,
	type IDataObject,
	type IExecuteFunctions,
	type IHookFunctions,
	type ILoadOptionsFunctions,
	type INodeType,
	type INodeTypeDescription,
	type IWebhookFunctions,
	type JsonObject,
} from 'n8n-workflow';

import {
	callMethod,
	runNode,
	runWebhook,
	runWebhookMethod,
	testCredential,
	type RecordedResponse,
	type RunResult,
} from './engine.ts';
import { close, listen } from '../listen.ts';
import { dataFolder } from './host.ts';

interface Seen {
	method?: string;
	url?: string;
	headers: IncomingHttpHeaders;
	body: string;
}

const seen: Seen[] = [];
let server: Server;
let baseUrl: string;

beforeAll(async () => {
	server = createServer((request, response) => {
		if (request.url?.startsWith('/silent')) {
			request.resume();
			return;
		}
		void text(request).then((body) => {
			seen.push({ method: request.method, url: request.url, headers: request.headers, body });
			const allowed = request.headers.authorization === 'Bearer right';
			response.writeHead(allowed ? 200 : 401, { 'content-type': 'application/json' });
			response.end(JSON.stringify(allowed ? { length: body.length } : { error: 'Who are you?' }));
		});
	});
	baseUrl = await listen(server);
});
beforeEach(() => seen.splice(0));
afterAll(() => close(server));

const keyApi: ICredentialType = {
	name: 'keyApi',
	displayName: 'Key API',
	properties: [
		{ displayName: 'Key', name: 'key', type: 'string', default: '' },
		{ displayName: 'Base URL', name: 'baseUrl', type: 'string', default: 'http://127.0.0.1:1' },
	],
	authenticate: {
		type: 'generic',
		properties: {
			headers: { Authorization: '=Bearer {{$credentials.key}}', 'x-kind': 'plain' },
			qs: { seenBy: '={{ $credentials.baseUrl.length }}' },
		},
	},
	test: { request: { baseURL: '={{$credentials.baseUrl}}', url: '/check' } },
};
const keyCredential = (key: string) => ({ keyApi: { type: keyApi, data: { key, baseUrl } } });

const description: INodeTypeDescription = {
	displayName: 'Probe',
	name: 'probe',
	group: ['transform'],
	version: 1,
	description: 'Probes the engine',
	defaults: { name: 'Probe' },
	inputs: [NodeConnectionTypes.Main],
	outputs: [NodeConnectionTypes.Main],
	usableAsTool: true,
	credentials: [{ name: 'keyApi', required: true }],
	properties: [
		{ displayName: 'Mode', name: 'mode', type: 'string', default: 'quiet' },
		{
			displayName: 'Volume',
			name: 'volume',
			type: 'number',
			default: 7,
			displayOptions: { show: { mode: ['loud'] } },
		},
		{ displayName: 'Text', name: 'text', type: 'string', default: '={{ $json.text }}' },
		{ displayName: 'Name', name: 'name', type: 'string', default: '', required: true },
	],
};

/** A node that does `execute`. */
const probe = (execute: INodeType['execute'], more: Partial<INodeTypeDescription> = {}) => ({
	nodeType: { description: { ...description, ...more }, execute } satisfies INodeType,
	parameters: { name: 'n' },
});

const upload = probe(async function (this: IExecuteFunctions) {
	const output = [];
	for (const [item] of this.getInputData().entries()) {
		const { id, data } = this.helpers.assertBinaryData(item, 'data');
		const { baseUrl: url } = await this.getCredentials<{ baseUrl: string }>('keyApi', item);
		const body = id ? await this.helpers.getBinaryStream(id) : Buffer.from(data, 'base64');
		try {
			const answer = (await this.helpers.httpRequestWithAuthentication.call(this, 'keyApi', {
				method: 'POST',
				url,
				body,
			})) as IDataObject;
			output.push({ json: { ...answer, id: id ?? null }, pairedItem: { item } });
		} catch (error) {
			if (!this.continueOnFail()) throw new NodeApiError(this.getNode(), error as JsonObject);
			output.push({ json: {}, error: error as NodeApiError, pairedItem: { item } });
		} finally {
			if (!Buffer.isBuffer(body)) body.destroy();
		}
	}
	return [output];
});
const audio = { binary: { data: { data: Buffer.from('four'), fileName: 'a.wav' } } };

describe('runNode', () => {
	it('fills in defaults, hides what does not apply and resolves expressions per item', async () => {
		const { nodeType, parameters } = probe(async function (this: IExecuteFunctions) {
			const read = (item: number) => ({
				json: {
					text: this.getNodeParameter('text', item),
					volume: this.getNodeParameter('volume', item, null) as number | null,
				},
			});
			return await Promise.resolve([this.getInputData().map((_, item) => read(item))]);
		});
		const items = [{ json: { text: 'a' } }, { json: { text: 'b' } }];
		const quiet = await runNode({ nodeType, parameters, items });
		expect(quiet).toMatchObject({ status: 'success', error: undefined, hints: [], chunks: [] });
		expect(quiet.items.map(({ json }) => json)).toEqual([
			{ text: 'a', volume: null },
			{ text: 'b', volume: null },
		]);
		expect(quiet.items.map(({ pairedItem }) => pairedItem)).toEqual([{ item: 0 }, { item: 1 }]);
		const loud = await runNode({ nodeType, parameters: { ...parameters, mode: 'loud' } });
		expect(loud.items[0]?.json.volume).toBe(7);
	});

	it('refuses unknown parameters, and does not start a node that lacks a required one', async () => {
		const { nodeType } = upload;
		await expect(runNode({ nodeType, parameters: { nmae: 'n' } })).rejects.toThrow('nmae');
		await expect(runNode({ nodeType })).rejects.toThrow('issues');
	});

	it.each([
		['filesystem', true],
		['default', false],
	] as const)(
		'sends a binary kept as %s over a socket, authenticated',
		async (binaryMode, isFile) => {
			const result = await runNode({
				...upload,
				binaryMode,
				items: [audio],
				credentials: keyCredential('right'),
			});
			expect(result.error).toBeUndefined();
			expect(result.items[0]?.json).toEqual({
				length: 4,
				id: isFile ? (expect.stringMatching(/^filesystem-v2:/) as string) : null,
			});
			expect(seen).toHaveLength(1);
			expect(seen[0]).toMatchObject({ url: `/?seenBy=${baseUrl.length}`, body: 'four' });
			expect(seen[0]?.headers).toMatchObject({ authorization: 'Bearer right', 'x-kind': 'plain' });
			if (isFile) {
				const files = await readdir(dataFolder(), { recursive: true });
				const id = (result.items[0]?.json.id as string).replace('filesystem-v2:', '');
				expect(files).toContain(join('storage', id));
			}
		},
	);

	it('hands over an error as n8n stores it, or passes it on with continueOnFail', async () => {
		const options = { ...upload, items: [audio], credentials: keyCredential('wrong') };
		const stopped = await runNode(options);
		expect(stopped.status).toBe('error');
		expect(stopped.error).toMatchObject({ name: 'NodeApiError', httpCode: '401' });
		const passed = await runNode({ ...options, continueOnFail: true });
		expect(passed.status).toBe('success');
		expect(passed.items).toMatchObject([
			{
				json: { error: expect.stringContaining('Authorization') as string },
				pairedItem: { item: 0 },
			},
		]);
	});

	it('lacks credentials when none are given', async () => {
		const { error } = await runNode({ ...upload, items: [audio] });
		expect(error).toMatchObject({ name: 'NodeOperationError' });
		expect(error?.message).toContain('credentials');
	});

	it('reads binaries the node makes, hints and static data', async () => {
		const { nodeType, parameters } = probe(async function (this: IExecuteFunctions) {
			this.addExecutionHints({ message: 'Mind the gap', location: 'outputPane' });
			const data = this.getWorkflowStaticData('node');
			data.count = Number(data.count ?? 0) + 1;
			const made = await this.helpers.prepareBinaryData(Buffer.from('sub'), 's.srt', 'text/plain');
			return [[{ json: {}, binary: { made } }]];
		});
		const result = await runNode({ nodeType, parameters, staticData: { count: 4 } });
		const [item = { json: {} }] = result.items;
		expect(await result.binary(item, 'made')).toEqual(Buffer.from('sub'));
		expect(result.hints).toMatchObject([{ message: 'Mind the gap' }]);
		expect(result.staticData).toEqual({ count: 5 });
	});

	it('captures chunks of a node that streams', async () => {
		const { nodeType, parameters } = probe(async function (this: IExecuteFunctions) {
			if (this.isStreaming()) {
				this.sendChunk('begin', 0);
				this.sendChunk('item', 0, 'one');
				this.sendChunk('end', 0);
			}
			return await Promise.resolve([[{ json: {} }]]);
		});
		const { chunks } = await runNode({ nodeType, parameters, streaming: true });
		expect(chunks.map(({ type, content }) => [type, content])).toEqual([
			['begin', undefined],
			['item', 'one'],
			['end', undefined],
		]);
		expect((await runNode({ nodeType, parameters })).chunks).toEqual([]);
	});

	const patient = probe(async function (this: IExecuteFunctions) {
		await sleep(20_000, undefined, { signal: this.getExecutionCancelSignal() });
		return [[{ json: {} }]];
	});

	it('stops an execution after a time or on a signal', async () => {
		const timed = await runNode({ ...patient, cancelAfterMs: 50 });
		expect(timed.status).toBe('canceled');
		expect(timed.durationMs).toBeGreaterThanOrEqual(49);
		expect(timed.durationMs).toBeLessThan(2_000);
		const controller = new AbortController();
		const running = runNode({ ...patient, cancelOn: controller.signal });
		setTimeout(() => controller.abort(), 50);
		expect((await running).status).toBe('canceled');
	});

	it('breaks off a request that is under way', async () => {
		const credentials = keyCredential('right');
		credentials.keyApi.data.baseUrl += '/silent';
		const arrived = new AbortController();
		const gone = new Promise<void>((resolve) => {
			server.once('request', ({ socket }: IncomingMessage) => {
				socket.once('close', resolve);
				arrived.abort();
			});
		});
		const items = [{ binary: { data: { data: Readable.from([Buffer.from('streamed')]) } } }];
		const result = await runNode({ ...upload, items, credentials, cancelOn: arrived.signal });
		expect(result.status).toBe('canceled');
		expect(result.durationMs).toBeLessThan(2_000);
		await gone;
	});

	const tool = probe(async function (this: IExecuteFunctions) {
		const json = {
			text: this.getNodeParameter('text', 0),
			tool: this.isToolExecution(),
			rewired: this.getNode().rewireOutputLogTo ?? null,
		};
		return await Promise.resolve([[{ json }]]);
	});
	const asked = { name: 'n', text: "={{ $fromAI('topic', '', 'string') }}" };

	it.each([
		[true, { tool: true, rewired: null }],
		['requested', { tool: false, rewired: 'ai_tool' }],
	] as const)('runs the node as a tool (asTool: %s)', async (asTool, told) => {
		const items = [{ json: { topic: 'x' } }, { json: { topic: 'y' } }];
		const result = await runNode({ ...tool, parameters: asked, asTool, items });
		expect(result.error).toBeUndefined();
		expect(result.items.map(({ json }) => json.response)).toEqual([
			[{ text: 'x', ...told }],
			[{ text: 'y', ...told }],
		]);
	});

	it.each([true, 'requested'] as const)(
		'shows the error of a tool (asTool: %s)',
		async (asTool) => {
			const { nodeType, parameters } = probe(async function (this: IExecuteFunctions) {
				throw await Promise.resolve(new NodeOperationError(this.getNode(), 'Not today'));
			});
			const { error } = await runNode({ nodeType, parameters, asTool });
			expect(error).toMatchObject({ name: 'NodeOperationError', message: 'Not today' });
		},
	);
});

const callback = {
	name: 'default',
	httpMethod: 'POST',
	responseMode: 'onReceived',
	isFullPath: true,
	path: '',
} as const;

describe('waiting', () => {
	const waiter = {
		parameters: { name: 'n' },
		nodeType: {
			description: { ...description, webhooks: [{ ...callback, restartWebhook: true }] },
			async execute(this: IExecuteFunctions) {
				const url = this.evaluateExpression('{{ $execution.resumeUrl }}', 0) as string;
				this.getWorkflowStaticData('node').waits = 1;
				await this.putExecutionToWait(new Date(Date.now() + 60_000));
				return [[{ json: { url } }]];
			},
			async webhook(this: IWebhookFunctions) {
				const { state } = this.getBodyData();
				const data = this.getWorkflowStaticData('node');
				data.calls = Number(data.calls ?? 0) + 1;
				if (state !== 'done') return { webhookResponse: 'not yet' };
				return await Promise.resolve({ workflowData: [[{ json: { state } }]] });
			},
		} satisfies INodeType,
	};
	let waiting: RunResult;
	beforeEach(async () => {
		waiting = await runNode({ ...waiter, items: [{ json: { from: 'input' } }] });
	});

	it('waits, and goes on by the webhook of the node', async () => {
		expect(waiting.status).toBe('waiting');
		expect(waiting.waitTill?.getTime()).toBeGreaterThan(Date.now());
		expect(waiting.items[0]?.json.url).toMatch(/\/webhook-waiting\/\d+\?signature=\w+/);
		const early = await waiting.resume({ body: { state: 'running' } });
		expect(early).toMatchObject({ status: 'waiting', response: { body: 'not yet' } });
		const done = await early.resume({ body: { state: 'done' } });
		// As n8n 2.41, which forgets what a call has changed before it starts a run.
		expect(done.staticData).toEqual({ waits: 1, calls: 1 });
		expect(done).toMatchObject({ status: 'success', response: { statusCode: 200 } });
		expect(done.items).toMatchObject([{ json: { state: 'done' } }]);
		await expect(done.resume()).rejects.toThrow('success');
	});

	it('passes the input on when the time runs out', async () => {
		const late = await waiting.resume();
		expect(late.status).toBe('success');
		expect(late.items).toMatchObject([{ json: { from: 'input' } }]);
	});
});

describe('triggers and editor', () => {
	const nodeType: INodeType = {
		description: { ...description, inputs: [], webhooks: [{ ...callback, path: 'webhook' }] },
		async webhook(this: IWebhookFunctions) {
			const data = this.getWorkflowStaticData('node');
			data.calls = Number(data.calls ?? 0) + 1;
			const { token } = this.getQueryData() as { token?: string };
			if (token !== 'right') {
				const response = this.getResponseObject() as unknown as RecordedResponse;
				response.status(401).json({ refused: this.getHeaderData()['x-who'] });
				return { noWebhookResponse: true };
			}
			const { key } = await this.getCredentials<{ key: string }>('keyApi');
			return { workflowData: [[{ json: { key, ...this.getBodyData() } }]] };
		},
		webhookMethods: {
			default: {
				checkExists: async () => await Promise.resolve(true),
				async create(this: IHookFunctions) {
					this.getWorkflowStaticData('node').url = this.getNodeWebhookUrl('default');
					return await Promise.resolve(true);
				},
				async delete(this: IHookFunctions) {
					throw await Promise.resolve(new NodeOperationError(this.getNode(), 'Stay'));
				},
			},
		},
		methods: {
			loadOptions: {
				async names(this: ILoadOptionsFunctions) {
					const name = this.getCurrentNodeParameter('name') as string;
					return await Promise.resolve([{ name, value: this.getNodeParameter('mode') as string }]);
				},
			},
		},
	};
	const options = { nodeType, parameters: { name: 'n' }, credentials: keyCredential('right') };

	it('answers a call and starts the workflow, or refuses it', async () => {
		const called = await runWebhook({
			...options,
			staticData: { calls: 1 },
			request: { body: { id: 1 }, query: { token: 'right' } },
		});
		// As n8n 2.41, which forgets what a call has changed before it starts a run.
		expect(called).toMatchObject({ statusCode: 200, staticData: { calls: 1 } });
		expect(called.workflowData).toEqual([[{ json: { key: 'right', id: 1 } }]]);
		const refused = await runWebhook({ ...options, request: { headers: { 'X-Who': 'me' } } });
		expect(refused).toMatchObject({ statusCode: 401, body: { refused: 'me' } });
		expect(refused.workflowData).toBeUndefined();
		await expect(runWebhook({ ...options, request: { method: 'GET' } })).rejects.toThrow('GET');
	});

	it('activates and deactivates a trigger', async () => {
		expect((await runWebhookMethod(options, 'checkExists')).done).toBe(true);
		const { done, staticData } = await runWebhookMethod(options, 'create');
		expect(done).toBe(true);
		expect(staticData.url).toMatch(/^http:.*\/webhook\/webhook$/);
		await expect(runWebhookMethod(options, 'delete')).rejects.toThrow('Stay');
	});

	it('runs the methods of the editor', async () => {
		expect(await callMethod(options, 'loadOptions', 'names')).toEqual([
			{ name: 'n', value: 'quiet' },
		]);
	});
});

describe('testCredential', () => {
	it('passes with a good key', async () => {
		expect(await testCredential(keyApi, { key: 'right', baseUrl })).toMatchObject({ status: 'OK' });
		expect(seen).toMatchObject([{ method: 'GET', headers: { authorization: 'Bearer right' } }]);
		expect(seen[0]?.url).toMatch(/^\/check\?/);
	});

	it('fails with a bad key, a host that is not there, or by a rule', async () => {
		const bad = await testCredential(keyApi, { key: 'wrong', baseUrl });
		expect(bad.status).toBe('Error');
		expect(bad.message).toBe('Unauthorized');
		const none = await testCredential(keyApi, { key: 'right' });
		expect(none).toEqual({ status: 'Error', message: 'ECONNREFUSED' });
		const { request } = keyApi.test ?? { request: {} };
		const code = {
			type: 'responseCode',
			properties: { value: 401, message: 'Wrong key' },
		} as const;
		const body = {
			type: 'responseSuccessBody',
			properties: { key: 'length', value: 0, message: 'Nothing sent' },
		} as const;
		const byCode = { ...keyApi, test: { request, rules: [code] } };
		expect((await testCredential(byCode, { key: 'wrong', baseUrl })).message).toBe('Wrong key');
		const byBody = { ...keyApi, test: { request, rules: [body] } };
		expect((await testCredential(byBody, { key: 'right', baseUrl })).message).toBe('Nothing sent');
	});
});
