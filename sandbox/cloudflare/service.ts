import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

import { WebSocketServer } from 'ws';

import { bearerToken, maskedHeaders, type Exchange } from '../core/exchange.ts';
import type { AnswerFault, Fault } from '../core/faults.ts';
import type { SandboxService } from '../core/service.ts';
import { incomplete, invalid, Refusal, success } from './envelope.ts';
import { checkFluxFields, checkTags } from './fluxFields.ts';
import { serveFlux, type FluxQuirks, type FluxSessionRecord } from './fluxSession.ts';
import { transcribeNova3 } from './nova3.ts';

/** What a user of the real service has, and what tests may change. */
export interface CloudflareSandbox {
	baseUrl: string;
	accountId: string;
	apiToken: string;
	/** Flux sessions, oldest first. */
	readonly sessions: FluxSessionRecord[];
	/** Flux sessions open at this moment. */
	readonly openSessions: number;
	/** Keeps the PCM of each session in its record. */
	keepPcm: boolean;
	quirks: FluxQuirks;
	/** Names that `runFlux` takes beyond the documented ones. */
	newFluxFields: string[];
	/** The largest file Nova-3 takes. */
	maxFileBytes: number;
}

const ACCOUNT_ID = '0a1b2c3d4e5f60718293a4b5c6d7e8f9';
const API_TOKEN = 'sandbox-cloudflare-token';
const FLUX = '@cf/deepgram/flux';
const NOVA3 = '@cf/deepgram/nova-3';

const MODELS = [
	{ id: 'a2a2afba-b609-4325-8c41-5791ce962239', name: FLUX, realtime: 'true' },
	{ id: '1f55679f-009e-4456-aa4f-049a62b4b6a0', name: NOVA3, async_queue: 'true' },
];

/**
 * The stand-in of Cloudflare's API for the two speech models: Flux by POST and WebSocket, Nova-3 by
 * POST, and the search for models.
 */
export function createCloudflare(): {
	service: SandboxService;
	at: (baseUrl: string) => CloudflareSandbox;
	clear: () => void;
} {
	const prefix = '/client/v4';
	const sandbox: CloudflareSandbox = {
		baseUrl: '',
		accountId: ACCOUNT_ID,
		apiToken: API_TOKEN,
		sessions: [],
		get openSessions() {
			return sockets.clients.size;
		},
		keepPcm: false,
		quirks: {},
		newFluxFields: [],
		maxFileBytes: 2 * 1024 ** 3,
	};
	const sockets = new WebSocketServer({ noServer: true });
	/** What the last upgrades of an address were refused with: a plain request of it is told the same. */
	const refusedUpgrades = new Map<string, AnswerFault>();

	const handle = async (exchange: Exchange, path: string): Promise<void> => {
		try {
			const call = modelCall(path, exchange.token);
			const { method = 'GET' } = exchange.request;
			if (call === 'models/search' && method === 'GET') {
				await exchange.sendJson(200, foundModels(exchange.url.searchParams));
			} else if (call === `run/${FLUX}` && method === 'POST') {
				await exchange.sendJson(200, await runFlux(exchange, sandbox.newFluxFields));
			} else if (call === `run/${FLUX}` && method === 'GET') {
				const refused = refusedUpgrades.get(exchange.request.url ?? '');
				if (refused) {
					await exchange.send(
						refused.status,
						'application/json',
						refused.body ?? '',
						refused.headers,
					);
					return;
				}
				checkHandshake(exchange.url);
				throw new Refusal(426, 5006, 'Expected Upgrade: websocket');
			} else if (call === `run/${NOVA3}` && method === 'POST') {
				await exchange.sendJson(
					200,
					success(await transcribeNova3(exchange, sandbox.maxFileBytes)),
				);
			} else {
				throw noRoute();
			}
		} catch (error) {
			if (!(error instanceof Refusal)) throw error;
			await exchange.discardBody();
			await exchange.sendJson(error.status, error.envelope, { 'cf-ray': rayOf() });
		}
	};

	const upgrade = async (
		request: IncomingMessage,
		socket: Duplex,
		head: Buffer,
		fault: Fault | undefined,
	): Promise<void> => {
		socket.on('error', () => socket.destroy());
		const address = request.url ?? '/';
		refusedUpgrades.delete(address);
		if (fault?.kind === 'reset') return void socket.destroy();
		if (fault?.kind === 'silence') return;
		if (fault?.kind === 'delay') await delay(fault.ms);
		if (fault?.kind === 'status' || fault?.kind === 'early') {
			const body = fault.body?.replaceAll('{token}', bearerToken(request) ?? '') ?? '';
			refusedUpgrades.set(address, { ...fault, body });
			return refuseUpgrade(socket, fault.status, body, fault.headers);
		}
		try {
			const url = new URL(address, 'http://sandbox');
			const path = url.pathname.slice(prefix.length);
			if (modelCall(path, bearerToken(request)) !== `run/${FLUX}`) throw noRoute();
			const settings = checkHandshake(url);
			sockets.handleUpgrade(request, socket, head, (client) => {
				const record = serveFlux(client, {
					path: address,
					headers: maskedHeaders(request),
					settings,
					fault: fault?.kind === 'socket' ? fault : {},
					quirks: { ...sandbox.quirks },
					keepPcm: sandbox.keepPcm,
				});
				sandbox.sessions.push(record);
			});
		} catch (error) {
			if (!(error instanceof Refusal)) throw error;
			refuseUpgrade(socket, error.status, JSON.stringify(error.envelope));
		}
	};

	return {
		service: { name: 'cloudflare', prefix, handle, upgrade },
		at: (baseUrl) => {
			sandbox.baseUrl = `${baseUrl}${prefix}`;
			return sandbox;
		},
		clear: () => {
			sandbox.sessions.length = 0;
			refusedUpgrades.clear();
			Object.assign(sandbox, {
				keepPcm: false,
				quirks: {},
				newFluxFields: [],
				maxFileBytes: 2 * 1024 ** 3,
			});
		},
	};
}

/** What is called below `/accounts/{account}/ai/`. @throws Refusal for another account or token */
function modelCall(path: string, token: string | undefined): string {
	const [, account, call] = /^\/accounts\/([^/]+)\/ai\/(.+)$/.exec(decodeURI(path)) ?? [];
	if (account === undefined || call === undefined) throw noRoute();
	if (account !== ACCOUNT_ID) {
		throw new Refusal(
			404,
			7003,
			`Could not route to /client/v4${path}, perhaps your object identifier is invalid?`,
		);
	}
	if (token !== API_TOKEN) throw new Refusal(401, 10000, 'Authentication error');
	if (call.startsWith('run/') && !MODELS.some(({ name }) => call === `run/${name}`)) {
		throw new Refusal(400, 5007, `No such model ${call.slice(4)} or task`);
	}
	return call;
}

function noRoute(): Refusal {
	return new Refusal(404, 7000, 'No route for that URI');
}

function checkHandshake(url: URL) {
	const entries = [...url.searchParams].filter(([name]) => name !== 'tags');
	checkTags(url.searchParams.get('tags'));
	return checkFluxFields(entries);
}

async function runFlux(exchange: Exchange, newFields: string[]): Promise<object> {
	const query = exchange.url.searchParams;
	for (const name of query.keys()) {
		if (!['tags', 'queueRequest', 'keyterm'].includes(name)) throw invalid(`unknown query ${name}`);
	}
	checkTags(query.get('tags'));
	if (!exchange.request.headers['content-type']) throw incomplete('Content-Type is missing');
	const body: unknown = await exchange.readJson();
	if (typeof body !== 'object' || body === null || Array.isArray(body)) {
		throw incomplete('the body is no JSON object');
	}
	const keyterms = query.getAll('keyterm').map((term): [string, string] => ['keyterm', term]);
	const settings = checkFluxFields([...Object.entries(body), ...keyterms], newFields);
	const requestId = randomUUID();
	return query.get('queueRequest') === 'true'
		? success({ status: 'queued', request_id: requestId, model: FLUX })
		: success({ request_id: requestId, received: body, keyterms: settings.keyterms });
}

function foundModels(query: URLSearchParams): object {
	const perPage = Number(query.get('per_page') ?? 50);
	const found = MODELS.filter(({ name }) => name.includes(query.get('search') ?? ''));
	const result = found.slice(0, perPage).map(({ id, name, ...properties }) => ({
		id,
		name,
		task: { name: 'Automatic Speech Recognition' },
		properties: Object.entries<string | undefined>(properties).map(([property_id, value]) => ({
			property_id,
			value,
		})),
	}));
	return success(result, {
		result_info: { count: result.length, page: 1, per_page: perPage, total_count: found.length },
	});
}

function refuseUpgrade(
	socket: Duplex,
	status: number,
	body: string,
	headers: Record<string, string> = {},
): void {
	const lines = Object.entries({
		'content-type': 'application/json',
		'content-length': String(Buffer.byteLength(body)),
		connection: 'close',
		'cf-ray': rayOf(),
		...headers,
	}).map(([name, value]) => `${name}: ${value}`);
	socket.end([`HTTP/1.1 ${status} Refused`, ...lines, '', body].join('\r\n'));
}

function rayOf(): string {
	return `${randomUUID().replaceAll('-', '').slice(0, 16)}-SBX`;
}
