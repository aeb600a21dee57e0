import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

import type { EventFault, Fault } from './faults.ts';

/** What arrived, for tests to look at. */
export interface RequestRecord {
	service: string;
	method: string;
	/** Path with query, as it was sent. */
	path: string;
	/** Names in lower case; of Authorization only the scheme. */
	headers: Record<string, string>;
	/** Fields of a form, in the order they came. */
	fields: Array<[name: string, value: string]>;
	file?: { field: string; name: string; mimeType: string; size: number; sha256: string };
	/** A JSON body. */
	json?: unknown;
	/** Whether the body arrived whole. */
	complete: boolean;
	/** Milliseconds since 1970. */
	time: number;
	status?: number;
}

/** A request and the way to answer it, through whatever fault was planned for it. */
export class Exchange {
	readonly request: IncomingMessage;
	readonly url: URL;
	readonly record: RequestRecord;
	private readonly response: ServerResponse;
	private readonly fault: Fault | undefined;

	constructor(
		request: IncomingMessage,
		response: ServerResponse,
		service: string,
		fault: Fault | undefined,
	) {
		this.request = request;
		this.response = response;
		this.fault = fault;
		this.url = new URL(request.url ?? '/', 'http://sandbox');
		this.record = {
			service,
			method: request.method ?? 'GET',
			path: request.url ?? '/',
			headers: maskedHeaders(request),
			fields: [],
			complete: false,
			time: Date.now(),
		};
		request.on('end', () => {
			this.record.complete = true;
		});
	}

	/** The bearer token of the request. */
	get token(): string | undefined {
		return /^Bearer (.+)$/.exec(this.request.headers.authorization ?? '')?.[1];
	}

	/** Does what a fault plan asks for; whether the service is still to handle the request. */
	async prepare(): Promise<boolean> {
		const { fault, request, response } = this;
		switch (fault?.kind) {
			case 'reset':
				if (fault.when === 'before') request.socket.resetAndDestroy();
				if (fault.when === 'during') request.once('data', () => request.socket.resetAndDestroy());
				return fault.when === 'after';
			case 'early':
				this.record.status = fault.status;
				response.writeHead(fault.status, { ...fault.headers, connection: 'close' });
				response.end(fault.body ?? '');
				return false;
			case 'silence':
				request.resume();
				return false;
			case 'status':
				await this.discardBody();
				this.record.status = fault.status;
				response.writeHead(fault.status, {
					'content-type': (fault.body ?? '').startsWith('<') ? 'text/html' : 'application/json',
					...fault.headers,
				});
				response.end(fault.body ?? '');
				return false;
			default:
				return true;
		}
	}

	/** Reads what is left of the request's body and drops it. */
	async discardBody(): Promise<void> {
		if (this.request.complete && this.request.readableEnded) return;
		this.request.resume();
		await new Promise<void>((resolve) => this.request.once('close', resolve).once('end', resolve));
	}

	async readJson(): Promise<unknown> {
		const pieces: Buffer[] = [];
		for await (const piece of this.request) pieces.push(piece as Buffer);
		const text = Buffer.concat(pieces).toString('utf8');
		try {
			this.record.json = JSON.parse(text);
		} catch {
			this.record.json = undefined;
		}
		return this.record.json;
	}

	async sendJson(
		status: number,
		body: unknown,
		headers: Record<string, string> = {},
	): Promise<void> {
		await this.send(status, 'application/json', JSON.stringify(body), headers);
	}

	async send(
		status: number,
		contentType: string,
		body: string | Buffer,
		headers: Record<string, string> = {},
	): Promise<void> {
		if (!(await this.mayAnswer())) return;
		this.record.status = status;
		const bytes = Buffer.from(body);
		this.response.writeHead(status, {
			'content-type': contentType,
			'content-length': String(bytes.length),
			...headers,
		});
		await this.write(bytes);
		this.response.end();
	}

	/** Sends server-sent events, each given by its data. */
	async sendEvents(events: string[]): Promise<void> {
		if (!(await this.mayAnswer())) return;
		const how: EventFault = this.fault?.kind === 'events' ? this.fault : {};
		this.record.status = 200;
		this.response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
		this.response.flushHeaders();
		const end = how.lineEnd ?? '\n';
		let sent = 0;
		for (const data of events) {
			if (how.stopAfter === sent) break;
			if (how.error?.after === sent) {
				await this.writeEvent([`data: ${how.error.data}`], how, end);
				break;
			}
			const lines = how.decorated ? [': keep-alive', 'id: 1'] : [];
			await this.writeEvent([...lines, `data: ${data}`], how, end);
			if (how.everyMs) await delay(how.everyMs);
			sent++;
		}
		if (how.decorated) await this.writeEvent(['data: [DONE]'], how, end);
		this.response.end();
	}

	private async writeEvent(lines: string[], how: EventFault, end: string): Promise<void> {
		const bytes = Buffer.from([...lines, '', ''].join(end));
		const size = how.pieceBytes ?? bytes.length;
		for (let start = 0; start < bytes.length; start += size) {
			await this.write(bytes.subarray(start, start + size));
			if (how.pieceBytes) await delay(0);
		}
	}

	private async mayAnswer(): Promise<boolean> {
		if (this.fault?.kind === 'reset') {
			this.request.socket.resetAndDestroy();
			return false;
		}
		if (this.fault?.kind === 'delay') await delay(this.fault.ms);
		return !this.response.destroyed;
	}

	private async write(bytes: Buffer): Promise<void> {
		const { fault, response } = this;
		if (fault?.kind === 'drip') {
			for (const byte of bytes) {
				if (response.destroyed) return;
				response.write(Buffer.from([byte]));
				await delay(fault.ms);
			}
		} else if (fault?.kind === 'cut') {
			response.write(bytes.subarray(0, fault.bytes));
			await delay(20);
			this.request.socket.destroy();
		} else if (!response.destroyed && !response.write(bytes)) {
			await new Promise<void>((resolve) => response.once('drain', resolve).once('close', resolve));
		}
	}
}

function maskedHeaders(request: IncomingMessage): Record<string, string> {
	const headers = Object.entries(request.headers).map(([name, value]): [string, string] => {
		const text = Array.isArray(value) ? value.join(', ') : (value ?? '');
		return [name, name === 'authorization' ? text.replace(/ .*/, ' ******') : text];
	});
	return Object.fromEntries(headers);
}
