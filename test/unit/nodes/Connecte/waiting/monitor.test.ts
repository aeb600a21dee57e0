import { Readable } from 'node:stream';

import type { IExecuteFunctions, IHttpRequestOptions } from 'n8n-workflow';

import type { Prediction } from '../../../../../nodes/Connecte/prediction.ts';
import {
	stopMonitor,
	startMonitor,
	checkSoon,
} from '../../../../../nodes/Connecte/waiting/monitor.ts';

const MINUTE = 60_000;
const PREDICTION: Prediction = { id: 'p1', status: 'processing' };

/** An API and a resume address; `answers` are the statuses the latter gives, the last one for ever. */
class Surroundings {
	prediction: Prediction = PREDICTION;
	credentialId = 'credential';
	readonly checks: number[] = [];
	readonly cancels: number[] = [];
	readonly calls: Array<{ at: number; body: unknown }> = [];
	/** What the API answers instead, to checks and to the first tries to cancel. */
	checkStatus = 200;
	cancelStatuses: number[] = [];
	/** How long the API takes to answer. */
	answerMs = 0;
	readonly warnings: string[] = [];
	private readonly begin = Date.now();
	private readonly answers: Array<number | string | [status: number, body: unknown]>;

	constructor(...answers: Array<number | string | [status: number, body: unknown]>) {
		this.answers = answers;
	}

	/** What a monitor uses of an execution's context. */
	readonly context = {
		getNode: () => ({
			name: 'Connecte',
			credentials: { connecteApi: { id: this.credentialId, name: '' } },
		}),
		getCredentials: () => Promise.resolve({ baseUrl: 'http://api.example', apiToken: 'a-token' }),
		logger: { debug: () => undefined, warn: (text: string) => this.warnings.push(text) },
		helpers: {
			httpRequestWithAuthentication: (_: string, { url }: IHttpRequestOptions) => {
				const isCancel = url.endsWith('/cancel');
				(isCancel ? this.cancels : this.checks).push(Date.now() - this.begin);
				const statusCode = (isCancel ? this.cancelStatuses.shift() : this.checkStatus) ?? 200;
				if (isCancel && statusCode === 200) {
					this.prediction = { ...this.prediction, status: 'canceled' };
				}
				const body = Readable.from([Buffer.from(JSON.stringify(this.prediction))]);
				const answer = { statusCode, headers: {}, body };
				if (this.answerMs === 0) return Promise.resolve(answer);
				return new Promise((resolve) => setTimeout(resolve, this.answerMs, answer));
			},
			httpRequest: ({ body }: IHttpRequestOptions) => {
				this.calls.push({ at: Date.now() - this.begin, body });
				const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
				if (typeof answer === 'string') {
					return Promise.resolve({ statusCode: 409, body: { message: answer } });
				}
				if (answer === 0) return Promise.reject(new Error('connect ECONNREFUSED'));
				if (Array.isArray(answer)) {
					return Promise.resolve({ statusCode: answer[0], body: answer[1] });
				}
				return Promise.resolve({ statusCode: answer, body: {} });
			},
		},
	} as unknown as IExecuteFunctions;

	watch(maxWaitMs = 60 * MINUTE, cancelOnTimeout = true, prediction = PREDICTION): void {
		const { context } = this;
		const deadline = this.begin + maxWaitMs;
		startMonitor({
			predictions: [{ ...prediction, context, cancelOnTimeout }],
			resumeUrl: 'http://n8n.example/webhook-waiting/1/connecte',
			deadline,
			limit: deadline + MINUTE,
		});
	}
}

beforeEach(() => {
	jest.useFakeTimers();
});
afterEach(async () => {
	[PREDICTION.id, 'healthy'].forEach(stopMonitor);
	// The loop ends by itself once nothing is watched.
	await jest.advanceTimersByTimeAsync(1_000);
	expect(jest.getTimerCount()).toBe(0);
	jest.useRealTimers();
});
const pass = async (ms: number) => await jest.advanceTimersByTimeAsync(ms);
const seconds = (times: number[]) => times.map((time) => Math.round(time / 1_000));

it('checks after 1, 5 and 30 s, then every 5 minutes', async () => {
	const around = new Surroundings(200);
	around.watch();
	await pass(16 * MINUTE);
	expect(seconds(around.checks)).toEqual([1, 5, 30, 330, 630, 930]);
	expect(around.calls).toEqual([]);
});

it('calls the resume address as soon as the prediction has ended, with no more than its end', async () => {
	const around = new Surroundings(200);
	around.watch();
	await pass(2_000);
	around.prediction = { id: 'p1', status: 'succeeded', output: {} };
	await pass(10 * MINUTE);
	expect(seconds(around.checks)).toEqual([1, 5]);
	expect(around.calls.map(({ body }) => body)).toEqual([{ id: 'p1', status: 'succeeded' }]);
});

it('calls again very soon while n8n has not stored the execution', async () => {
	const around = new Surroundings('is running already', 'is running already', 200);
	around.prediction = { id: 'p1', status: 'failed' };
	around.watch();
	await pass(3_000);
	expect(around.calls).toHaveLength(3);
	expect((around.calls[1]?.at ?? 0) - (around.calls[0]?.at ?? 0)).toBeLessThanOrEqual(400);
	expect(around.checks).toHaveLength(1);
});

it('calls again when n8n cannot be reached, or cannot go on', async () => {
	const around = new Surroundings(0, 502, 503, 200);
	around.prediction = { id: 'p1', status: 'succeeded' };
	around.watch();
	await pass(MINUTE);
	expect(around.calls).toHaveLength(4);
});

it.each<[string, string | [number, unknown]]>([
	['that it waits for another', [403, { message: 'This execution does not wait for this' }]],
	['that it does not exist', [404, { message: 'The execution "1" does not exist.' }]],
	['that it has finished', 'The execution "1" has finished already.'],
])('is done when n8n says of the execution %s', async (_, answer) => {
	const around = new Surroundings(answer);
	around.prediction = { id: 'p1', status: 'succeeded' };
	around.watch();
	await pass(10 * MINUTE);
	expect(around.calls).toHaveLength(1);
});

it.each([401, 403, 404, 413])(
	'goes on when something in between answers %s, or Connecte forgot the prediction',
	async (status) => {
		const around = new Surroundings(
			[status, '<title>Proxy</title>'],
			[status, { message: 'Connecte does not know this prediction' }],
			200,
		);
		around.prediction = { id: 'p1', status: 'succeeded' };
		around.watch();
		await pass(10 * MINUTE);
		expect(around.calls).toHaveLength(3);
	},
);

it('gives up after some minutes of an execution that has gone on without it', async () => {
	const around = new Surroundings('is running already');
	around.prediction = { id: 'p1', status: 'succeeded' };
	around.watch();
	await pass(30 * MINUTE);
	expect(around.calls).toHaveLength(14);
	expect(around.calls.at(-1)?.at).toBeLessThan(10 * MINUTE);
});

it('ends with the execution', async () => {
	const around = new Surroundings(200);
	around.watch();
	await pass(2_000);
	stopMonitor(PREDICTION.id);
	await pass(20 * MINUTE);
	expect(around.checks).toHaveLength(1);
});

it('checks sooner when told to', async () => {
	const around = new Surroundings(200);
	around.watch();
	await pass(40_000);
	checkSoon(PREDICTION.id);
	await pass(1_000);
	expect(seconds(around.checks)).toEqual([1, 5, 30, 40]);
});

it('checks a last time at the deadline, cancels and ends the wait', async () => {
	const around = new Surroundings(200);
	around.watch(20_000);
	await pass(5 * MINUTE);
	expect(seconds(around.checks)).toEqual([1, 5, 20]);
	expect(around.cancels).toHaveLength(1);
	expect(around.calls.map(({ body }) => body)).toEqual([
		{ id: 'p1', status: 'canceled', timedOut: true },
	]);
});

it('leaves the prediction alone at the deadline where it is not to be cancelled', async () => {
	const around = new Surroundings(200);
	around.watch(20_000, false);
	await pass(5 * MINUTE);
	expect(around.cancels).toEqual([]);
	expect(around.calls[0]?.body).toEqual({ ...PREDICTION, timedOut: true });
});

it.each([0, 500])('ends no later than n8n itself where the address answers %s', async (answer) => {
	const around = new Surroundings(answer);
	around.watch(20_000);
	await pass(10 * MINUTE);
	expect(around.calls.at(-1)?.at).toBeLessThan(2 * MINUTE);
	expect(around.warnings).toEqual(
		answer === 0 ? [expect.stringContaining('WEBHOOK_URL') as string] : [],
	);
});

it('cancels at the deadline though the check fails, and again where that fails', async () => {
	const around = new Surroundings(200);
	around.checkStatus = 403;
	around.cancelStatuses = [502, 502];
	around.watch(3_000);
	await pass(MINUTE);
	expect(around.cancels).toHaveLength(3);
	expect(around.calls.map(({ body }) => body)).toEqual([
		{ id: 'p1', status: 'canceled', timedOut: true },
	]);
});

describe('beside hundreds whose API takes half a minute', () => {
	const ids = Array.from({ length: 300 }, (_, index) => `silent ${index}`);
	afterEach(async () => {
		ids.forEach(stopMonitor);
		await pass(MINUTE);
	});

	it('checks in time with another credential, and cancels in time with the same', async () => {
		const silent = new Surroundings(200);
		silent.answerMs = 30_000;
		for (const id of ids) silent.watch(60 * MINUTE, true, { ...PREDICTION, id });
		const [healthy, ending] = [new Surroundings(200), new Surroundings(200)];
		healthy.credentialId = 'another';
		healthy.watch(60 * MINUTE, true, { ...PREDICTION, id: 'healthy' });
		ending.watch(4_000);
		await pass(MINUTE);
		expect(seconds(healthy.checks)).toEqual([1, 5, 30]);
		expect(ending.cancels.map((time) => time < 10_000)).toEqual([true]);
	});

	it('checks each of them in turn', async () => {
		const silent = new Surroundings(200);
		silent.answerMs = 30_000;
		for (const id of ids) silent.watch(60 * MINUTE, true, { ...PREDICTION, id });
		const last = new Surroundings(200);
		last.watch();
		await pass(20 * MINUTE);
		// 300 checks of half a minute, ten at once, take a quarter of an hour.
		expect(last.checks.length).toBeGreaterThan(0);
	});
});
