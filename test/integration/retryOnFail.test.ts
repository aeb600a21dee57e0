import type { INode, INodeParameters } from 'n8n-workflow';

import { CloudswayApi } from '../../credentials/CloudswayApi.credentials.ts';
import { ConnecteApi } from '../../credentials/ConnecteApi.credentials.ts';
import { Cloudsway } from '../../nodes/Cloudsway/Cloudsway.node.ts';
import { Connecte } from '../../nodes/Connecte/Connecte.node.ts';
import type { Plan } from '../../sandbox/connecte/predictions.ts';
import type { FaultPlan } from '../../sandbox/core/faults.ts';
import { makeDtmfWav } from '../../sandbox/hearing/tones.ts';
import { startSandbox, type Sandbox } from '../../sandbox/server.ts';
import { runCloudflare } from './cloudflareAccess.ts';
import { runNode, type InputItem, type RunOptions, type RunResult } from './engine.ts';

let sandbox: Sandbox;
beforeAll(async () => {
	sandbox = await startSandbox();
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.clear());

const KEYS = ['1', '2', '3'];
const recordings: InputItem[] = KEYS.map((keys) => ({
	json: { keys },
	binary: {
		data: {
			data: makeDtmfWav({ channels: [[{ keys }]] }),
			fileName: `${keys}.wav`,
			mimeType: 'audio/wav',
		},
	},
}));

type Options = Partial<Omit<RunOptions, 'nodeType'>>;
const retrying = (settings: Partial<INode> = {}): Options['settings'] => ({
	retryOnFail: true,
	maxTries: 3,
	waitBetweenTries: 1,
	...settings,
});

const connecte = async ({ parameters, ...options }: Options): Promise<RunResult> =>
	await runNode({
		nodeType: new Connecte(),
		credentials: {
			connecteApi: { type: new ConnecteApi(), data: { ...sandbox.connecte.credential } },
		},
		settings: retrying(),
		parameters: { model: 'sandbox/echo', inputMode: 'json', ...parameters },
		...options,
	});

const echo = async (plans: Plan[], parameters: INodeParameters = {}, options: Options = {}) =>
	await connecte({
		items: plans.map((plan, index) => ({ json: { input: { text: String(index), plan } } })),
		parameters: { inputJson: '={{ $json.input }}', waitForCompletion: 'poll', ...parameters },
		...options,
	});

const cloudsway = async (options: Options) => {
	const { accessKey, baseUrl, endpointPaths } = sandbox.cloudsway;
	return await runNode({
		nodeType: new Cloudsway(),
		credentials: { cloudswayApi: { type: new CloudswayApi(), data: { accessKey, baseUrl } } },
		parameters: { endpointPath: endpointPaths['whisper-1'], model: 'whisper-1' },
		items: recordings,
		...options,
	});
};

const nova3 = async (options: Options) =>
	await runCloudflare(sandbox, 'transcribeNova3', { items: recordings, ...options });

/** Requests that do paid work: all that the sandbox has answered as the service does. */
const paid = () =>
	sandbox.requests.filter(
		({ method, path, status }) =>
			method === 'POST' && !path.endsWith('/cancel') && (status ?? 0) < 300,
	).length;

const asked = () => sandbox.requests.filter(({ method }) => method === 'POST').length;

const FAILS: FaultPlan = { method: 'POST', fault: { kind: 'status', status: 500 } };

interface Operation {
	run: (options: Options) => Promise<RunResult>;
	/** The paid pieces of work by now. */
	paid: () => number;
	fails: FaultPlan;
}

const OPERATIONS: Record<string, Operation> = {
	'Connecte, Create': {
		run: async (options) =>
			await echo(
				[{}, {}, {}],
				{ waitForCompletion: 'poll', options: { pollInterval: 0.1 } },
				options,
			),
		paid,
		fails: FAILS,
	},
	'Connecte, Create without waiting': {
		run: async (options) => await echo([{}, {}, {}], { waitForCompletion: 'no' }, options),
		paid,
		fails: FAILS,
	},
	'Cloudsway, Transcribe': { run: cloudsway, paid, fails: FAILS },
	'Cloudflare, Nova-3': { run: nova3, paid, fails: FAILS },
	'Cloudflare, Run Flux': {
		run: async (options) =>
			await runCloudflare(sandbox, 'runFlux', { items: [{}, {}, {}], ...options }),
		paid,
		fails: FAILS,
	},
	'Cloudflare, Flux': {
		run: async (options) =>
			await runCloudflare(sandbox, 'transcribeFlux', {
				items: recordings,
				parameters: { options: { speed: 4 } },
				...options,
			}),
		paid: () => sandbox.cloudflare.sessions.length,
		// The refusal itself, and the question why.
		fails: { times: 2, fault: { kind: 'status', status: 402 } },
	},
};

const ON_ERROR = ['stopWorkflow', 'continueRegularOutput', 'continueErrorOutput'] as const;

describe.each(Object.entries(OPERATIONS))('%s with Retry On Fail', (_, operation) => {
	it.each(ON_ERROR)('pays once for each item, with On Error = %s', async (onError) => {
		sandbox.faults.add(operation.fails);
		const { items, error } = await operation.run({ settings: retrying({ onError }) });
		expect(error).toBeUndefined();
		expect(items.map(({ pairedItem }) => pairedItem)).toEqual([0, 1, 2].map((item) => ({ item })));
		expect(items.filter(({ json }) => json.error)).toEqual([]);
		expect(sandbox.requests.some(({ status }) => (status ?? 0) >= 400)).toBe(true);
		// Three items, three paid jobs: the try after the failure has done but what was missing.
		expect(operation.paid()).toBe(3);
	});
});

describe('Retry On Fail', () => {
	it('makes five requests of three items, one of which always fails, where nine were made', async () => {
		sandbox.faults.add({ ...FAILS, path: 'no-such', times: 99 });
		const models = ['sandbox/echo', 'sandbox/no-such', 'sandbox/echo'];
		const { error } = await connecte({
			items: models.map((model) => ({ json: { model } })),
			parameters: { model: '={{ $json.model }}', inputJson: { text: 'a' } as never },
		});
		expect(error?.message).toContain('(500) [item 1]');
		expect([asked(), paid()]).toEqual([5, 2]);
	});

	it('lets what is under way end before the next try', async () => {
		sandbox.faults.add({ ...FAILS, times: 1 });
		const slow = { durationMs: 600 };
		const { items } = await echo([{}, slow, slow], { options: { pollInterval: 0.1 } });
		expect(items.map(({ json }) => json.status)).toEqual(Array(3).fill('succeeded'));
		expect(paid()).toBe(3);
		// None was cancelled, which a failure without a further try would have done.
		expect(sandbox.requests.some(({ path }) => path.endsWith('/cancel'))).toBe(false);
	});

	it('breaks off what is under way where no further try will come', async () => {
		sandbox.faults.add({ ...FAILS, path: 'no-such', times: 99 });
		const models = ['sandbox/no-such', 'sandbox/echo'];
		const { error } = await connecte({
			items: models.map((model) => ({ json: { model } })),
			parameters: {
				model: '={{ $json.model }}',
				inputJson: { text: 'a', plan: { durationMs: 60_000 } } as never,
				waitForCompletion: 'poll',
				options: { pollInterval: 0.1, maxWait: 1, cancelOnTimeout: false },
			},
			settings: retrying({ maxTries: 2 }),
		});
		expect(error?.message).toContain('[item 0]');
		// The first try has waited for it for a second, and the second one took it up instead of paying anew.
		expect(paid()).toBe(1);
	});

	it('takes a prediction up again that is still running', async () => {
		const { items, error } = await echo([{ durationMs: 1_600 }], {
			options: { pollInterval: 0.1, maxWait: 1, cancelOnTimeout: false },
		});
		expect(error).toBeUndefined();
		expect(items[0]?.json.status).toBe('succeeded');
		expect(paid()).toBe(1);
	});

	it('takes a prediction up again whose result could not be read', async () => {
		sandbox.faults.add({ method: 'GET', fault: { kind: 'status', status: 403 } });
		const { items } = await echo([{}], { options: { pollInterval: 0.1 } });
		expect(items[0]?.json.status).toBe('succeeded');
		expect(paid()).toBe(1);
	});

	it('creates a prediction anew that has failed', async () => {
		const { error } = await echo([{ outcome: 'failed' }], { options: { pollInterval: 0.1 } });
		expect(error?.message).toContain('failed');
		expect(paid()).toBe(3);
	});

	it('does not mix two runs of the node, though they have the same items', async () => {
		sandbox.faults.add(FAILS);
		const { runs } = await echo([{}, {}], { options: { pollInterval: 0.1 } }, { runsOfNode: 2 });
		expect(runs).toHaveLength(2);
		const ids = runs.flat().map(({ json }) => json.id);
		expect(new Set(ids).size).toBe(4);
		expect(paid()).toBe(4);
	});

	it.each(['filesystem', 'default'] as const)(
		'keeps results that have binaries (%s)',
		async (binaryMode) => {
			sandbox.faults.add(FAILS);
			const result = await nova3({
				settings: retrying(),
				binaryMode,
				parameters: { options: { subtitles: 'srt' } },
			});
			const files = await Promise.all(
				result.items.map(async (item) => String(await result.binary(item, 'subtitles'))),
			);
			expect(files.map((text) => text.split('\n')[2])).toEqual(['one', 'two', 'three']);
			expect(paid()).toBe(3);
		},
	);

	it('works for a tool that an agent has the engine run', async () => {
		sandbox.faults.add(FAILS);
		await connecte({
			asTool: 'requested',
			parameters: { inputJson: { text: 'a' } as never, waitForCompletion: 'poll' },
		});
		expect(paid()).toBe(1);
	});

	it('keeps nothing for the next execution', async () => {
		await echo([{}]);
		await echo([{}]);
		expect(paid()).toBe(2);
	});
});

describe('without Retry On Fail', () => {
	it('a failure names what was accepted for the other items', async () => {
		sandbox.faults.add({ ...FAILS, path: 'no-such' });
		const models = ['sandbox/echo', 'sandbox/echo', 'sandbox/no-such'];
		const { error } = await connecte({
			items: models.map((model) => ({ json: { model } })),
			parameters: {
				model: '={{ $json.model }}',
				inputJson: { text: 'a' } as never,
				options: { concurrency: 1 },
			},
			settings: {},
		});
		const ids = [...sandbox.connecte.predictions.keys()];
		expect(ids).toHaveLength(2);
		expect(error?.message).toContain('[item 2]');
		ids.forEach((id, index) =>
			expect(error?.description).toContain(`prediction ${id} [item ${index}]`),
		);
		expect(error?.context?.acceptedJobs).toHaveLength(2);
	});
});
