import type { IDataObject, INodeParameters } from 'n8n-workflow';

import { ConnecteApi } from '../../credentials/ConnecteApi.credentials.ts';
import { verifyCallbackToken } from '../../nodes/Connecte/callback/callbackToken.ts';
import { Connecte } from '../../nodes/Connecte/Connecte.node.ts';
import type { Plan } from '../../sandbox/connecte/predictions.ts';
import { startSandbox, type Sandbox } from '../../sandbox/server.ts';
import { callMethod, runNode, testCredential, type RunOptions, type RunResult } from './engine.ts';

const SECRET = 'webhook-secret-of-the-test';

let sandbox: Sandbox;
let audio: { url: string; text: string };
beforeAll(async () => {
	sandbox = await startSandbox();
	audio = {
		url: `${sandbox.baseUrl}/samples/dialogue-mono.wav`,
		text: 'one two three four five six seven seven eight nine',
	};
});
afterAll(async () => {
	await sandbox.close();
});
beforeEach(() => sandbox.clear());

type Run = Omit<RunOptions, 'nodeType'> & { credential?: IDataObject };

const run = async ({ credential, ...options }: Run): Promise<RunResult> =>
	await runNode({
		nodeType: new Connecte(),
		credentials: {
			connecteApi: {
				type: new ConnecteApi(),
				data: { ...sandbox.connecte.credential, ...credential } as never,
				// What the service asks for in one test holds for its credential alone.
				id: expect.getState().currentTestName,
			},
		},
		...options,
		// What the tests say of the answer is the prediction itself, unless they wait for its end.
		parameters: { inputMode: 'json', waitForCompletion: 'no', ...options.parameters },
	});

/** Creates a prediction of the model that does what its plan says. */
const echo = async (
	plan: Plan,
	parameters: INodeParameters = {},
	options: Run = {},
): Promise<RunResult> =>
	await run({
		parameters: {
			model: 'sandbox/echo',
			inputJson: { text: 'hello', plan } as never,
			...parameters,
		},
		...options,
	});

const posts = () => sandbox.requests.filter(({ method }) => method === 'POST');
const cancels = () => posts().filter(({ path }) => path.endsWith('/cancel'));
const creates = () => posts().filter(({ path }) => !path.endsWith('/cancel'));
const until = async (condition: () => boolean) => {
	for (const end = Date.now() + 3_000; !condition() && Date.now() < end; ) {
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
	expect(condition()).toBe(true);
};
const everyPrediction = () => [...sandbox.connecte.predictions.values()];

describe('create', () => {
	it('of a node as it is put down needs nothing but the address of the recording', async () => {
		const { items, error } = await runNode({
			nodeType: new Connecte(),
			credentials: {
				connecteApi: { type: new ConnecteApi(), data: { ...sandbox.connecte.credential } },
			},
			parameters: {
				input: { mappingMode: 'defineBelow', value: { audio: audio.url }, schema: [] } as never,
			},
		});
		expect(error).toBeUndefined();
		expect(items[0]?.json).toMatchObject({ text: audio.text, service: 'connecte' });
	});

	it('sends the flat input with the headers of ASYNC, and puts out the prediction as it is', async () => {
		const { items, error } = await echo({ durationMs: 5_000 });
		expect(error).toBeUndefined();
		expect(items).toHaveLength(1);
		expect(items[0]?.json).toMatchObject({ status: 'pending', output: null });
		const [request] = creates();
		expect(request?.path).toBe('/connecte/api/v1/sandbox/echo');
		expect(request?.headers).toMatchObject({
			prefer: 'ASYNC',
			'content-type': 'application/json',
			authorization: 'Bearer ******',
		});
		expect(Object.keys(request?.headers ?? {})).not.toEqual(
			expect.arrayContaining([expect.stringMatching(/webhook|request-timeout/)]),
		);
		expect(items[0]?.json.input).toEqual({ text: 'hello', count: 1, mode: 'plain', loud: false });
	});

	it('waits for the answer with SYNC, and says for how long', async () => {
		const { items } = await echo({ durationMs: 300 }, { prefer: 'SYNC', requestTimeout: 7 });
		expect(items[0]?.json).toMatchObject({ status: 'succeeded', output: { text: 'hello' } });
		expect(creates()[0]?.headers).toMatchObject({ prefer: 'SYNC', 'request-timeout': '7' });
	});

	it('puts out an unfinished prediction of SYNC where nothing is waited for', async () => {
		const sync = { prefer: 'SYNC', requestTimeout: 1 };
		const { items } = await echo({ durationMs: 60_000 }, sync);
		expect(items[0]?.json.status).not.toBe('succeeded');
		expect(sandbox.connecte.reads.size).toBe(0);
	});

	it('bears that a prediction is not known everywhere just after it was created', async () => {
		sandbox.faults.add({ method: 'GET', times: 2, fault: { kind: 'status', status: 404 } });
		const { items, error } = await echo(
			{ durationMs: 100 },
			{ waitForCompletion: 'poll', options: { pollInterval: 0.1 } },
		);
		expect(error).toBeUndefined();
		expect(items[0]?.json.status).toBe('succeeded');
	});

	it('goes on waiting where SYNC comes back unfinished', async () => {
		const { items } = await echo(
			{ durationMs: 1_300 },
			{ prefer: 'SYNC', requestTimeout: 1, waitForCompletion: 'poll' },
		);
		expect(items[0]?.json.status).toBe('succeeded');
	});

	it('yields the common transcript of speech', async () => {
		const { items } = await run({
			parameters: {
				model: 'openai/whisper',
				inputJson: { audio: audio.url, word_timestamp: true },
				waitForCompletion: 'poll',
			},
		});
		expect(items[0]?.json).toMatchObject({
			text: audio.text,
			language: 'en',
			service: 'connecte',
			model: 'openai/whisper',
			words: audio.text.split(' ').map((text) => ({ text })),
			usage: { runtime: expect.any(Number) as number, cost: expect.any(Number) as number },
		});
		expect(items[0]?.pairedItem).toEqual({ item: 0 });
	});

	it('yields the prediction untouched without Simplify', async () => {
		const { items } = await run({
			parameters: {
				model: 'openai/whisper',
				inputJson: JSON.stringify({ audio: audio.url }),
				waitForCompletion: 'poll',
				simplify: false,
			},
		});
		expect(items[0]?.json).toMatchObject({
			output: { transcirption: ` ${audio.text}` },
			source: 'api',
		});
	});

	it('gives an agent the text alone', async () => {
		const { items, error } = await run({
			parameters: {
				model: 'openai/whisper',
				inputJson: { audio: audio.url },
				waitForCompletion: 'poll',
			},
			asTool: true,
		});
		expect(error).toBeUndefined();
		expect(items[0]?.json.response).toEqual([{ text: audio.text }]);
	});

	it.each(['whisper', 'a/b/c', ' ', '/', '../whisper', 'openai/..', 'https://connecte.ai/openai'])(
		'refuses the model %j',
		async (model) => {
			const { error } = await run({ parameters: { model, inputJson: { a: 1 } } });
			expect(error?.message).toContain("'Model'");
			expect(sandbox.requests).toHaveLength(0);
		},
	);

	it('percent-encodes the model', async () => {
		await run({ parameters: { model: 'some one/v 1?', inputJson: {} } });
		expect(sandbox.requests[0]?.path).toBe('/connecte/api/v1/some%20one/v%201%3F');
	});

	it.each(['[]', '"text"', 'no json', '3'])('refuses the input %s', async (inputJson) => {
		const { error } = await run({ parameters: { model: 'sandbox/echo', inputJson } });
		expect(error?.message).toContain("'Input JSON'");
		expect(sandbox.requests).toHaveLength(0);
	});

	it('ends with an error that has the message of a failed prediction, wherever it is', async () => {
		for (const errorField of ['error', 'message', 'detail', 'output.error'] as const) {
			const { error } = await echo(
				{ durationMs: 0, outcome: 'failed', errorField },
				{ waitForCompletion: 'poll' },
			);
			expect(error?.message).toBe('The prediction of sandbox/echo failed [item 0]');
			expect(error?.description).toContain('The model ran out of memory');
		}
		const { error } = await echo(
			{ durationMs: 0, outcome: 'failed', errorField: 'none' },
			{ waitForCompletion: 'poll' },
		);
		expect(error?.description).toContain('no reason');
		expect(error?.description).toContain(everyPrediction().at(-1)?.id);
	});

	it('knows statuses in any spelling', async () => {
		const plan: Plan = { durationMs: 0, statusCase: 'title' };
		const { items } = await echo(plan, { waitForCompletion: 'poll' });
		expect(items[0]?.json.status).toBe('succeeded');
	});

	it('keeps the id of what it has paid for, whatever its status is called', async () => {
		const body = JSON.stringify({ id: 'paid-for', status: 'Booting' });
		sandbox.faults.add({ method: 'POST', fault: { kind: 'status', status: 200, body } });
		const { items } = await echo({});
		expect(items[0]?.json).toEqual({ id: 'paid-for', status: 'booting' });
	});

	it.each([
		['waitForCompletion', 'Webhook', "'Wait for Completion'"],
		['prefer', 'sync', "'Prefer'"],
	])('refuses %s %j, which is none of its choices', async (name, value, message) => {
		const { error } = await echo({}, { [name]: `={{ "${value}" }}` });
		expect(error?.message).toContain(message);
		expect(sandbox.requests).toHaveLength(0);
	});

	it("shows the service's own words", async () => {
		const { error } = await run({ parameters: { model: 'no/model', inputJson: {} } });
		expect(error?.message).toContain('404');
		expect(error?.description).toContain('No model no/model');
		expect(error?.description).toContain("'Model'");
	});
});

describe('the request that creates', () => {
	it.each([
		['reset', { kind: 'reset', when: 'after' }],
		['500', { kind: 'status', status: 500 }],
		['503 without Retry-After', { kind: 'status', status: 503 }],
	] as const)('is sent once when it ends with %s', async (_, fault) => {
		sandbox.faults.add({ method: 'POST', fault });
		const { error } = await echo({ durationMs: 0 });
		expect(error).toBeDefined();
		expect(creates()).toHaveLength(1);
	});

	it.each([
		['429', 429],
		['503 with Retry-After', 503],
	])('is sent again when it was refused with %s', async (_, status) => {
		const headers = { 'retry-after': '0' };
		sandbox.faults.add({ method: 'POST', fault: { kind: 'status', status, headers } });
		const { error } = await echo({ durationMs: 0 });
		expect(error).toBeUndefined();
		expect(everyPrediction()).toHaveLength(1);
	});
});

describe('webhook URL', () => {
	it('goes out in both headers, signed where the credential has a secret', async () => {
		const webhookUrl = 'https://n8n.example/webhook/1?a=b';
		await echo({}, { options: { webhookUrl } }, { credential: { webhookSecret: SECRET } });
		const [request] = creates();
		const sent = String(request?.headers['webhook-url']);
		expect(request?.headers['x-webhook-url']).toBe(sent);
		expect(sent.startsWith(`${webhookUrl}&connecte_token=`)).toBe(true);
		const token = new URL(sent).searchParams.get('connecte_token');
		expect(verifyCallbackToken(token, SECRET)).toBe(true);
	});

	it('goes out as it is without a secret', async () => {
		const webhookUrl = 'http://127.0.0.1:9/hook';
		await echo({}, { options: { webhookUrl } });
		expect(creates()[0]?.headers['webhook-url']).toBe(webhookUrl);
	});

	it.each(['http://n8n.example/hook', 'ftp://n8n.example/', 'n8n.example', 'https://a b/'])(
		'is refused as %s',
		async (webhookUrl) => {
			const { error } = await echo({}, { options: { webhookUrl } });
			expect(error?.message).toContain("'Webhook URL'");
			expect(sandbox.requests).toHaveLength(0);
		},
	);

	// Nobody answers there: a request that went out would end in another error.
	const elsewhere = { credential: { baseUrl: 'https://connecte.invalid/api/v1' } };

	it.each(['http://127.0.0.1:5678/hook', 'https://localhost/hook', 'http://[::1]:5678/hook'])(
		'is refused as %s, where a service that is elsewhere cannot call it',
		async (webhookUrl) => {
			const { error } = await echo({}, { options: { webhookUrl } }, elsewhere);
			expect(error?.message).toContain("'Webhook URL' is an address of this machine");
			expect(error?.description).toContain('reachable by https');
		},
	);

	it('is not waited for where a service that is elsewhere cannot call this n8n', async () => {
		const { error } = await echo({}, { waitForCompletion: 'webhook' }, elsewhere);
		expect(error?.message).toContain("n8n's webhooks is an address of this machine");
		expect(error?.description).toMatch(/WEBHOOK_URL.*'Poll'/);
	});
});

describe('poll', () => {
	const poll = { waitForCompletion: 'poll' };
	const checkTimes = () =>
		sandbox.requests.filter(({ method }) => method === 'GET').map(({ time }) => time);

	it('asks soon, then every interval and never faster', async () => {
		const options = { pollInterval: 0.6 };
		const { items } = await echo({ durationMs: 1_500 }, { ...poll, options });
		expect(items[0]?.json.status).toBe('succeeded');
		const times = checkTimes();
		const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
		expect(gaps.length).toBeGreaterThanOrEqual(1);
		expect(Math.min(...gaps)).toBeGreaterThanOrEqual(595);
		expect(Math.max(...gaps)).toBeLessThan(4_000);
	});

	it('ends after Max Wait with an error that says how to go on, and cancels', async () => {
		const { error, durationMs } = await echo(
			{ durationMs: 60_000 },
			{ ...poll, options: { maxWait: 1, pollInterval: 0.3 } },
		);
		const [prediction] = everyPrediction();
		expect(error?.message).toContain(prediction?.id);
		expect(error?.message).toContain("'pending'");
		expect(error?.description).toMatch(/cancelled.*'Get'/);
		expect(prediction?.status).toBe('canceled');
		expect(durationMs).toBeLessThan(8_000);
	});

	it('leaves the prediction alone where it is not to be cancelled', async () => {
		const options = { maxWait: 1, cancelOnTimeout: false };
		const { error } = await echo({ durationMs: 60_000 }, { ...poll, options });
		expect(error?.description).toContain("It goes on: fetch its result later with 'Get'");
		expect(cancels()).toHaveLength(0);
	});

	it('ends in time when the API does not answer', async () => {
		sandbox.faults.add({ method: 'GET', times: 100, fault: { kind: 'silence' } });
		const { error, durationMs } = await echo(
			{ durationMs: 60_000 },
			{ ...poll, options: { maxWait: 1 } },
		);
		expect(error?.message).toContain('did not end within 1 seconds');
		expect(durationMs).toBeLessThan(8_000);
	});

	it.each([true, false])(
		'takes a result that was there when the time was up (cancelling: %s)',
		async (cancelOnTimeout) => {
			const options = { maxWait: 1, pollInterval: 30, cancelOnTimeout };
			const { items } = await echo({ durationMs: 800 }, { ...poll, options });
			expect(items[0]?.json.status).toBe('succeeded');
			expect(cancels()).toHaveLength(0);
		},
	);

	it('takes a result that is why it cannot be cancelled', async () => {
		const headers = { 'retry-after': '100' };
		const unavailable = { kind: 'status', status: 503, headers } as const;
		sandbox.faults.add({ method: 'GET', times: 2, fault: unavailable });
		sandbox.faults.add({ path: '/cancel', fault: { kind: 'status', status: 409 } });
		const options = { maxWait: 1, pollInterval: 30 };
		const { items } = await echo({ durationMs: 100 }, { ...poll, options });
		expect(items[0]?.json.status).toBe('succeeded');
		expect(cancels()).toHaveLength(1);
	});

	it('cancels again where that failed in passing', async () => {
		sandbox.faults.add({ path: '/cancel', fault: { kind: 'status', status: 502 } });
		await echo({ durationMs: 60_000 }, { ...poll, options: { maxWait: 1 } });
		expect(everyPrediction()[0]?.status).toBe('canceled');
	});

	it('does not cancel where an expression says so in text', async () => {
		const options = { maxWait: 1, cancelOnTimeout: '={{ "false" }}' };
		await echo({ durationMs: 60_000 }, { ...poll, options });
		expect(cancels()).toHaveLength(0);
	});

	it('goes on when a check fails in passing', async () => {
		const fault = { kind: 'status', status: 502 } as const;
		sandbox.faults.add({ method: 'GET', times: 2, fault });
		const { items } = await echo({ durationMs: 100 }, poll);
		expect(items[0]?.json.status).toBe('succeeded');
		expect(creates()).toHaveLength(1);
	});

	it('ends where the API refuses to say, with the id', async () => {
		sandbox.faults.add({ method: 'GET', times: 9, fault: { kind: 'status', status: 403 } });
		const { error } = await echo({ durationMs: 100 }, poll);
		expect(error?.message).toContain('403');
		expect(error?.description).toContain(everyPrediction()[0]?.id);
	});

	it('cancels the prediction when the execution is stopped', async () => {
		const { durationMs, status } = await echo({ durationMs: 60_000 }, poll, { cancelAfterMs: 700 });
		expect(status).toBe('canceled');
		expect(durationMs).toBeLessThan(5_000);
		await until(() => everyPrediction()[0]?.status === 'canceled');
	});

	it('cancels a prediction that is only being created when the execution is stopped', async () => {
		sandbox.faults.add({ method: 'POST', fault: { kind: 'delay', ms: 800 } });
		await echo({ durationMs: 60_000 }, poll, { cancelAfterMs: 300 });
		await until(() => everyPrediction()[0]?.status === 'canceled');
		expect(creates()).toHaveLength(1);
	});

	it('creates no prediction after a stop', async () => {
		const fault = { kind: 'status', status: 429, headers: { 'retry-after': '1' } } as const;
		sandbox.faults.add({ method: 'POST', fault });
		await echo({}, poll, { cancelAfterMs: 300 });
		await new Promise((resolve) => setTimeout(resolve, 1_500));
		expect(everyPrediction()).toHaveLength(0);
	});

	it('polls many items at once and keeps their order', async () => {
		const items = Array.from({ length: 12 }, (_, index) => ({ json: { index } }));
		const result = await run({
			items,
			parameters: {
				model: 'sandbox/echo',
				inputJson: '={{ { text: "item " + $json.index, plan: { durationMs: [0, 400] } } }}',
				...poll,
			},
		});
		expect(result.items.map(({ json }) => (json.output as IDataObject).text)).toEqual(
			items.map(({ json }) => `item ${json.index}`),
		);
		expect(result.items.map(({ pairedItem }) => pairedItem)).toEqual(
			items.map(({ json }) => ({ item: json.index })),
		);
	});

	it('gives a failed item its error with continueOnFail', async () => {
		const result = await run({
			items: [{ json: { outcome: 'failed' } }, { json: { outcome: 'succeeded' } }],
			continueOnFail: true,
			parameters: {
				model: 'sandbox/echo',
				inputJson: '={{ { text: "x", plan: { durationMs: 0, outcome: $json.outcome } } }}',
				...poll,
			},
		});
		expect(result.error).toBeUndefined();
		expect(result.items[0]?.json.error).toContain('failed');
		expect(result.items[1]?.json.status).toBe('succeeded');
	});
});

describe('get, cancel and wait', () => {
	const created = async (plan: Plan): Promise<string> =>
		(await echo(plan)).items[0]?.json.id as string;
	const operate = async (operation: string, predictionId: string, more: INodeParameters = {}) =>
		await run({ parameters: { operation, predictionId, ...more } });

	it('reads a prediction, whatever its status', async () => {
		const id = await created({ durationMs: 0, outcome: 'failed' });
		await sandbox.connecte.predictions.get(id)?.ended;
		const { items, error } = await operate('get', id);
		expect(error).toBeUndefined();
		expect(items[0]?.json).toMatchObject({ id, status: 'failed' });
	});

	it('cancels a prediction and puts it out', async () => {
		const id = await created({ durationMs: 60_000 });
		const { items } = await operate('cancel', id);
		expect(items[0]?.json).toMatchObject({ id, status: 'canceled' });
		expect(cancels()[0]?.path).toBe(`/connecte/api/v1/predictions/${id}/cancel`);
	});

	it('waits for a prediction that was created before', async () => {
		const id = await created({ durationMs: 700 });
		const { items } = await operate('wait', id, { options: { pollInterval: 0.2 } });
		expect(items[0]?.json).toMatchObject({ id, status: 'succeeded' });
	});

	it('bounds the first check by Max Wait, and asks again where it fails in passing', async () => {
		const headers = { 'retry-after': '100' };
		const fault = { kind: 'status', status: 503, headers } as const;
		const id = await created({ durationMs: 0 });
		sandbox.faults.add({ method: 'GET', fault });
		const { items } = await operate('wait', id, { options: { pollInterval: 0.2, maxWait: 2 } });
		expect(items[0]?.json).toMatchObject({ id, status: 'succeeded' });
		const running = await created({ durationMs: 60_000 });
		sandbox.faults.add({ method: 'GET', times: 9, fault: { kind: 'silence' } });
		const { error } = await operate('wait', running, {
			options: { maxWait: 1, cancelOnTimeout: false },
		});
		expect(error?.message).toContain('its status could not be read');
		sandbox.faults.clear();
	}, 20_000);

	it('names no field that it does not have where the API asks for fewer requests', async () => {
		const headers = { 'retry-after': '100' };
		sandbox.faults.add({ method: 'GET', fault: { kind: 'status', status: 429, headers } });
		const { error } = await operate('get', 'some-id');
		expect(error?.description).not.toMatch(/'(Timeout|Concurrency)'/);
	});

	it('takes a prediction that has ended at the first check', async () => {
		const id = await created({ durationMs: 0 });
		await operate('wait', id, { options: { pollInterval: 20 } });
		expect(sandbox.connecte.reads.get(id)).toBe(1);
	});

	it('ends with an error for a prediction that was cancelled', async () => {
		const id = await created({ durationMs: 60_000 });
		await operate('cancel', id);
		const { error, status } = await operate('wait', id);
		expect(error?.message).toContain('was stopped');
		expect(error?.description).toContain("'canceled'");
		expect(status).toBe('error');
	});

	it('does not cancel what it did not create when it is stopped', async () => {
		const id = await created({ durationMs: 60_000 });
		await run({ parameters: { operation: 'wait', predictionId: id }, cancelAfterMs: 300 });
		await new Promise((resolve) => setTimeout(resolve, 300));
		expect(cancels()).toHaveLength(0);
	});

	it.each([' ', '..', 'a/b', 'a b'])('refuses the id %j', async (id) => {
		const { error } = await operate('get', id);
		expect(error?.message).toContain("'Prediction ID'");
		expect(sandbox.requests).toHaveLength(0);
	});

	it('says what to check for an unknown id', async () => {
		const { error } = await operate('get', '00000000-0000-0000-0000-000000000000');
		expect(error?.message).toContain('404');
		expect(error?.description).toContain('Not found.');
	});

	it('says so where the address is a web page', async () => {
		const { error } = await run({
			parameters: { operation: 'get', predictionId: 'x' },
			credential: { baseUrl: `${sandbox.baseUrl}/connecte` },
		});
		expect(error?.description).toContain('404 Page not found');
	});
});

describe('fields of a schema', () => {
	const schema = {
		type: 'object',
		required: ['text'],
		properties: {
			text: { type: 'string' },
			count: { type: 'integer', minimum: 1, maximum: 5, default: 1 },
			tags: { type: 'array', items: { type: 'string' } },
			extra: { type: 'object' },
		},
	};
	const inputSchema = JSON.stringify(schema);
	const fields = async (
		value: IDataObject,
		parameters: INodeParameters = {},
		options: Run = {},
	): Promise<RunResult> =>
		await run({
			parameters: {
				model: 'sandbox/echo',
				inputMode: 'fields',
				inputSchema,
				input: { mappingMode: 'defineBelow', value: value as never },
				...parameters,
			},
			...options,
		});
	const inputOf = ({ items }: RunResult) => items[0]?.json.input;

	it('sends what is filled in, nested values as JSON', async () => {
		const result = await fields({
			text: 'a',
			count: 3,
			tags: '["x"]',
			extra: '{"key":"k"}',
			empty: null,
		});
		expect(result.error).toBeUndefined();
		expect(inputOf(result)).toEqual({
			text: 'a',
			count: 3,
			mode: 'plain',
			loud: false,
			tags: ['x'],
			extra: { key: 'k' },
		});
	});

	it('takes the item by its names where it is mapped as a whole', async () => {
		const result = await fields(
			{},
			{ input: { mappingMode: 'autoMapInputData', value: null } as never },
			{ items: [{ json: { text: 'from item', other: 1 } }] },
		);
		expect(inputOf(result)).toMatchObject({ text: 'from item' });
	});

	it('says what is wrong with each field, by name, and sends nothing', async () => {
		const { error } = await fields({ count: 9, tags: '[1]' });
		expect(error?.message).toContain("'text' is required");
		expect(error?.message).toContain("'count' must be at most 5");
		expect(error?.message).toContain("'tags[0]' must be a text");
		expect(sandbox.requests).toHaveLength(0);
	});

	it('checks the input of a known model without a schema', async () => {
		const { error } = await run({
			parameters: {
				model: 'openai/whisper',
				inputJson: { audio: 'https://a.example/a.mp3', speakers: 'two' },
			},
		});
		expect(error?.message).toContain("'speakers' must be a whole number");
		expect(sandbox.requests).toHaveLength(0);
	});

	it('refuses a schema that is none', async () => {
		const { error } = await fields({ text: 'a' }, { inputSchema: '{"type":"object"}' });
		expect(error?.message).toContain("'Input Schema'");
	});

	it.each([
		['data:audio/wav;base64,AAAA', 'data URL'],
		['recording', 'binary field'],
		['nothing', 'no address'],
		['/home/a.wav', 'local path'],
		['C:\\a.wav', 'local path'],
		['file:///a.wav', 'local path'],
		['', 'empty'],
	])('refuses the audio %j', async (value, reason) => {
		const { error } = await run({
			items: [{ binary: { recording: { data: Buffer.from('x'), mimeType: 'audio/wav' } } }],
			parameters: { model: 'openai/whisper', inputJson: { audio: value } },
		});
		expect(error?.message).toContain("'audio' must be the public URL");
		expect(error?.message).toContain(reason);
		expect(sandbox.requests).toHaveLength(0);
	});

	const editorFields = async (parameters: INodeParameters) =>
		await callMethod<{ fields: IDataObject[]; emptyFieldsNotice?: string }>(
			{ nodeType: new Connecte(), parameters: { inputMode: 'fields', ...parameters } },
			'resourceMapping',
			'getInputFields',
		);

	it('offers the fields of a known model in the editor', async () => {
		const { fields: offered } = await editorFields({ model: 'openai/whisper' });
		expect(offered.map(({ id }) => id)).toEqual([
			'audio',
			'model',
			'diarize',
			'language',
			'speakers',
			'word_timestamp',
		]);
		expect(offered[0]).toMatchObject({ required: true, type: 'string' });
		expect(offered[4]).toMatchObject({ type: 'number', defaultValue: 1 });
		expect(offered[4]?.displayName).toContain('whole number, from 1');
	});

	it('offers the fields of the schema that was put in', async () => {
		const { fields: offered } = await editorFields({ model: 'a/b', inputSchema });
		expect(offered.map(({ id, type }) => [id, type])).toEqual([
			['text', 'string'],
			['count', 'number'],
			['tags', 'array'],
			['extra', 'object'],
		]);
	});

	it('says where to find the schema of an unknown model', async () => {
		const answer = await editorFields({ model: 'a/b' });
		expect(answer.fields).toEqual([]);
		expect(answer.emptyFieldsNotice).toContain('API > Schema');
	});
});

describe('the credential', () => {
	const test = async (changes: IDataObject = {}) =>
		await testCredential(new ConnecteApi(), {
			...sandbox.connecte.credential,
			...changes,
		} as never);

	it('passes with a good token, also behind a slash', async () => {
		expect(await test()).toMatchObject({ status: 'OK' });
		const baseUrl = `${sandbox.connecte.credential.baseUrl}/`;
		expect(await test({ baseUrl })).toMatchObject({ status: 'OK' });
	});

	it.each([
		['a wrong token', { apiToken: 'wrong-token' }, 'API Token'],
		['a token without rights', { apiToken: 'connecte-no-rights' }, 'does not let'],
	])('fails with %s', async (_, changes, message) => {
		const result = await test(changes);
		expect(result.status).toBe('Error');
		expect(result.message).toContain(message);
	});

	it('names a base URL that is no web address', async () => {
		const { message } = await test({ baseUrl: 'connecte.ai/api/v1' });
		expect(message).toContain("'Base URL' is not a web address");
	});

	it('fails at a web page, at an empty answer and where nobody listens', async () => {
		expect(await test({ baseUrl: `${sandbox.baseUrl}/connecte` })).toMatchObject({
			status: 'Error',
			message: expect.stringContaining('Base URL') as string,
		});
		sandbox.faults.add({ fault: { kind: 'status', status: 200, body: '' } });
		expect(await test()).toMatchObject({ status: 'Error' });
		expect(await test({ baseUrl: 'http://127.0.0.1:1' })).toMatchObject({ status: 'Error' });
	});
});
