import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Access } from './access.ts';
import {
	anything,
	beginning,
	call,
	differences,
	differencesFrom,
	nullable,
	number,
	object,
	objectWith,
	oneOf,
} from './answer.ts';
import type { Answer } from './answer.ts';
import { answered, compared, notChecked } from './check.ts';
import type { Check, Finding } from './check.ts';

const PAGE = 'https://connecte.ai/docs/api-reference/methods';
const WEBHOOKS_PAGE = 'https://connecte.ai/docs/topics/webhooks';
const LONGEST_PREDICTION_MS = 300_000;
const POLL_MS = 1_000;
const NOBODYS = '00000000-0000-0000-0000-000000000000';

const FINAL = ['succeeded', 'failed', 'canceled'];
const STATUSES = ['pending', 'queued', 'starting', 'processing', ...FINAL];

const PREDICTION = object(
	{
		id: { type: 'string', pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' },
		input: anything,
		status: oneOf(...STATUSES),
		output: nullable({ type: 'object' }),
		source: oneOf('api'),
		runtime: nullable(number),
		created_at: {
			type: 'string',
			pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}Z$',
		},
	},
	{ cost: nullable(number) },
);
const WHISPER_OUTPUT = object({
	segments: anything,
	transcirption: anything,
	translation: anything,
	detected_language: anything,
});

interface Prediction {
	id: string;
	status: string;
	output?: unknown;
}

const predictionIn = ({ json }: Answer): Prediction => {
	const { id, status, output } = (json ?? {}) as Partial<Prediction>;
	if (typeof id !== 'string' || typeof status !== 'string') {
		throw new Error('the answer is no prediction with an id and a status');
	}
	return { id, status: status.toLowerCase(), output };
};

/** Hears on a port whether one of the awaited paths is called. */
class CallbackListener {
	readonly #server = createServer((request, response) =>
		this.#receive(request, () => response.end()),
	);
	readonly #paths = new Set<string>();

	async listen(port: number): Promise<void> {
		await new Promise<void>((resolve, reject) => {
			this.#server.once('error', reject).listen(port, '127.0.0.1', resolve);
		});
	}

	/** Waits until all marks have been called, or the time is over. */
	async waitFor(marks: string[], longestMs: number): Promise<void> {
		const patience = Date.now() + longestMs;
		while (Date.now() < patience && !marks.every((mark) => this.has(mark))) {
			await sleep(POLL_MS / 4);
		}
	}

	has(mark: string): boolean {
		return [...this.#paths].some((path) => path.includes(mark));
	}

	async close(): Promise<void> {
		this.#server.closeAllConnections();
		await new Promise<void>((resolve) => this.#server.close(() => resolve()));
	}

	#receive(request: IncomingMessage, answer: () => void): void {
		this.#paths.add(request.url ?? '');
		request.resume().on('end', answer);
	}
}

/** The checks of Connecte, which wait `callbackMs` for a callback that may never come. */
export const connecteChecks = (
	{ apiToken, baseUrl, audioUrl, webhook }: NonNullable<Access['connecte']>,
	{ callbackMs }: { callbackMs: number },
): Check[] => {
	const headers = { authorization: `Bearer ${apiToken}` };
	const create = (input: unknown, more: Record<string, string> = {}): Promise<Answer> =>
		call(`${baseUrl}/openai/whisper`, {
			method: 'POST',
			headers: { ...headers, 'content-type': 'application/json', ...more },
			body: JSON.stringify(input),
		});
	const read = (id: string): Promise<Answer> => call(`${baseUrl}/predictions/${id}`, { headers });
	const untilEnd = async (id: string): Promise<Answer> => {
		const patience = Date.now() + LONGEST_PREDICTION_MS;
		for (;;) {
			const answer = await read(id);
			if (FINAL.includes(predictionIn(answer).status)) return answer;
			if (Date.now() > patience) throw new Error('the prediction does not end');
			await sleep(POLL_MS);
		}
	};
	const withAudio =
		(check: (audio: string) => Promise<Finding>): Check['run'] =>
		async () =>
			audioUrl === undefined
				? notChecked('needs CONNECTE_AUDIO_URL, a recording that Connecte can download')
				: await check(audioUrl);

	const whichHeader = async (audio: string): Promise<Finding> => {
		if (webhook === undefined) {
			return notChecked('needs CONNECTE_WEBHOOK_URL, a public address that leads to this machine');
		}
		const listener = new CallbackListener();
		await listener.listen(webhook.port);
		try {
			const marks = { 'Webhook-URL': randomUUID(), 'X-Webhook-URL': randomUUID() };
			for (const [header, mark] of Object.entries(marks)) {
				const url = new URL(webhook.url);
				url.searchParams.set('mark', mark);
				const { id } = predictionIn(await create({ audio }, { [header]: url.href }));
				await untilEnd(id);
			}
			await listener.waitFor(Object.values(marks), callbackMs);
			return answered(
				...Object.entries(marks).map(
					([header, mark]) =>
						`${header}: ${listener.has(mark) ? 'called back' : 'not called back'}`,
				),
			);
		} finally {
			await listener.close();
		}
	};

	return [
		{
			name: 'a prediction that does not exist, as the credential test asks',
			documented: 'not documented; the credential test takes 404 with a JSON body for a good token',
			run: async () =>
				compared(differences(await read(NOBODYS), { status: 404, schema: objectWith({}) })),
		},
		{
			name: 'a wrong token is refused',
			documented: 'not documented; the credential test takes 401 and 403 for a bad token',
			run: async () => {
				const wrong = { authorization: 'Bearer not-a-token' };
				const answer = await call(`${baseUrl}/predictions/${NOBODYS}`, { headers: wrong });
				return compared(differences(answer, { status: [401, 403] }), [
					`error body: ${beginning(answer.text)}`,
				]);
			},
		},
		{
			name: 'an input that is wrong is refused',
			documented: 'not documented, nor is the shape of an error',
			run: async () => {
				const answer = await create({ audio: 7 });
				return answered(`${answer.status}: ${beginning(answer.text)}`);
			},
		},
		{
			name: 'openai/whisper, ASYNC, read until its end',
			documented: `the answer's fields and statuses, ${PAGE}`,
			seconds: 2,
			run: withAudio(async (audio) => {
				const created = await create({ audio, language: 'en' }, { prefer: 'ASYNC' });
				const found = differences(created, { status: [200, 201, 202], schema: PREDICTION });
				const ended = await untilEnd(predictionIn(created).id);
				found.push(
					...differences(ended, { status: 200, schema: PREDICTION }).map(
						(line) => `at its end: ${line}`,
					),
				);
				const { status, output } = predictionIn(ended);
				if (status === 'succeeded') {
					found.push(...differencesFrom(WHISPER_OUTPUT, output).map((line) => `output: ${line}`));
				} else found.push(`it ended as ${status}: ${beginning(ended.text)}`);
				return compared([...new Set(found)], [`created with ${created.status}`]);
			}),
		},
		{
			name: 'openai/whisper, SYNC with Request-Timeout',
			documented: `the connection stays open until the result or the time-out, ${PAGE}`,
			seconds: 2,
			run: withAudio(async (audio) => {
				const started = Date.now();
				const more = { prefer: 'SYNC', 'request-timeout': '20' };
				const answer = await create({ audio }, more);
				const { id, status } = predictionIn(answer);
				if (!FINAL.includes(status)) await untilEnd(id);
				return compared(differences(answer, { status: [200, 201, 202], schema: PREDICTION }), [
					`answered '${status}' after ${Math.round((Date.now() - started) / 1_000)} s`,
				]);
			}),
		},
		{
			name: 'cancel',
			documented: `by POST, which ${PAGE} leaves open; status canceled`,
			seconds: 2,
			run: withAudio(async (audio) => {
				const { id } = predictionIn(await create({ audio }, { prefer: 'ASYNC' }));
				const answer = await call(`${baseUrl}/predictions/${id}/cancel`, {
					method: 'POST',
					headers,
				});
				const found = differences(answer, { status: 200, schema: PREDICTION });
				return compared(found, [
					...(found.length === 0 ? [`status is '${predictionIn(answer).status}'`] : []),
				]);
			}),
		},
		{
			name: 'which header does it take a webhook address from?',
			documented: `${PAGE} says Webhook-URL, ${WEBHOOKS_PAGE} says X-Webhook-URL`,
			seconds: 4,
			run: withAudio(whichHeader),
		},
	];
};
