import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';

import { createCloudflare, type CloudflareSandbox } from './cloudflare/service.ts';
import { createCloudsway, type CloudswaySandbox } from './cloudsway/service.ts';
import { createConnecte, type ConnecteSandbox } from './connecte/service.ts';
import { bearerToken, Exchange, type RequestRecord } from './core/exchange.ts';
import { FaultPlans, type FaultPlan } from './core/faults.ts';
import { serveSample } from './core/samples.ts';
import type { SandboxService } from './core/service.ts';

const KEEP_ALIVE_MS = 60_000;

export interface SandboxOptions {
	/** Default: any free port. */
	port?: number;
	host?: string;
	/** The folder that `GET /samples/<name>` serves; default: `sandbox/samples`. */
	samplesDir?: string;
}

export interface Sandbox {
	/** Such as `http://127.0.0.1:3400`. */
	baseUrl: string;
	cloudflare: CloudflareSandbox;
	cloudsway: CloudswaySandbox;
	connecte: ConnecteSandbox;
	/** What arrived, oldest first. */
	readonly requests: RequestRecord[];
	/** The most requests under way at once since the last `clear`. */
	readonly mostAtOnce: number;
	faults: FaultPlans;
	/** Forgets requests and fault plans. */
	clear(): void;
	close(): Promise<void>;
}

/**
 * Starts the stand-ins of the services on loopback. They hear DTMF keys in the audio they receive and
 * refuse what the services would refuse.
 *
 * Control calls, for processes outside this one: `POST /control/faults` with a fault plan,
 * `DELETE /control/faults`, `GET` and `DELETE /control/requests`.
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
	const { port = 0, host = '127.0.0.1', samplesDir = join('sandbox', 'samples') } = options;
	const faults = new FaultPlans();
	const requests: RequestRecord[] = [];
	const sockets = new Set<Socket>();
	let atOnce = 0;
	let mostAtOnce = 0;
	const cloudflare = createCloudflare();
	const cloudsway = createCloudsway();
	const connecte = createConnecte();
	const services: SandboxService[] = [cloudflare.service, cloudsway.service, connecte.service];
	const clear = () => {
		requests.length = 0;
		mostAtOnce = atOnce;
		faults.clear();
		cloudflare.clear();
		for (const service of services) service.clear?.();
	};

	const handle = async (request: IncomingMessage, response: ServerResponse) => {
		const path = request.url ?? '/';
		if (path.startsWith('/samples/')) return await serveSample(samplesDir, request, response);
		if (path.startsWith('/control/')) return await control(request, response);
		const service = services.find(({ prefix }) => path.startsWith(`${prefix}/`));
		if (!service) {
			response.writeHead(404, { 'content-type': 'text/html' });
			response.end('<!doctype html><html><head><title>Not Found</title></head></html>');
			return;
		}
		const fault = faults.take(request.method ?? 'GET', path, bearerToken(request));
		const exchange = new Exchange(request, response, service.name, fault);
		requests.push(exchange.record);
		mostAtOnce = Math.max(mostAtOnce, ++atOnce);
		response.once('close', () => atOnce--);
		if (await exchange.prepare()) {
			await service.handle(exchange, exchange.url.pathname.slice(service.prefix.length));
		}
	};

	const control = async (request: IncomingMessage, response: ServerResponse) => {
		const exchange = new Exchange(request, response, 'control', undefined);
		const call = `${request.method} ${exchange.url.pathname}`;
		if (call === 'GET /control/requests') return await exchange.sendJson(200, requests);
		if (call === 'DELETE /control/requests') {
			requests.length = 0;
			return await exchange.sendJson(200, {});
		}
		if (call === 'DELETE /control/faults') {
			faults.clear();
			return await exchange.sendJson(200, {});
		}
		if (call !== 'POST /control/faults') {
			return await exchange.sendJson(404, { error: { message: `No such call: ${call}` } });
		}
		const plan = (await exchange.readJson()) as Partial<FaultPlan> | null | undefined;
		if (typeof plan?.fault?.kind !== 'string') {
			return await exchange.sendJson(400, { error: { message: 'A plan needs a fault.kind' } });
		}
		faults.add({ ...plan, fault: plan.fault });
		await exchange.sendJson(201, plan);
	};

	const server = createServer((request, response) => {
		handle(request, response).catch((error: Error) => {
			if (response.headersSent || request.destroyed) request.destroy();
			else response.writeHead(500).end(JSON.stringify({ error: { message: error.message } }));
		});
	});
	server.on('upgrade', (request, socket, head) => {
		const { method = 'GET', url = '/' } = request;
		const service = services.find(({ prefix }) => url.startsWith(`${prefix}/`));
		if (!service?.upgrade) {
			socket.destroy();
			return;
		}
		const fault = faults.take(method, url, bearerToken(request));
		service.upgrade(request, socket, head, fault).catch(() => socket.destroy());
	});
	server.on('connection', (socket) => {
		sockets.add(socket);
		socket.once('close', () => sockets.delete(socket));
	});
	server.requestTimeout = 0;
	// A caller whose machine is busy must not meet the end of a connection that it is about to use again.
	server.keepAliveTimeout = KEEP_ALIVE_MS;
	await new Promise<void>((resolve, reject) => {
		server.once('error', reject).listen(port, host, resolve);
	});
	const baseUrl = `http://${host}:${(server.address() as AddressInfo).port}`;

	return {
		baseUrl,
		cloudflare: cloudflare.at(baseUrl),
		cloudsway: cloudsway.at(baseUrl),
		connecte: connecte.at(baseUrl),
		requests,
		get mostAtOnce() {
			return mostAtOnce;
		},
		faults,
		clear,
		close: () =>
			new Promise((resolve) => {
				for (const service of services) service.close?.();
				server.close(() => resolve());
				for (const socket of sockets) socket.destroy();
			}),
	};
}
