import type { IDataObject, INodeParameters } from 'n8n-workflow';

import { ConnecteApi } from '../../credentials/ConnecteApi.credentials.ts';
import { Connecte } from '../../nodes/Connecte/Connecte.node.ts';
import { stopMonitor } from '../../nodes/Connecte/waiting/monitor.ts';
import type { Plan } from '../../sandbox/connecte/predictions.ts';
import { startSandbox, type Sandbox } from '../../sandbox/server.ts';
import { runNode, type RunOptions, type RunResult } from './engine.ts';
import { MemoryCredentialsHelper } from './host.ts';

let sandbox: Sandbox;
beforeAll(async () => {
	sandbox = await startSandbox();
});
afterAll(async () => {
	await sandbox.close();
});
beforeEach(() => sandbox.clear());
// Nothing here stores the execution, so a monitor would go on calling an address without an n8n.
afterEach(() => [...sandbox.connecte.predictions.keys()].forEach(stopMonitor));

const never: Plan = { callback: { kind: 'never' } };

const wait = async (
	plan: Plan,
	parameters: INodeParameters = {},
	options: Partial<RunOptions> = {},
): Promise<RunResult> =>
	await runNode({
		nodeType: new Connecte(),
		credentials: {
			connecteApi: { type: new ConnecteApi(), data: { ...sandbox.connecte.credential } },
		},
		parameters: {
			model: 'sandbox/echo',
			inputMode: 'json',
			inputJson: { text: 'hello', plan: { ...never, ...plan } } as never,
			waitForCompletion: 'webhook',
			...parameters,
		},
		...options,
	});

const only = () => {
	const [prediction] = sandbox.connecte.predictions.values();
	if (!prediction) throw new Error('No prediction was created');
	return prediction;
};
const ended = async (): Promise<IDataObject> => {
	await only().ended;
	return only().json() as IDataObject;
};

describe('waiting by webhook', () => {
	it('stores the execution until a minute and two seconds after Max Wait', async () => {
		const { status, waitTill, items } = await wait({ durationMs: 60_000 });
		expect(status).toBe('waiting');
		const seconds = ((waitTill?.getTime() ?? 0) - Date.now()) / 1_000;
		expect(seconds).toBeGreaterThan(655);
		expect(seconds).toBeLessThan(663);
		expect(items[0]?.json).toEqual({ id: only().id, status: 'pending' });
	});

	it('watches over it with the credential as it was, which n8n can evaluate no longer', async () => {
		const data = { ...sandbox.connecte.credential };
		const credentials = { connecteApi: { type: new ConnecteApi(), data } };
		await wait({ durationMs: 60_000 }, {}, { credentials });
		data.apiToken = 'no longer to be had';
		const before = sandbox.requests.length;
		// The first look comes after a second.
		await new Promise((resolve) => setTimeout(resolve, 1_500));
		const looks = sandbox.requests.slice(before).filter(({ method }) => method === 'GET');
		expect(looks.map(({ status }) => status)).toEqual([200]);
	});

	it('gives the service the address of the execution, with a path of its own, in both headers', async () => {
		await wait({ durationMs: 60_000 });
		const headers = sandbox.requests[0]?.headers ?? {};
		expect(headers['webhook-url']).toMatch(/\/webhook-waiting\/\d+\/connecte(\?|$)/);
		expect(headers['x-webhook-url']).toBe(headers['webhook-url']);
	});

	it('does not wait for what has ended when it would be suspended', async () => {
		const { status, items } = await wait({ durationMs: 0 });
		expect(status).toBe('success');
		expect(items[0]?.json).toMatchObject({ status: 'succeeded', output: { text: 'hello' } });
	});

	const sync = { prefer: 'SYNC', requestTimeout: 1 };

	it('goes on waiting where SYNC comes back unfinished', async () => {
		expect((await wait({ durationMs: 60_000 }, sync)).status).toBe('waiting');
	});

	it('does not wait where SYNC has the result', async () => {
		const { status, items } = await wait({ durationMs: 200 }, sync);
		expect(status).toBe('success');
		expect(items[0]?.json.status).toBe('succeeded');
		expect(sandbox.connecte.reads.size).toBe(0);
	});

	it('keeps to switches that an expression gives as text', async () => {
		const waiting = await wait({ durationMs: 500 }, { simplify: '={{ "false" }}' });
		const { items } = await waiting.resume({ body: await ended() });
		expect(items[0]?.json).toMatchObject({ source: 'api' });
	});

	it('takes no webhook URL besides', async () => {
		// By expression, since n8n itself drops an option that a fixed choice hides.
		const { error } = await wait(
			{},
			{
				waitForCompletion: '={{ "webhook" }}',
				options: { webhookUrl: 'https://n8n.example/' },
			},
		);
		expect(error?.message).toContain("'Webhook URL' cannot be used");
		expect(sandbox.requests).toHaveLength(0);
	});

	it('is not for agents, which wait for the answer', async () => {
		const { items, error } = await wait({}, {}, { asTool: true });
		expect(JSON.stringify([items, error])).toContain('An AI agent');
		expect(sandbox.requests).toHaveLength(0);
	});

	it('asks the API while it waits, though n8n cannot read the credential any more', async () => {
		// As n8n does with a credential that holds an expression, once the execution is stored.
		const read = jest.spyOn(MemoryCredentialsHelper.prototype, 'getDecrypted');
		try {
			await wait({ durationMs: 60_000 });
			read.mockRejectedValue(new Error('No bridge acquired'));
			const reads = () => sandbox.connecte.reads.get(only().id) ?? 0;
			const before = reads();
			for (let tries = 0; reads() === before && tries < 100; tries++) {
				await new Promise((resolve) => setTimeout(resolve, 100));
			}
			expect(reads()).toBeGreaterThan(before);
		} finally {
			read.mockRestore();
		}
	}, 20_000);

	it('goes on when the last check fails', async () => {
		sandbox.faults.add({ method: 'GET', times: 9, fault: { kind: 'status', status: 403 } });
		const { status } = await wait({ durationMs: 60_000 });
		expect(status).toBe('waiting');
	});
});

describe('a call that resumes', () => {
	it('ends the wait with what the API says, not the caller', async () => {
		const waiting = await wait({ durationMs: 500 });
		const forged = { ...(await ended()), output: { text: 'forged' } };
		const { status, items, response } = await waiting.resume({ body: forged });
		expect(response?.statusCode).toBe(200);
		expect(response?.body).toEqual({ message: 'The execution goes on' });
		expect(status).toBe('success');
		expect(items).toHaveLength(1);
		expect(items[0]?.json).toMatchObject({ status: 'succeeded', output: { text: 'hello' } });
		expect(items[0]?.pairedItem).toEqual({ item: 0 });
	});

	it.each([
		['no prediction', { a: 1 }, 400],
		['another prediction', { id: 'another', status: 'succeeded' }, 403],
	])('with %s changes nothing', async (_, body, statusCode) => {
		const waiting = await wait({ durationMs: 60_000 });
		const { status, response } = await waiting.resume({ body });
		expect([status, response?.statusCode]).toEqual(['waiting', statusCode]);
	});

	it('with an end that the API does not confirm changes nothing', async () => {
		const waiting = await wait({ durationMs: 60_000 });
		const body = { ...(only().json() as IDataObject), status: 'succeeded', output: {} };
		const { status, response } = await waiting.resume({ body });
		expect([status, response?.statusCode]).toEqual(['waiting', 503]);
		expect(response?.headers['retry-after']).toBe('5');
	});

	it.each([400, 404, 410, 422])(
		'with an id that the API does not know (%s) changes nothing',
		async (unknown) => {
			const waiting = await wait({ durationMs: 500 });
			const body = await ended();
			sandbox.faults.add({ method: 'GET', fault: { kind: 'status', status: unknown, body: '{}' } });
			const { status, response } = await waiting.resume({ body });
			expect([status, response?.statusCode]).toEqual(['waiting', 403]);
		},
	);

	it('is believed, and marked, where the API cannot be reached', async () => {
		const waiting = await wait({ durationMs: 500 });
		const body = await ended();
		sandbox.faults.add({ method: 'GET', times: 9, fault: { kind: 'status', status: 500 } });
		const { status, items } = await waiting.resume({ body });
		expect(status).toBe('success');
		expect(items[0]?.json).toMatchObject({ output: { text: 'hello' }, confirmed: false });
	}, 20_000);

	it.each([401, 403])(
		'is not believed where the API was reached and answers %s',
		async (status) => {
			const waiting = await wait({ durationMs: 60_000 });
			const body = { ...(only().json() as IDataObject), status: 'succeeded', output: {} };
			sandbox.faults.add({ method: 'GET', fault: { kind: 'status', status, body: '{}' } });
			const resumed = await waiting.resume({ body });
			expect([resumed.status, resumed.response?.statusCode]).toEqual(['waiting', 503]);
		},
	);

	it('without a result waits on where the API cannot be reached', async () => {
		const waiting = await wait({ durationMs: 500 });
		const { id, status } = await ended();
		const headers = { 'retry-after': '100' };
		sandbox.faults.add({ method: 'GET', fault: { kind: 'status', status: 503, headers } });
		const resumed = await waiting.resume({ body: { id, status } });
		expect([resumed.status, resumed.response?.statusCode]).toEqual(['waiting', 503]);
	});

	it('fails the node for a prediction that failed', async () => {
		const waiting = await wait({ durationMs: 500, outcome: 'failed' });
		const { status, error, response } = await waiting.resume({ body: await ended() });
		expect(response?.statusCode).toBe(200);
		expect(status).toBe('error');
		expect(error?.message).toBe('The prediction of sandbox/echo failed');
		expect(error?.description).toContain('The model ran out of memory');
	});

	it('puts out the error with continueOnFail', async () => {
		const waiting = await wait(
			{ durationMs: 500, outcome: 'failed' },
			{},
			{ continueOnFail: true },
		);
		const { status, items } = await waiting.resume({ body: await ended() });
		expect(status).toBe('success');
		expect(items[0]?.json).toEqual({
			error: 'The prediction of sandbox/echo failed',
			details: expect.stringContaining(only().id) as string,
		});
	});

	it('reads the settings of the item that waits, not of the call', async () => {
		const waiting = await wait(
			{ durationMs: 500 },
			{ model: '={{ $json.model }}', simplify: '={{ $json.simplify }}' },
			{ items: [{ json: { model: 'sandbox/echo', simplify: false } }] },
		);
		const body = { ...(await ended()), model: 'evil/model', simplify: true };
		const { items } = await waiting.resume({ body });
		expect(items[0]?.json).toMatchObject({ source: 'api', output: { text: 'hello' } });
	});

	it('cannot claim that the time is up', async () => {
		const waiting = await wait({ durationMs: 60_000 });
		const body = { ...(only().json() as IDataObject), timedOut: true };
		const { status, response } = await waiting.resume({ body });
		expect([status, response?.statusCode]).toEqual(['waiting', 503]);
	});

	it('ends the wait with an item that says so when the time is up', async () => {
		const waiting = await wait({ durationMs: 60_000 }, { options: { maxWait: 1 } });
		await new Promise((resolve) => setTimeout(resolve, 1_050));
		const body = { ...(only().json() as IDataObject), timedOut: true };
		const { status, items } = await waiting.resume({ body });
		expect(status).toBe('success');
		expect(items[0]?.json).toEqual({
			id: only().id,
			status: expect.any(String) as string,
			timedOut: true,
		});
	});

	it.each([401, 404])(
		'ends the wait when the time is up though the API answers %s',
		async (status) => {
			const waiting = await wait({ durationMs: 60_000 }, { options: { maxWait: 1 } });
			await new Promise((resolve) => setTimeout(resolve, 1_050));
			sandbox.faults.add({ method: 'GET', fault: { kind: 'status', status, body: '{}' } });
			const { id } = only();
			const { items } = await waiting.resume({ body: { id, status: 'pending', timedOut: true } });
			expect(items[0]?.json).toEqual({ id, status: 'pending', timedOut: true });
		},
	);

	it('goes on with the ID of what was paid when n8n ends the wait itself', async () => {
		const waiting = await wait({ durationMs: 60_000 }, {}, { items: [{ json: { a: 1 } }] });
		const { status, items } = await waiting.resume();
		expect(status).toBe('success');
		expect(items[0]?.json).toEqual({ id: only().id, status: 'pending', timedOut: true });
	});
});

describe('waiting for several', () => {
	const plans = (...all: Plan[]): Partial<RunOptions> => ({
		items: all.map((plan, index) => ({
			json: { input: { text: `text ${index}`, plan: { ...never, ...plan } } },
		})),
	});
	const waitForAll = async (
		options: Partial<RunOptions>,
		parameters: INodeParameters = {},
	): Promise<RunResult> =>
		await wait({}, { inputJson: '={{ $json.input }}', simplify: false, ...parameters }, options);
	const byText = (text: string) => {
		const found = [...sandbox.connecte.predictions.values()].find(
			(prediction) => (prediction.json().input as IDataObject).text === text,
		);
		if (!found) throw new Error(`No prediction of ${text}`);
		return found;
	};
	const callFor = async (waiting: RunResult, text: string) => {
		await byText(text).ended;
		return await waiting.resume({ body: byText(text).json() as IDataObject });
	};
	const reads = () => [...sandbox.connecte.reads.values()].reduce((sum, count) => sum + count, 0);

	it('creates all, waits once, and answers each call for its own prediction', async () => {
		const waiting = await waitForAll(
			plans({ durationMs: 6_000 }, { durationMs: 500 }, { durationMs: 700 }),
		);
		expect(waiting.status).toBe('waiting');
		expect(sandbox.connecte.predictions.size).toBe(3);
		const first = await callFor(waiting, 'text 1');
		expect([first.status, first.response?.statusCode]).toEqual(['waiting', 200]);
		const second = await callFor(waiting, 'text 2');
		expect([second.status, second.response?.statusCode]).toEqual(['waiting', 200]);
		const last = await callFor(waiting, 'text 0');
		expect(last.status).toBe('success');
		// In the order of the items, which is neither that of the ends nor that of the calls.
		expect(last.items.map(({ json }) => json.output)).toEqual(
			[0, 1, 2].map((index) => expect.objectContaining({ text: `text ${index}` }) as object),
		);
		expect(last.items.map(({ pairedItem }) => pairedItem)).toEqual(
			[0, 1, 2].map((item) => ({ item })),
		);
	}, 20_000);

	it('finds out from the API what this process was never told', async () => {
		const waiting = await waitForAll(plans(...Array<Plan>(5).fill({ durationMs: 600 })));
		// Another process, or n8n after a restart, has seen none of it.
		stopMonitor([...sandbox.connecte.predictions.keys()][0] ?? '');
		await Promise.all([0, 1, 2, 3].map((index) => byText(`text ${index}`).ended));
		const { status, items } = await callFor(waiting, 'text 4');
		expect(status).toBe('success');
		expect(items).toHaveLength(5);
		// Before the wait, for the call or the look, and for the result.
		expect(reads()).toBeLessThanOrEqual(3 * 5);
	}, 20_000);

	it('refuses a forged call and one for another prediction', async () => {
		const waiting = await waitForAll(plans({ durationMs: 60_000 }, { durationMs: 60_000 }));
		const forged = { ...(byText('text 0').json() as IDataObject), status: 'succeeded' };
		const first = await waiting.resume({ body: forged });
		expect([first.status, first.response?.statusCode]).toEqual(['waiting', 503]);
		const second = await waiting.resume({ body: { id: 'another', status: 'succeeded' } });
		expect([second.status, second.response?.statusCode]).toEqual(['waiting', 403]);
	});

	it('keeps what was there before the wait in its place', async () => {
		const waiting = await waitForAll(plans({ durationMs: 0 }, { durationMs: 500 }));
		const { items } = await callFor(waiting, 'text 1');
		expect(items.map(({ json }) => (json.output as IDataObject).text)).toEqual([
			'text 0',
			'text 1',
		]);
	});

	it('puts out the ID of each when the time is up, and the results there are', async () => {
		const waiting = await waitForAll(plans({ durationMs: 500 }, { durationMs: 60_000 }), {
			options: { maxWait: 1 },
		});
		await new Promise((resolve) => setTimeout(resolve, 1_050));
		const body = { ...(byText('text 0').json() as IDataObject), timedOut: true };
		const { items } = await waiting.resume({ body });
		expect(items[0]?.json).toMatchObject({ output: { text: 'text 0' } });
		expect(items[1]?.json).toMatchObject({ id: byText('text 1').id, timedOut: true });
	});

	it('goes on with all IDs when n8n ends the wait itself, and keeps no input meanwhile', async () => {
		const waiting = await waitForAll(plans({ durationMs: 60_000 }, { durationMs: 60_000 }));
		const { status, items } = await waiting.resume();
		expect(status).toBe('success');
		expect(items.map(({ json }) => json)).toEqual(
			[0, 1].map((index) => ({
				id: byText(`text ${index}`).id,
				status: expect.any(String) as string,
				timedOut: true,
			})),
		);
	});

	const mixed = () => plans({ durationMs: 500 }, { durationMs: 500, outcome: 'failed' });

	it('fails for one that failed, and names the others', async () => {
		const waiting = await waitForAll(mixed());
		await callFor(waiting, 'text 0');
		const { status, error } = await callFor(waiting, 'text 1');
		expect(status).toBe('error');
		expect(error?.message).toBe('The prediction of sandbox/echo failed [item 1]');
		expect(error?.description).toContain(byText('text 0').id);
	}, 20_000);

	it('gives one that failed its error with Continue On Fail', async () => {
		const waiting = await waitForAll({ ...mixed(), continueOnFail: true });
		await callFor(waiting, 'text 0');
		const { status, items } = await callFor(waiting, 'text 1');
		expect(status).toBe('success');
		expect(items[0]?.json).toMatchObject({ output: { text: 'text 0' } });
		expect(items[1]?.json).toMatchObject({ error: expect.stringContaining('failed') as string });
	}, 20_000);

	it('cancels what was accepted where another is refused, and names it', async () => {
		const { error, status } = await waitForAll(
			{ items: [{ json: { model: 'sandbox/echo' } }, { json: { model: 'no/such' } }] },
			{
				model: '={{ $json.model }}',
				inputJson: { text: 'a', plan: { ...never, durationMs: 60_000 } } as never,
				options: { concurrency: 1 },
			},
		);
		expect(status).toBe('error');
		const { id, ended: end } = only();
		expect(error?.description).toContain(id);
		await end;
		expect(only().status).toBe('canceled');
	});

	it('waits for those accepted where another is refused with Continue On Fail', async () => {
		const waiting = await waitForAll(
			{
				continueOnFail: true,
				items: [{ json: { model: 'no/such' } }, { json: { model: 'sandbox/echo' } }],
			},
			{
				model: '={{ $json.model }}',
				inputJson: { text: 'a', plan: { ...never, durationMs: 500 } } as never,
			},
		);
		expect(waiting.status).toBe('waiting');
		const { status, items } = await waiting.resume({ body: await ended() });
		expect(status).toBe('success');
		expect(items[0]?.json.error).toContain('[item 0]');
		expect(items[1]?.json).toMatchObject({ output: { text: 'a' } });
	});

	it('waits after the last try only, with Retry On Fail', async () => {
		sandbox.faults.add({ method: 'POST', fault: { kind: 'status', status: 500 } });
		const waiting = await waitForAll({
			...plans({ durationMs: 700 }, { durationMs: 700 }),
			settings: {
				retryOnFail: true,
				waitBetweenTries: 1,
				onError: 'continueRegularOutput',
			},
		});
		expect(waiting.status).toBe('waiting');
		// The second prediction is not created once more, and the first one's own input was not lost.
		expect(sandbox.connecte.predictions.size).toBe(2);
		await callFor(waiting, 'text 0');
		const { items } = await callFor(waiting, 'text 1');
		expect(items.map(({ json }) => (json.output as IDataObject).text)).toEqual([
			'text 0',
			'text 1',
		]);
	}, 20_000);
});
