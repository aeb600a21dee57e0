import { setTimeout as delay } from 'node:timers/promises';

import type { Exchange } from '../core/exchange.ts';
import type { SandboxService } from '../core/service.ts';
import { Caller, type Delivery } from './callbacks.ts';
import { MODELS, checkInput, isLoopback, type Input } from './models.ts';
import { Prediction, type Plan } from './predictions.ts';

/** The token that is let in, and one that may not use the API. */
export const TOKENS = { good: 'connecte-good-token', forbidden: 'connecte-no-rights' } as const;

const DEFAULT_SYNC_SECONDS = 30;
const UNKNOWN = { detail: 'Not found.' };

/** What tests see and steer of the Connecte stand-in. */
export interface ConnecteSandbox {
	/** What a user of the real service has; add a `webhookSecret` of your own. */
	credential: { apiToken: string; baseUrl: string };
	/** How predictions go from now on; merged into what was said before. */
	setPlan(plan: Plan): void;
	/** How the next predictions go, one plan each, before the plan for all applies again. */
	planNext(...plans: Plan[]): void;
	/** Every prediction by its id, in the order of creation. */
	predictions: ReadonlyMap<string, Prediction>;
	/** How often each prediction was read by its id. */
	reads: ReadonlyMap<string, number>;
	/** Every callback that was sent, in order. */
	deliveries: readonly Delivery[];
	/** Forgets plans, predictions, counts and deliveries; what runs is cancelled. */
	clear(): void;
}

/**
 * The stand-in of connecte.ai below `/connecte`. Control calls, for processes outside this one:
 * `POST /connecte/control/plan` with a plan for all, `POST /connecte/control/next` with a list of plans,
 * `GET /connecte/control/state` with predictions, reads and deliveries, `DELETE /connecte/control`.
 */
export function createConnecte(): {
	service: SandboxService;
	at: (baseUrl: string) => ConnecteSandbox;
} {
	const connecte = new Connecte();
	return {
		service: {
			name: 'connecte',
			prefix: '/connecte',
			handle: (exchange, path) => connecte.handle(exchange, path),
			clear: () => connecte.clear(),
			close: () => connecte.close(),
		},
		at: (baseUrl) =>
			Object.assign(connecte, {
				credential: { apiToken: TOKENS.good, baseUrl: `${baseUrl}/connecte/api/v1` },
			}),
	};
}

class Connecte {
	readonly predictions = new Map<string, Prediction>();
	readonly reads = new Map<string, number>();
	private readonly closing = new AbortController();
	private readonly caller = new Caller(this.closing.signal);
	private plan: Plan = {};
	private plans: Plan[] = [];

	get deliveries(): readonly Delivery[] {
		return this.caller.deliveries;
	}

	setPlan(plan: Plan): void {
		this.plan = { ...this.plan, ...plan };
	}

	planNext(...plans: Plan[]): void {
		this.plans.push(...plans);
	}

	clear(): void {
		for (const prediction of this.predictions.values()) prediction.cancel();
		this.predictions.clear();
		this.reads.clear();
		this.caller.deliveries.length = 0;
		this.plan = {};
		this.plans = [];
	}

	close(): void {
		this.clear();
		this.closing.abort();
	}

	async handle(exchange: Exchange, path: string): Promise<void> {
		if (path.startsWith('/control')) return await this.control(exchange, path);
		const [, route] = /^\/api\/v1\/(.+)$/.exec(path) ?? [];
		if (route === undefined) return await sendPage(exchange);
		const refusal = refuseToken(exchange.token);
		if (refusal) {
			await exchange.discardBody();
			return await exchange.sendJson(refusal.status, { detail: refusal.detail });
		}
		const segments = route.split('/').map(decodeURIComponent);
		const [first = '', second = '', third] = segments;
		const { method } = exchange.request;
		if (first === 'predictions' && third === undefined && method === 'GET') {
			return await this.read(exchange, second);
		}
		if (first === 'predictions' && third === 'cancel' && method === 'POST') {
			return await this.cancel(exchange, second);
		}
		if (first !== 'predictions' && segments.length === 2 && method === 'POST') {
			return await this.create(exchange, `${first}/${second}`);
		}
		await exchange.discardBody();
		await exchange.sendJson(404, UNKNOWN);
	}

	private async read(exchange: Exchange, id: string): Promise<void> {
		this.reads.set(id, (this.reads.get(id) ?? 0) + 1);
		const prediction = this.predictions.get(id);
		await exchange.sendJson(prediction ? 200 : 404, prediction?.json() ?? UNKNOWN);
	}

	private async cancel(exchange: Exchange, id: string): Promise<void> {
		await exchange.discardBody();
		const prediction = this.predictions.get(id);
		prediction?.cancel();
		await exchange.sendJson(prediction ? 200 : 404, prediction?.json() ?? UNKNOWN);
	}

	private async create(exchange: Exchange, name: string): Promise<void> {
		const body = await exchange.readJson();
		const { headers } = exchange.request;
		const model = Object.hasOwn(MODELS, name) ? MODELS[name] : undefined;
		if (!model) return await exchange.sendJson(404, { detail: `No model ${name}` });
		const refuse = (detail: unknown) => exchange.sendJson(400, { detail });
		if (!/^application\/json\b/.test(headers['content-type'] ?? '')) {
			return await refuse('The body must be sent as application/json');
		}
		if (typeof body !== 'object' || body === null || Array.isArray(body)) {
			return await refuse('The body must be a JSON object');
		}
		const { webhookHeader } = this.plan;
		const webhookUrl = webhookHeader
			? headers[webhookHeader]
			: (headers['webhook-url'] ?? headers['x-webhook-url']);
		if (Array.isArray(webhookUrl) || (webhookUrl !== undefined && !isCallable(webhookUrl))) {
			return await refuse('Webhook-URL must be an https address');
		}
		const prefer = headers.prefer ?? 'ASYNC';
		if (prefer !== 'ASYNC' && prefer !== 'SYNC') return await refuse('Prefer is ASYNC or SYNC');
		const seconds = Number(headers['request-timeout'] ?? DEFAULT_SYNC_SECONDS);
		if (!Number.isInteger(seconds) || seconds < 1) {
			return await refuse('Request-Timeout is a whole number of seconds');
		}
		const checked = checkInput(name, model, body as Input);
		if ('errors' in checked) {
			return await refuse(checked.errors.map(({ field, message }) => `${field}: ${message}`));
		}
		const { plan: own, ...input } = checked.input;
		const plan = { ...this.plan, ...this.plans.shift(), ...(own as Plan | undefined) };
		const prediction = new Prediction(model, input, plan, this.closing.signal);
		this.predictions.set(prediction.id, prediction);
		const calling = this.callBack(prediction, webhookUrl).catch(() => undefined);
		if (plan.callback?.kind === 'early') await calling;
		if (prefer === 'SYNC') await this.hold(exchange, prediction, seconds);
		await exchange.sendJson(200, prediction.json());
	}

	/** Keeps the connection open until the end, but no longer than asked for. */
	private async hold(exchange: Exchange, prediction: Prediction, seconds: number): Promise<void> {
		const over = new AbortController();
		const { socket } = exchange.request;
		const gone = () => over.abort();
		socket.once('close', gone);
		const signal = AbortSignal.any([over.signal, this.closing.signal]);
		const tooLong = delay(seconds * 1_000, undefined, { signal }).catch(() => undefined);
		await Promise.race([prediction.ended, tooLong]);
		socket.off('close', gone);
		over.abort();
	}

	/** The service calls back when a prediction succeeded or failed, and not when it was cancelled. */
	private async callBack(prediction: Prediction, url: string | undefined): Promise<void> {
		const { callback = {} } = prediction.plan;
		if (url === undefined || callback.kind === 'never') return;
		if (callback.kind === 'forged') {
			const output = { text: 'forged', transcirption: 'forged' };
			const lie = { ...prediction.json(), status: 'succeeded', output };
			return await this.caller.call(prediction.id, url, lie, callback);
		}
		await prediction.ended;
		if (prediction.status === 'canceled') return;
		await this.caller.call(prediction.id, url, prediction.json(), callback);
	}

	private async control(exchange: Exchange, path: string): Promise<void> {
		const { method } = exchange.request;
		if (method === 'DELETE') this.clear();
		if (method === 'POST' && path === '/control/plan') {
			this.setPlan((await exchange.readJson()) as Plan);
		}
		if (method === 'POST' && path === '/control/next') {
			this.planNext(...((await exchange.readJson()) as Plan[]));
		}
		await exchange.sendJson(200, {
			predictions: [...this.predictions.values()].map((prediction) => prediction.json()),
			reads: Object.fromEntries(this.reads),
			deliveries: this.deliveries,
		});
	}
}

function refuseToken(token: string | undefined): { status: number; detail: string } | undefined {
	if (token === TOKENS.good) return undefined;
	if (token === TOKENS.forbidden) return { status: 403, detail: 'This token has no access.' };
	return { status: 401, detail: 'Invalid token.' };
}

/** The service calls https addresses; loopback is for trying things out. */
function isCallable(address: string): boolean {
	return URL.canParse(address) && (new URL(address).protocol === 'https:' || isLoopback(address));
}

async function sendPage(exchange: Exchange): Promise<void> {
	await exchange.discardBody();
	await exchange.send(
		404,
		'text/html; charset=utf-8',
		'<!doctype html><html><head><title>404 Page not found</title></head><body>Connecte</body></html>',
	);
}
