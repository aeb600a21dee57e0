import { createHmac, randomUUID } from 'node:crypto';

import type { ICredentialDataDecryptedObject, IDataObject, INodeParameters } from 'n8n-workflow';

import { ConnecteApi } from '../../credentials/ConnecteApi.credentials.ts';
import { signedCallbackUrl } from '../../nodes/Connecte/callback/callbackToken.ts';
import { ConnecteTrigger } from '../../nodes/Connecte/ConnecteTrigger.node.ts';
import type { Plan } from '../../sandbox/connecte/predictions.ts';
import { startSandbox, type Sandbox } from '../../sandbox/server.ts';
import { runWebhook, runWebhookMethod, type WebhookRequest, type WebhookResult } from './engine.ts';
import { MemoryCredentialsHelper, type TestCredentials } from './host.ts';

const SECRET = 'webhook-secret-of-the-test';

let sandbox: Sandbox;
beforeAll(async () => {
	sandbox = await startSandbox();
});
afterAll(async () => {
	await sandbox.close();
});

let nodeId: string;
beforeEach(() => {
	sandbox.clear();
	nodeId = randomUUID();
});

interface CallOptions {
	parameters?: INodeParameters;
	credential?: IDataObject | null;
	request?: WebhookRequest;
	staticData?: IDataObject;
	mode?: 'webhook' | 'manual';
	startFails?: boolean;
	hangsUp?: boolean;
	/** Default: the same trigger as the calls before in this test. */
	node?: string;
}

const credentialsOf = (credential: IDataObject | null = {}): TestCredentials =>
	credential === null
		? {}
		: {
				connecteApi: {
					type: new ConnecteApi(),
					data: {
						...sandbox.connecte.credential,
						webhookSecret: SECRET,
						...(credential as ICredentialDataDecryptedObject),
					},
				},
			};

const call = async ({ credential, node, ...options }: CallOptions): Promise<WebhookResult> =>
	await runWebhook({
		nodeType: new ConnecteTrigger(),
		credentials: credentialsOf(credential),
		nodeId: node ?? nodeId,
		mode: 'webhook',
		...options,
	});

const validToken = (secret = SECRET, now = Date.now()) =>
	new URL(signedCallbackUrl('https://n8n.example/', secret, now)).searchParams.get(
		'connecte_token',
	) ?? '';

/** A call as the service makes it to a signed address. */
const callback = (body: unknown, token = validToken()): WebhookRequest => ({
	body: body as IDataObject,
	query: { connecte_token: token },
});

/** Creates a prediction, and answers with it at its end. */
async function ended(plan: Plan = {}, text = 'hello'): Promise<IDataObject> {
	return await created({ text, plan: { durationMs: 0, ...plan } as IDataObject }, 'sandbox/echo');
}

async function created(body: IDataObject, model: string, prefer = 'SYNC'): Promise<IDataObject> {
	const { apiToken, baseUrl } = sandbox.connecte.credential;
	const answer = await fetch(`${baseUrl}/${model}`, {
		method: 'POST',
		headers: { authorization: `Bearer ${apiToken}`, 'content-type': 'application/json', prefer },
		body: JSON.stringify(body),
	});
	return (await answer.json()) as IDataObject;
}

const readsOf = ({ id }: IDataObject) => sandbox.connecte.reads.get(id as string) ?? 0;

const expectRefused = (result: WebhookResult, status: number) => {
	expect([result.statusCode, result.workflowData]).toEqual([status, undefined]);
	expect(result.headers['content-type']).toBe('application/json');
	expect(result.body).toEqual({ message: expect.stringMatching(/\w{4}/) as string });
	expect(JSON.stringify(result.body)).not.toContain(SECRET);
};

const expectRun = (result: WebhookResult) => {
	expect([result.statusCode, result.workflowData?.length]).toEqual([200, 1]);
	// n8n would answer the first item, which is the caller's no more than anybody's.
	expect(result.body).toEqual({ message: 'The event was accepted' });
	expect(result.workflowData?.[0]).toHaveLength(1);
	return result.workflowData?.[0]?.[0]?.json ?? {};
};

describe('a call with a valid token, a wanted event that is new', () => {
	it('runs the workflow with the prediction as the API has it', async () => {
		const prediction = await ended();
		const forgery = { ...prediction, output: { text: 'forged' } };
		expect(expectRun(await call({ request: callback(forgery) }))).toEqual(prediction);
		expect(readsOf(prediction)).toBe(1);
	});

	it('runs it for a failure as well', async () => {
		const prediction = await ended({ outcome: 'failed' });
		const json = expectRun(await call({ request: callback(prediction) }));
		expect(json).toMatchObject({ status: 'failed', error: 'The model ran out of memory' });
	});

	it.each(['Succeeded', 'SUCCEEDED'])('knows the status %s', async (status) => {
		const prediction = { ...(await ended({ statusCase: 'title' })), status };
		expect(expectRun(await call({ request: callback(prediction) })).status).toBe('succeeded');
	});

	it('puts out the common transcript of speech', async () => {
		const input = {
			audio: `${sandbox.baseUrl}/samples/phrase-16000-16bit.wav`,
			word_timestamp: true,
		};
		const prediction = await created(input, 'openai/whisper');
		const json = expectRun(await call({ request: callback(prediction) }));
		expect(json).toMatchObject({
			text: 'one two three four five six',
			language: 'en',
			service: 'connecte',
			requestId: prediction.id,
			segments: [{ text: 'one two three' }, { text: 'four five six' }],
			words: ['one', 'two', 'three', 'four', 'five', 'six'].map((text) => ({ text })),
		});
	});

	it('takes a body that came as plain text', async () => {
		const prediction = await ended();
		const request = { ...callback({}), body: JSON.stringify(prediction) };
		expectRun(await call({ request }));
	});
});

describe('the whole call, where it is not simplified', () => {
	it('has headers, query, body and the confirmed prediction, but no token', async () => {
		const prediction = await ended();
		const token = validToken();
		const request = callback({ ...prediction, extra: 1 }, token);
		request.query = { ...request.query, from: 'test' };
		request.headers = {
			Authorization: 'Basic abc',
			Cookie: 'session=1',
			'X-Original-URL': `/webhook/1?connecte_token=${token}`,
			'X-Kept': 'yes',
		};
		const json = expectRun(await call({ request, parameters: { simplify: false } }));
		expect(json).toEqual({
			headers: {
				'content-type': 'application/json',
				'x-original-url': '/webhook/1?connecte_token=******',
				'x-kept': 'yes',
			},
			query: { from: 'test' },
			body: { ...prediction, extra: 1 },
			prediction,
		});
		expect(JSON.stringify(json)).not.toContain(token);
	});

	it('has no prediction where none was asked for', async () => {
		const body = { id: randomUUID(), status: 'succeeded' };
		const parameters = { simplify: false, confirmWithApi: false };
		const json = expectRun(await call({ request: callback(body), parameters }));
		expect(json).not.toHaveProperty('prediction');
		expect(json).toMatchObject({ body });
	});

	it('masks secrets of the credential that the caller or the service repeats', async () => {
		const { apiToken } = sandbox.connecte.credential;
		const prediction = await ended({}, `token ${apiToken}, secret ${SECRET}`);
		for (const simplify of [true, false]) {
			const options = { parameters: { simplify }, node: randomUUID() };
			const result = await call({ request: callback(prediction), ...options });
			expect(JSON.stringify(expectRun(result))).toContain('token ******, secret ******');
		}
	});
});

describe('a call without a valid token', () => {
	const sign = (text: string) =>
		`${text}.${createHmac('sha256', SECRET).update(text).digest('hex')}`;

	it.each<[string, () => WebhookRequest['query']]>([
		['none', () => ({})],
		['an empty one', () => ({ connecte_token: '' })],
		['a malformed one', () => ({ connecte_token: 'abc' })],
		['two', () => ({ connecte_token: [validToken(), validToken()] })],
		['one of another secret', () => ({ connecte_token: validToken('another secret') })],
		['an expired one', () => ({ connecte_token: validToken(SECRET, Date.now() - 605_000_000) })],
		['a signed one with a short nonce', () => ({ connecte_token: sign('ab.9999999999') })],
		['another name', () => ({ token: validToken() })],
	])('(%s) is answered 401, and asks the API nothing', async (_, query) => {
		const prediction = await ended();
		const asked = sandbox.requests.length;
		expectRefused(await call({ request: { body: prediction, query: query() } }), 401);
		expect(sandbox.requests).toHaveLength(asked);
	});

	it.each([
		['an empty secret', { webhookSecret: '' }],
		['a blank secret', { webhookSecret: '   ' }],
		['no credential at all', null],
	])('cannot be let in by a credential with %s', async (_, credential) => {
		const request = callback(await ended(), validToken());
		expectRefused(await call({ request, credential }), 401);
	});

	it.each(['abc', validToken(SECRET, Date.now() - 605_000_000)])(
		'is refused before the credential is read (%s)',
		async (token) => {
			const request = callback({}, token);
			const { body } = await call({ request, credential: { webhookSecret: '' } });
			expect(JSON.stringify(body)).toContain('has no valid');
		},
	);

	it('is not let in by a signature that anyone can make', async () => {
		const text = `${'ab'.repeat(16)}.9999999999`;
		const token = `${text}.${createHmac('sha256', '').update(text).digest('hex')}`;
		const request = callback(await ended(), token);
		expectRefused(await call({ request, credential: { webhookSecret: '' } }), 401);
	});

	it('is accepted where Authentication is None', async () => {
		const prediction = await ended();
		const parameters = { authentication: 'none' };
		expectRun(
			await call({ request: { body: prediction }, parameters, credential: { webhookSecret: '' } }),
		);
	});

	it('never runs the workflow, however often it is tried', async () => {
		const prediction = await ended();
		const results = await Promise.all(
			Array.from({ length: 1_000 }, (_, index) =>
				call({ request: callback(prediction, validToken(`guess ${index}`)) }),
			),
		);
		expect(results.filter(({ workflowData }) => workflowData)).toEqual([]);
		expect(new Set(results.map(({ statusCode }) => statusCode))).toEqual(new Set([401]));
		expect(readsOf(prediction)).toBe(0);
	});
});

describe('a body that is no prediction', () => {
	it.each<[string, unknown]>([
		['nothing', {}],
		['no id', { status: 'succeeded' }],
		['an empty id', { id: ' ', status: 'succeeded' }],
		['an id that leads elsewhere', { id: '../models', status: 'succeeded' }],
		['an id of dots', { id: '..', status: 'succeeded' }],
		['an id that is no text', { id: { a: 1 }, status: 'succeeded' }],
		['no status', { id: 'a' }],
		['an unknown status', { id: 'a', status: 'done' }],
		['a status that is no text', { id: 'a', status: 1 }],
		['a list', [{ id: 'a', status: 'succeeded' }]],
		['text', 'hello'],
		['more than 16 MiB', { id: 'a', status: 'succeeded', text: 'x'.repeat(17 * 1024 * 1024) }],
	])('(%s) is answered 400, and asks the API nothing', async (_, body) => {
		expectRefused(await call({ request: callback(body) }), 400);
		expect(sandbox.requests).toEqual([]);
	});

	it('is no reason to answer 400 without a token', async () => {
		expectRefused(await call({ request: { body: {} } }), 401);
	});
});

describe('a call that the API does not confirm', () => {
	it('is answered 403 for an unknown id', async () => {
		const body = { id: randomUUID(), status: 'succeeded' };
		expectRefused(await call({ request: callback(body) }), 403);
	});

	it.each([400, 404, 410, 422])('is answered 403 where the API answers %s', async (status) => {
		const prediction = await ended();
		sandbox.faults.add({ method: 'GET', fault: { kind: 'status', status, body: '{}' } });
		expectRefused(await call({ request: callback(prediction) }), 403);
	});

	it.each(['succeeded', 'failed'])(
		'is answered 503 where it says %s and the API does not within 4.5 s',
		async (status) => {
			const plan = { durationMs: 60_000 };
			const { id } = await created({ text: 'a', plan }, 'sandbox/echo', 'ASYNC');
			expectRefused(await call({ request: callback({ id, status }) }), 503);
		},
		10_000,
	);

	it('is asked about again while the API lags behind its own call', async () => {
		const plan = { durationMs: 600 };
		const { id } = await created({ text: 'a', plan }, 'sandbox/echo', 'ASYNC');
		expectRun(await call({ request: callback({ id, status: 'succeeded' }) }));
		expect(readsOf({ id })).toBeGreaterThan(1);
	});

	it('is answered 403 where the API comes to another end', async () => {
		const plan = { durationMs: 600, outcome: 'failed' };
		const { id } = await created({ text: 'a', plan }, 'sandbox/echo', 'ASYNC');
		expectRefused(await call({ request: callback({ id, status: 'succeeded' }) }), 403);
	});

	it('is answered 403 where it says failed of a success', async () => {
		const { id } = await ended();
		expectRefused(await call({ request: callback({ id, status: 'failed' }) }), 403);
	});

	it('does not stand in the way of the true one', async () => {
		const prediction = await ended();
		expectRefused(await call({ request: callback({ ...prediction, status: 'failed' }) }), 403);
		expectRun(await call({ request: callback(prediction) }));
	});

	it('is believed where the API is not to be asked', async () => {
		const body = { id: randomUUID(), status: 'succeeded', output: { text: 'said' } };
		const parameters = { confirmWithApi: false };
		expect(expectRun(await call({ request: callback(body), parameters }))).toEqual(body);
		expect(sandbox.requests).toEqual([]);
	});
});

describe('a call while the API cannot answer', () => {
	const expectLater = async (options: CallOptions = {}) => {
		const prediction = await ended();
		const begun = Date.now();
		const result = await call({ request: callback(prediction), ...options });
		expectRefused(result, 503);
		expect(Number(result.headers['retry-after'])).toBeGreaterThan(0);
		expect(Date.now() - begun).toBeLessThan(5_000);
		sandbox.faults.clear();
		// With the other credential the trigger is another one: what was read is kept for some seconds.
		const node = options.credential ? randomUUID() : undefined;
		expectRun(await call({ request: callback(prediction), node }));
	};
	const path = '/predictions/';
	const page = '<!doctype html><title>Maintenance</title>';

	it.each([
		['500', { kind: 'status', status: 500, body: '{}' }],
		['429', { kind: 'status', status: 429, body: '{}', headers: { 'retry-after': '60' } }],
		['an HTML page', { kind: 'status', status: 200, body: page }],
		['a missing page', { kind: 'status', status: 404, body: page }],
		['a redirect', { kind: 'status', status: 302, headers: { location: '/login' } }],
		['a broken connection', { kind: 'reset', when: 'before' }],
		['silence', { kind: 'silence' }],
		['an answer that is too slow', { kind: 'delay', ms: 6_000 }],
		['an answer without an end', { kind: 'drip', ms: 100 }],
	] as const)('(%s) is answered 503 within 5 s, and accepted later', async (_, fault) => {
		sandbox.faults.add({ path, method: 'GET', times: 100, fault });
		await expectLater();
	});

	it('is answered 503 where nothing listens there', async () => {
		await expectLater({ credential: { baseUrl: 'http://127.0.0.1:9' } });
	});

	it('is answered 503 where the API refuses the token', async () => {
		await expectLater({ credential: { apiToken: 'wrong-token' } });
	});

	it('is answered in time where hundreds come at once and the API is slow', async () => {
		const fault = { kind: 'delay', ms: 3_000 } as const;
		sandbox.faults.add({ path, method: 'GET', times: 1_000, fault });
		const begun = Date.now();
		const results = await Promise.all(
			Array.from({ length: 120 }, (_, index) =>
				call({ request: callback({ id: `unknown-${index}`, status: 'succeeded' }) }),
			),
		);
		const count = (status: number) =>
			results.filter(({ statusCode }) => statusCode === status).length;
		expect(count(403) + count(503)).toBe(120);
		expect(count(503)).toBeGreaterThanOrEqual(70);
		expect(Date.now() - begun).toBeLessThan(10_000);
	}, 20_000);

	it('is accepted at once where the API has recovered from a short failure', async () => {
		sandbox.faults.add({ path, fault: { kind: 'status', status: 502, body: '{}' } });
		const prediction = await ended();
		sandbox.faults.add({ path, fault: { kind: 'status', status: 502, body: '{}' } });
		expectRun(await call({ request: callback(prediction) }));
	});
});

describe('the credential', () => {
	const getDecrypted = () => jest.spyOn(MemoryCredentialsHelper.prototype, 'getDecrypted');
	afterEach(() => jest.restoreAllMocks());

	it('is read once for a call that is confirmed, and once for many at once', async () => {
		const predictions = [await ended(), await ended(), await ended()];
		const reads = getDecrypted();
		for (const result of await Promise.all(
			predictions.map((prediction) => call({ request: callback(prediction) })),
		)) {
			expectRun(result);
		}
		expect(reads).toHaveBeenCalledTimes(1);
	});

	it('serves calls for ten seconds, and is read again after that', async () => {
		const reads = getDecrypted();
		const body = { id: 'none', status: 'succeeded' };
		const now = jest.spyOn(Date, 'now');
		const begun = Date.now();
		for (const seconds of [0, 9, 11]) {
			now.mockReturnValue(begun + seconds * 1_000);
			await call({ request: callback(body) });
		}
		expect(reads).toHaveBeenCalledTimes(2);
	});

	it('is read again where its secret would refuse the call', async () => {
		const prediction = await ended();
		const request = callback(prediction, validToken('the-new-webhook-secret'));
		expectRefused(await call({ request }), 401);
		const begun = Date.now();
		jest.spyOn(Date, 'now').mockReturnValue(begun + 1_100);
		expectRun(await call({ request, credential: { webhookSecret: 'the-new-webhook-secret' } }));
	});

	it('is read anew for each test in the editor', async () => {
		const reads = getDecrypted();
		const request = callback({ id: 'none', status: 'succeeded' });
		for (const mode of ['manual', 'manual'] as const) await call({ request, mode });
		expect(reads).toHaveBeenCalledTimes(2);
	});
});

describe('the same event again', () => {
	/** What n8n has in its database after the call. */
	const stored = ({ staticData }: WebhookResult) =>
		JSON.parse(JSON.stringify(staticData)) as IDataObject;

	it('is answered 200 and does not run', async () => {
		const prediction = await ended();
		expectRun(await call({ request: callback(prediction) }));
		expectRefused(await call({ request: callback(prediction) }), 200);
		expectRefused(await call({ request: callback(prediction, validToken()) }), 200);
	});

	it('is known after a restart, each of several', async () => {
		const requests = [callback(await ended()), callback(await ended()), callback(await ended())];
		let staticData: IDataObject = {};
		for (const request of requests) {
			const result = await call({ request, staticData });
			expectRun(result);
			staticData = stored(result);
		}
		// A trigger that this process does not know has nothing but what n8n has stored.
		const node = randomUUID();
		for (const request of requests) expectRefused(await call({ request, node, staticData }), 200);
		expectRun(await call({ request: callback(await ended()), node, staticData }));
	});

	it('runs once, however many of it come at once', async () => {
		const prediction = await ended();
		const results = await Promise.all(
			Array.from({ length: 50 }, () => call({ request: callback(prediction) })),
		);
		expect(results.filter(({ workflowData }) => workflowData)).toHaveLength(1);
		expect(new Set(results.map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
		expect(readsOf(prediction)).toBe(1);
	});

	it('runs once, however many of it come at once and are not confirmed', async () => {
		const body = { id: randomUUID(), status: 'failed' };
		const results = await Promise.all(
			Array.from({ length: 50 }, () =>
				call({ request: callback(body), parameters: { confirmWithApi: false } }),
			),
		);
		expect(results.filter(({ workflowData }) => workflowData)).toHaveLength(1);
	});

	it('is answered like the first while the API cannot be asked', async () => {
		const prediction = await ended();
		sandbox.faults.add({
			path: '/predictions/',
			times: 100,
			fault: { kind: 'status', status: 429, headers: { 'retry-after': '60' }, body: '{}' },
		});
		const results = await Promise.all(
			Array.from({ length: 10 }, () => call({ request: callback(prediction) })),
		);
		for (const result of results) expectRefused(result, 503);
	});

	it('is another event where the prediction failed after it had succeeded', async () => {
		const { id } = await ended();
		const parameters = { confirmWithApi: false };
		expectRun(await call({ request: callback({ id, status: 'succeeded' }), parameters }));
		expectRun(await call({ request: callback({ id, status: 'failed' }), parameters }));
		expectRefused(await call({ request: callback({ id, status: 'Failed' }), parameters }), 200);
	});

	it('runs again where the user does not want it otherwise', async () => {
		const request = callback(await ended());
		const parameters = { options: { deduplicate: false } };
		expectRun(await call({ request, parameters }));
		expectRun(await call({ request, parameters }));
	});

	it('runs in each workflow that waits for it', async () => {
		const request = callback(await ended());
		expectRun(await call({ request }));
		expectRun(await call({ request, node: randomUUID() }));
	});

	it('runs when it comes again because the first run could not be started', async () => {
		const request = callback(await ended());
		const failed = await call({ request, startFails: true });
		expect([failed.statusCode, stored(failed)]).toEqual([500, {}]);
		expectRun(await call({ request }));
		expectRefused(await call({ request }), 200);
	});

	it('counts as seen where its run has started, though the caller has hung up', async () => {
		const request = callback(await ended());
		const staticData = stored(await call({ request, hangsUp: true }));
		expectRefused(await call({ request }), 200);
		expectRefused(await call({ request, node: randomUUID(), staticData }), 200);
	});

	it('is not among what other calls store before its run has started', async () => {
		const [lost, other] = [callback(await ended()), callback(await ended())];
		// n8n never says that this run has started.
		await call({ request: lost, startFails: true, hangsUp: true });
		const staticData = stored(await call({ request: other }));
		expectRun(await call({ request: lost, node: randomUUID(), staticData }));
	});

	it('is to be sent again while it is not known whether the first run has started', async () => {
		const request = callback(await ended());
		await call({ request, startFails: true, hangsUp: true });
		expectRefused(await call({ request }), 503);
	}, 10_000);
});

describe('an event that is not selected', () => {
	it.each([
		[['failed'], {}],
		[['succeeded'], { outcome: 'failed' }],
	] as Array<[string[], Plan]>)('is answered 200 and does not run (%j)', async (events, plan) => {
		const request = callback(await ended(plan));
		expectRefused(await call({ request, parameters: { events } }), 200);
		expectRun(await call({ request }));
	});

	it('may be one that nobody can select', async () => {
		const plan = { durationMs: 60_000 };
		const { id } = await created({ text: 'a', plan }, 'sandbox/echo', 'ASYNC');
		expectRefused(await call({ request: callback({ id, status: 'pending' }) }), 200);
	});
});

describe('listening for a test event in the editor', () => {
	const listen = async () =>
		await runWebhookMethod(
			{ nodeType: new ConnecteTrigger(), credentials: credentialsOf(), nodeId, mode: 'manual' },
			'create',
		);

	it('takes an event that production has seen, and leaves it to production', async () => {
		const [seen, fresh] = [callback(await ended()), callback(await ended())];
		expectRun(await call({ request: seen }));
		await listen();
		expectRun(await call({ request: seen, mode: 'manual' }));
		expectRun(await call({ request: fresh, mode: 'manual' }));
		expectRun(await call({ request: fresh }));
	});

	it('takes the same event again each time it listens, and once meanwhile', async () => {
		const request = callback(await ended());
		for (const round of [1, 2]) {
			await listen();
			const results = await Promise.all(
				Array.from({ length: 10 }, () => call({ request, mode: 'manual' })),
			);
			expect([round, results.filter(({ workflowData }) => workflowData).length]).toEqual([
				round,
				1,
			]);
		}
	});
});

describe('activation', () => {
	const activate = (parameters: INodeParameters = {}, credential: IDataObject | null = {}) =>
		runWebhookMethod(
			{ nodeType: new ConnecteTrigger(), credentials: credentialsOf(credential), parameters },
			'create',
		);

	it('succeeds with a secret', async () => {
		expect((await activate()).done).toBe(true);
	});

	it('says why it cannot without one', async () => {
		await expect(activate({}, { webhookSecret: ' ' })).rejects.toMatchObject({
			message: expect.stringContaining("credential has no 'Webhook Secret'") as string,
			description: expect.stringContaining("set 'Webhook Secret'") as string,
		});
		expect((await activate({ authentication: 'none' }, { webhookSecret: '' })).done).toBe(true);
	});

	it('says why it cannot with a secret that can be found by trying', async () => {
		const secret = 'fifteen-letters';
		await expect(activate({}, { webhookSecret: secret })).rejects.toMatchObject({
			message: expect.stringMatching(/'Webhook Secret'.*16 characters/) as string,
			description: expect.not.stringContaining(secret) as string,
		});
		expect((await activate({}, { webhookSecret: `${secret}!` })).done).toBe(true);
	});

	it('says why it cannot without an event', async () => {
		await expect(activate({ events: [] })).rejects.toThrow("'Events'");
	});

	it('leaves nothing behind at the service', async () => {
		const options = { nodeType: new ConnecteTrigger(), credentials: credentialsOf() };
		expect((await runWebhookMethod(options, 'checkExists')).done).toBe(false);
		expect((await runWebhookMethod(options, 'delete')).done).toBe(true);
		expect(sandbox.requests).toEqual([]);
	});
});
