import type { BinaryHelperFunctions, IDataObject } from 'n8n-workflow';

import { maskedJson, type Mask } from './secrets';
import { mediaType } from '../text';
import { abortable } from '../time';

export type ReadableStream = Awaited<ReturnType<BinaryHelperFunctions['getBinaryStream']>>;

/** More than any answer worth keeping has; a service that sends more is not answering the question. */
const LONGEST_TEXT_BYTES = 64 * 1024 * 1024;
const LONGEST_ERROR_BYTES = 64 * 1024;
const ERROR_TEXT_MS = 10_000;
const LONGEST_MESSAGE = 1_000;

/** The head of an HTTP answer whose body is still to be read. */
export interface AnswerHead {
	statusCode: number;
	headers: Record<string, string | undefined>;
	body: ReadableStream;
}

/**
 * An answer of a service, read as it arrives. Every read ends when the signal given at creation is
 * aborted, and rejects with its reason; secrets are masked in all that is to be shown.
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
		const value = this.head.headers[name.toLowerCase()];
		return value === undefined ? undefined : this.mask(value);
	}

	/** The media type in lower case, without its parameters. */
	get contentType(): string {
		return mediaType(this.header('content-type'));
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

	/**
	 * The whole body, as text and, where it is JSON, as its value. In the value secrets are masked in texts
	 * only, since one that is a common word would otherwise break names of fields.
	 */
	async content(): Promise<{ text: string; json: unknown }> {
		const pieces: Buffer[] = [];
		const isWhole = await this.readInto(pieces, LONGEST_TEXT_BYTES);
		if (!isWhole) throw new Error('It is longer than 64 MiB');
		const text = Buffer.concat(pieces).toString('utf8');
		return { text: this.mask(text), json: maskedJson(parseJson(text), this.mask) };
	}

	/** The beginning of an error's body as it came, secrets included: whatever can be had within ten seconds. */
	async errorText(): Promise<string> {
		const pieces: Buffer[] = [];
		const signal = AbortSignal.any([this.signal, AbortSignal.timeout(ERROR_TEXT_MS)]);
		try {
			await abortable(this.readInto(pieces, LONGEST_ERROR_BYTES), signal);
		} catch {
			this.close();
		}
		return Buffer.concat(pieces).toString('utf8', 0, LONGEST_ERROR_BYTES);
	}

	/** Ends the connection where the body has not been read to its end. */
	close(): void {
		if (!this.head.body.destroyed) this.head.body.destroy();
	}

	/** Reads at least `limit` bytes where there are so many; whether that was all. */
	private async readInto(pieces: Buffer[], limit: number): Promise<boolean> {
		let size = 0;
		for await (const piece of this.chunks()) {
			pieces.push(piece);
			size += piece.length;
			if (size > limit) return false;
		}
		return true;
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
 * `detail`, `msg` or the messages of `errors[]`, else its `code`; a web page's title; otherwise the text itself.
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
	const said = MESSAGE_KEYS.map((key) => messageOf(json[key])).filter(Boolean);
	const isShortWithDetail = typeof json.error === 'string' && said.length >= NAME_AND_REASON;
	return (
		(isShortWithDetail ? [...new Set(said)].slice(0, NAME_AND_REASON).join(': ') : said[0]) ??
		codeOf(json)
	);
}

/** `error` may be but the name of the status, with the reason beside it. */
const NAME_AND_REASON = 2;
const MESSAGE_KEYS = ['error', 'message', 'detail', 'msg', 'errors', 'error_description'];

function codeOf({ code }: IDataObject): string | undefined {
	return typeof code === 'string' && code !== '' ? code : undefined;
}
