import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';

import type { AnswerFault, EventFault, Fault } from './faults.ts';

/** How long a connection stays for the other side to read what was sent last. */
const LINGER_MS = 100;

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
	/** The request's body, which comes slowly where a fault wants that. */
	readonly body: Readable;
	private readonly response: ServerResponse;
	private readonly fault: Fault | undefined;
	private sentBytes = 0;

	constructor(
		request: IncomingMessage,
		response: ServerResponse,
		service: string,
		fault: Fault | undefined,
	) {
		this.request = request;
		this.response = response;
		this.fault = fault;
		this.body =
			fault?.kind === 'slowUpload' ? Readable.from(slowly(request, fault.bytesPerSecond)) : request;
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
		return bearerToken(this.request);
	}

	/** Does what a fault plan asks for; whether the service is still to handle the request. */
	async prepare(): Promise<boolean> {
		const { fault, request, response } = this;
		switch (fault?.kind) {
			case 'reset':
				if (fault.when === 'before') request.socket.resetAndDestroy();
				if (fault.when === 'during') {
					for (const event of ['data', 'end']) {
						request.once(event, () => request.socket.resetAndDestroy());
					}
				}
				return fault.when === 'after';
			case 'early':
				this.writeFault(fault, { connection: 'close' });
				// Ended by node, the connection would be reset at once, answer and all.
				await delay(LINGER_MS);
				request.socket.destroy();
				return false;
			case 'silence':
				request.resume();
				return false;
			case 'status':
				await this.discardBody();
				this.writeFault(fault);
				response.end();
				return false;
			default:
				return true;
		}
	}

	/** Reads what is left of the request's body and drops it. */
	async discardBody(): Promise<void> {
		this.body.resume();
		await finished(this.body, { writable: false }).catch(() => undefined);
	}

	async readJson(): Promise<unknown> {
		const pieces: Buffer[] = [];
		for await (const piece of this.body) pieces.push(piece as Buffer);
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
			if (how.breakAfter === sent) return await this.breakOff();
			if (how.error?.after === sent) {
				await this.writeEvent([`data: ${how.error.data}`], how, end);
				break;
			}
			const lines = how.decorated ? [': keep-alive', 'id: 1'] : [];
			await this.writeEvent([...lines, ...dataLines(data, how)], how, end);
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

	private writeFault({ status, headers, body = '' }: AnswerFault, more = {}): void {
		const bytes = Buffer.from(body.replaceAll('{token}', this.token ?? ''));
		this.record.status = status;
		this.response.writeHead(status, {
			'content-type': body.startsWith('<') ? 'text/html' : 'application/json',
			'content-length': String(bytes.length),
			...headers,
			...more,
		});
		this.response.flushHeaders();
		this.response.write(bytes);
	}

	private async breakOff(): Promise<void> {
		await delay(LINGER_MS);
		this.request.socket.destroy();
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
			const left = fault.bytes - this.sentBytes;
			this.sentBytes += bytes.length;
			if (left > 0 && !response.destroyed) response.write(bytes.subarray(0, left));
			if (bytes.length >= left) await this.breakOff();
		} else if (!response.destroyed && !response.write(bytes)) {
			await new Promise<void>((resolve) => response.once('drain', resolve).once('close', resolve));
		}
	}
}

/** The bearer token of a request. */
export function bearerToken({ headers }: IncomingMessage): string | undefined {
	return /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
}

async function* slowly(source: Readable, bytesPerSecond: number): AsyncGenerator<Buffer> {
	const pieceBytes = Math.max(1, Math.ceil(bytesPerSecond / 20));
	for await (const chunk of source as AsyncIterable<Buffer>) {
		for (let start = 0; start < chunk.length; start += pieceBytes) {
			const piece = chunk.subarray(start, start + pieceBytes);
			yield piece;
			await delay((piece.length * 1_000) / bytesPerSecond);
		}
	}
}

function dataLines(data: string, { multiline }: EventFault): string[] {
	const text = multiline ? JSON.stringify(JSON.parse(data), null, 1) : data;
	return text.split('\n').map((line) => `data: ${line}`);
}

/** Headers with names in lower case; of Authorization only the scheme. */
export function maskedHeaders(request: IncomingMessage): Record<string, string> {
	const headers = Object.entries(request.headers).map(([name, value]): [string, string] => {
		const text = Array.isArray(value) ? value.join(', ') : (value ?? '');
		return [name, name === 'authorization' ? text.replace(/ .*/, ' ******') : text];
	});
	return Object.fromEntries(headers);
}
