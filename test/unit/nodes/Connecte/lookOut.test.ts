import { Readable } from 'node:stream';

import type { IExecuteFunctions, IHttpRequestOptions } from 'n8n-workflow';

import type { Prediction } from '../../../../nodes/Connecte/prediction.ts';
import { endLookOut, lookOut, lookSoon } from '../../../../nodes/Connecte/waiting/lookOut.ts';

const MINUTE = 60_000;
const PREDICTION: Prediction = { id: 'p1', status: 'processing' };

/** An API and a resume address; `answers` are the statuses the latter gives, the last one for ever. */
class Surroundings {
	prediction: Prediction = PREDICTION;
	readonly looks: number[] = [];
	readonly cancels: number[] = [];
	readonly calls: Array<{ at: number; body: unknown }> = [];
	private readonly begin = Date.now();
	private readonly answers: Array<number | string>;

	constructor(...answers: Array<number | string>) {
		this.answers = answers;
	}

	/** What a look-out uses of an execution's context. */
	readonly context = {
		getNode: () => ({ name: 'Connecte' }),
		getCredentials: () => Promise.resolve({ baseUrl: 'http://api.example', apiToken: 'a-token' }),
		logger: { debug: () => undefined, warn: () => undefined },
		helpers: {
			httpRequestWithAuthentication: (_: string, { url }: IHttpRequestOptions) => {
				const isCancel = url.endsWith('/cancel');
				(isCancel ? this.cancels : this.looks).push(Date.now() - this.begin);
				if (isCancel) this.prediction = { ...this.prediction, status: 'canceled' };
				const body = Readable.from([Buffer.from(JSON.stringify(this.prediction))]);
				return Promise.resolve({ statusCode: 200, headers: {}, body });
			},
			httpRequest: ({ body }: IHttpRequestOptions) => {
				this.calls.push({ at: Date.now() - this.begin, body });
				const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
				if (typeof answer === 'string') {
					return Promise.resolve({ statusCode: 409, body: { message: answer } });
				}
				if (answer === 0) return Promise.reject(new Error('connect ECONNREFUSED'));
				return Promise.resolve({ statusCode: answer, body: {} });
			},
		},
	} as unknown as IExecuteFunctions;

	watch(maxWaitMs = 60 * MINUTE, cancelOnTimeout = true): void {
		lookOut({
			context: this.context,
			prediction: PREDICTION,
			resumeUrl: 'http://n8n.example/webhook-waiting/1/connecte',
			deadline: this.begin + maxWaitMs,
			cancelOnTimeout,
		});
	}
}

beforeEach(() => {
	jest.useFakeTimers();
});
afterEach(async () => {
	endLookOut(PREDICTION.id);
	// The loop ends by itself once nothing is watched.
	await jest.advanceTimersByTimeAsync(1_000);
	expect(jest.getTimerCount()).toBe(0);
	jest.useRealTimers();
});
const pass = async (ms: number) => await jest.advanceTimersByTimeAsync(ms);
const seconds = (times: number[]) => times.map((time) => Math.round(time / 1_000));

it('looks after 1, 5 and 30 s, then every 5 minutes', async () => {
	const around = new Surroundings(200);
	around.watch();
	await pass(16 * MINUTE);
	expect(seconds(around.looks)).toEqual([1, 5, 30, 330, 630, 930]);
	expect(around.calls).toEqual([]);
});

it('calls the resume address with the prediction as soon as it has ended, and is done', async () => {
	const around = new Surroundings(200);
	around.watch();
	await pass(2_000);
	around.prediction = { id: 'p1', status: 'succeeded', output: {} };
	await pass(10 * MINUTE);
	expect(seconds(around.looks)).toEqual([1, 5]);
	expect(around.calls.map(({ body }) => body)).toEqual([around.prediction]);
});

it('calls again very soon while n8n has not stored the execution', async () => {
	const around = new Surroundings('is running already', 'is running already', 200);
	around.prediction = { id: 'p1', status: 'failed' };
	around.watch();
	await pass(3_000);
	expect(around.calls).toHaveLength(3);
	expect((around.calls[1]?.at ?? 0) - (around.calls[0]?.at ?? 0)).toBeLessThanOrEqual(400);
	expect(around.looks).toHaveLength(1);
});

it('calls again when n8n cannot be reached, or cannot go on', async () => {
	const around = new Surroundings(0, 502, 503, 200);
	around.prediction = { id: 'p1', status: 'succeeded' };
	around.watch();
	await pass(MINUTE);
	expect(around.calls).toHaveLength(4);
});

it.each([401, 403, 404, 'The execution "1 has finished already.'])(
	'is done when n8n answers %s',
	async (answer) => {
		const around = new Surroundings(answer);
		around.prediction = { id: 'p1', status: 'succeeded' };
		around.watch();
		await pass(10 * MINUTE);
		expect(around.calls).toHaveLength(1);
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
	endLookOut(PREDICTION.id);
	await pass(20 * MINUTE);
	expect(around.looks).toHaveLength(1);
});

it('looks sooner when told to', async () => {
	const around = new Surroundings(200);
	around.watch();
	await pass(40_000);
	lookSoon(PREDICTION.id);
	await pass(1_000);
	expect(seconds(around.looks)).toEqual([1, 5, 30, 40]);
});

it('looks a last time at the deadline, cancels and ends the wait', async () => {
	const around = new Surroundings(200);
	around.watch(20_000);
	await pass(5 * MINUTE);
	expect(seconds(around.looks)).toEqual([1, 5, 20]);
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

it('ends no later than n8n itself, whatever the address answers', async () => {
	const around = new Surroundings(500);
	around.watch(20_000);
	await pass(10 * MINUTE);
	expect(around.calls.at(-1)?.at).toBeLessThan(2 * MINUTE);
});
