import type { BinaryHelperFunctions, IDataObject } from 'n8n-workflow';

import type { Mask } from './secrets';
import { abortable } from './time';

export type ReadableStream = Awaited<ReturnType<BinaryHelperFunctions['getBinaryStream']>>;

/** More text than any transcript has; a service that sends more is not answering the question. */
const LONGEST_TEXT_BYTES = 256 * 1024 * 1024;
const LONGEST_ERROR_BYTES = 64 * 1024;
const LONGEST_MESSAGE = 1_000;

/** The head of an HTTP answer whose body is still to be read. */
export interface AnswerHead {
	statusCode: number;
	headers: Record<string, string | undefined>;
	body: ReadableStream;
}

/**
 * An answer of a service, read as it arrives. Every read ends when the signal given at creation is
 * aborted, and rejects with its reason; secrets of the credential are masked in all text.
 */
export class Answer {
	constructor(
		private readonly head: AnswerHead,
		private readonly signal: AbortSignal,
		readonly mask: Mask,
	) {
		// An answer that is dropped unread must not bring the process down.
		this.head.body.on('error', () => undefined);
	}

	get status(): number {
		return this.head.statusCode;
	}

	header(name: string): string | undefined {
		return this.head.headers[name.toLowerCase()];
	}

	/** The media type in lower case, without its parameters. */
	get contentType(): string {
		return (this.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
	}

	/** The body in pieces, as they come. */
	async *chunks(): AsyncGenerator<Buffer, void, undefined> {
		const pieces = this.head.body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
		try {
			for (;;) {
				const piece = await abortable(pieces.next(), this.signal);
				if (piece.done) return;
				yield piece.value;
			}
		} finally {
			this.close();
		}
	}

	/** The whole body as text. */
	async text(): Promise<string> {
		const { bytes, whole } = await this.read(LONGEST_TEXT_BYTES);
		if (!whole) throw new Error('The answer is longer than 256 MiB');
		return this.mask(bytes.toString('utf8'));
	}

	/** The beginning of an error's body: whatever of it can be had. */
	async errorText(): Promise<string> {
		try {
			const { bytes } = await this.read(LONGEST_ERROR_BYTES);
			return this.mask(bytes.toString('utf8'));
		} catch {
			return '';
		}
	}

	/** Ends the connection where the body has not been read to its end. */
	close(): void {
		if (!this.head.body.destroyed) this.head.body.destroy();
	}

	private async read(limit: number): Promise<{ bytes: Buffer; whole: boolean }> {
		const pieces: Buffer[] = [];
		let size = 0;
		for await (const piece of this.chunks()) {
			pieces.push(piece);
			size += piece.length;
			if (size > limit) return { bytes: Buffer.concat(pieces).subarray(0, limit), whole: false };
		}
		return { bytes: Buffer.concat(pieces), whole: true };
	}
}

/** The text as JSON, or `undefined` where it is none. */
export function parseJson(text: string): unknown {
	try {
		return JSON.parse(text) as unknown;
	} catch {
		return undefined;
	}
}

export function isObject(value: unknown): value is IDataObject {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The service's own words in an answer that reports a failure: `error.message`, `error`, `message`,
 * `detail`, `msg` or the messages of `errors[]`; a web page's title; otherwise the text itself.
 */
export function messageIn(text: string): string | undefined {
	const json = parseJson(text);
	const message =
		json === undefined
			? text.trimStart().startsWith('<')
				? /<title[^>]*>([^<]*)/i.exec(text)?.[1]?.trim()
				: text.trim()
			: messageOf(json);
	return message ? message.slice(0, LONGEST_MESSAGE) : undefined;
}

function messageOf(json: unknown): string | undefined {
	if (typeof json === 'string') return json;
	if (Array.isArray(json)) return json.map(messageOf).filter(Boolean).join('; ') || undefined;
	if (!isObject(json)) return undefined;
	for (const key of ['error', 'message', 'detail', 'msg', 'errors', 'error_description']) {
		const message = messageOf(json[key]);
		if (message) return message;
	}
	return undefined;
}
