import { NodeOperationError, type IBinaryData, type IHttpRequestOptions } from 'n8n-workflow';

import { inputTypeField } from '../fields';
import { parametersOf } from '../fieldValues';
import { isObject, type AnswerHead, type ReadableStream } from '../http/answer';
import { isPage } from './format';
import { withTries } from '../http/failure';
import { networkReason } from '../http/network';
import { isPassingReason, isPassingStatus } from '../http/passing';
import { inputError, isToolRun, type Item } from '../item';
import { parseRetryAfter, retrying, type Try } from '../http/retry';
import type { BodyWords } from '../http/service';
import { isSuccess, TOO_MANY_REQUESTS } from '../http/statuses';
import { abortable } from '../time';
import { escapeHtml, mediaType, sentence } from '../text';

/** An opened recording, to be read once. `close` frees it, read or not. */
export interface OpenAudio {
	content: Buffer | ReadableStream;
	/** In bytes; `undefined` where the sender does not say. */
	length?: number;
	fileName?: string;
	mimeType?: string;
	/** Whether it lies in n8n's store or in memory, where it can be opened again at little cost. */
	isStored: boolean;
	/** Why reading broke off, where it did. */
	failure: () => Error | undefined;
	/** Whether it has been read to its end. */
	isRead: () => boolean;
	close: () => void;
}

/** A recording as the body of a request. */
export const AUDIO_BODY: BodyWords = { name: 'audio', purpose: 'transcribed' };

/** Opens a recording anew each time it is called, so that it can be sent again. */
export type AudioSource = (signal: AbortSignal) => Promise<OpenAudio>;

/** The fields `inputType`, `binaryPropertyName` and `audioUrl` of an item as a source of audio. */
export function audioSource(item: Item): AudioSource {
	const { context, itemIndex } = item;
	return parametersOf(item).choice(inputTypeField) === 'url'
		? urlSource(item, String(context.getNodeParameter('audioUrl', itemIndex)))
		: binarySource(item, binaryFieldOf(item));
}

/** The file name of an item's recording, as it came; `undefined` where it has none. */
export function recordingNameOf(item: Item): string | undefined {
	return parametersOf(item).choice(inputTypeField) === 'url'
		? nameInPath(String(item.context.getNodeParameter('audioUrl', item.itemIndex)).trim())
		: storedFile(item, binaryFieldOf(item)).fileName;
}

/** The name of a binary field, or by an expression the binary file itself. */
function binaryFieldOf(item: Item): unknown {
	const value: unknown = item.context.getNodeParameter('binaryPropertyName', item.itemIndex);
	if (typeof value === 'string' || (isObject(value) && 'mimeType' in value)) return value;
	throw inputError(
		item,
		`'Input Binary Field' must be the name of a binary field, but is ${JSON.stringify(value)}`,
		"Set 'Input Binary Field' to the name that the input shows for the file, as a rule 'data'.",
	);
}

/**
 * A file of the item: read in pieces from n8n's binary store, or from memory where n8n keeps it there.
 * @throws NodeOperationError where the item has no such file
 */
export function binarySource(item: Item, property: unknown): AudioSource {
	const { context, itemIndex } = item;
	const binary = storedFile(item, property);
	return async () => {
		const { fileName, mimeType } = binary;
		if (!binary.id) {
			const content = await context.helpers.getBinaryDataBuffer(itemIndex, property as string);
			return audioInMemory(content, fileName, mimeType);
		}
		const { id } = binary;
		const { length, content } = await fromStore(item, binary, async () => ({
			length: await storedLength(item, id),
			content: await context.helpers.getBinaryStream(id),
		}));
		return streamed(content, { length, fileName, mimeType, isStored: true });
	};
}

/**
 * A small file of the item as a whole, or `undefined` where it is larger than `maxBytes`.
 * @throws NodeOperationError where the item has no such file
 */
export async function readSmallBinary(
	item: Item,
	property: unknown,
	maxBytes: number,
): Promise<Buffer | undefined> {
	const { context, itemIndex } = item;
	const binary = storedFile(item, property);
	const { id } = binary;
	return await fromStore(item, binary, async () => {
		if (id && ((await storedLength(item, id)) ?? 0) > maxBytes) return undefined;
		const content = await context.helpers.getBinaryDataBuffer(itemIndex, property as string);
		return content.length > maxBytes ? undefined : content;
	});
}

/** @throws NodeOperationError where n8n does not have the file that the item speaks of */
async function fromStore<T>(
	item: Item,
	{ fileName }: IBinaryData,
	read: () => Promise<T>,
): Promise<T> {
	try {
		return await read();
	} catch (error) {
		const name = fileName === undefined ? '' : ` '${fileName}'`;
		throw inputError(
			item,
			`The input's file${name} is not in n8n's binary store`,
			`n8n says: ${sentence(escapeHtml((error as Error).message))} It deletes files with the executions they belong to. Run the node that supplies it again.`,
		);
	}
}

/** @throws NodeOperationError where the item has no such file */
export function storedFile(item: Item, property: unknown): IBinaryData {
	const { context, itemIndex } = item;
	try {
		return context.helpers.assertBinaryData(itemIndex, property as string);
	} catch (error) {
		if (isToolRun(context)) {
			throw inputError(
				item,
				"An AI agent's tool gets no binary files",
				"Set 'Input Type' to URL and let the agent fill in 'Audio URL'.",
			);
		}
		throw new NodeOperationError(context.getNode(), error as Error, { itemIndex });
	}
}

async function storedLength({ context }: Item, id: string): Promise<number | undefined> {
	const { fileSize } = await context.helpers.getBinaryMetadata(id);
	return Number.isSafeInteger(fileSize) ? fileSize : undefined;
}

const DOWNLOAD_START_SECONDS = 60;

/**
 * A file on the web, read as it arrives: nothing of it is kept. Redirects are followed; the download
 * is started again after 429, 5xx and broken connections as long as nothing of it has been used.
 * @throws NodeOperationError where the address is none, or what it answers is no file
 */
export function urlSource(item: Item, address: string): AudioSource {
	const { context, itemIndex } = item;
	const url = address.trim();
	if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
		throw inputError(
			item,
			"'Audio URL' is not a web address",
			'Set it to an address that begins with https:// or http://.',
		);
	}
	const download = async (signal: AbortSignal): Promise<Try<AnswerHead>> => {
		const options: IHttpRequestOptions = {
			url,
			headers: { 'Accept-Encoding': 'identity' },
			encoding: 'stream',
			returnFullResponse: true,
			ignoreHttpStatusErrors: true,
			timeout: DOWNLOAD_START_SECONDS * 1_000,
			abortSignal: signal,
		};
		try {
			const head = await abortable(
				context.helpers.httpRequest(options) as Promise<AnswerHead>,
				signal,
			);
			const { statusCode: status } = head;
			const type = mediaType(head.headers['content-type']);
			const isFile = isSuccess(status) && !isPage(type);
			if (isFile) return { value: head };
			head.body.on('error', () => undefined).destroy();
			return {
				error: notDownloaded(
					isSuccess(status)
						? `The address answered with ${type}, which is no audio. Check that it opens without a login and serves the file itself.`
						: `The address answered with status ${status}. ${downloadAdvice(status)}`,
				),
				retryable: isPassingStatus(status),
				retryAfterMs: parseRetryAfter(head.headers['retry-after']),
			};
		} catch (error) {
			const reason = networkReason(error);
			const shown = escapeHtml(reason.code ?? (error as Error).message);
			return {
				error: notDownloaded(
					reason.code === undefined
						? `n8n says: ${sentence(shown)} Check the address, and what this n8n may reach.`
						: `The connection ended (${shown}). Check the address, and that this n8n may reach it.`,
				),
				retryable: !signal.aborted && isPassingReason(reason),
			};
		}
	};
	const notDownloaded = (reason: string) =>
		new NodeOperationError(context.getNode(), "The file at 'Audio URL' could not be downloaded", {
			itemIndex,
			description: reason,
		});
	return async (signal) => {
		const outcome = await retrying(() => download(signal), signal);
		if (!('value' in outcome)) throw withTries(outcome.error, outcome.tries);
		const { headers, body } = outcome.value;
		const length = Number(headers['content-length'] ?? NaN);
		return streamed(body, {
			length: Number.isSafeInteger(length) ? length : undefined,
			fileName: dispositionName(headers['content-disposition']) ?? nameInPath(url),
			mimeType: headers['content-type'],
			isStored: false,
		});
	};
}

function downloadAdvice(status: number): string {
	if (status === 401 || status === 403) {
		return 'It wants a login: use an address that is open, or download the file in a step before.';
	}
	if (status === 404 || status === 410) return 'Check the address.';
	if (status === TOO_MANY_REQUESTS)
		return 'Its server is receiving too many requests: wait, or run fewer items at once.';
	return 'Try again later, or check its server.';
}

/** A file that is held in memory, to be sent. */
export function audioInMemory(
	content: Buffer,
	fileName: string | undefined,
	mimeType: string | undefined,
): OpenAudio {
	return {
		content,
		length: content.length,
		fileName,
		mimeType,
		isStored: true,
		failure: () => undefined,
		isRead: () => true,
		close: () => undefined,
	};
}

function streamed(
	content: ReadableStream,
	about: Pick<OpenAudio, 'length' | 'fileName' | 'mimeType' | 'isStored'>,
): OpenAudio {
	let failure: Error | undefined;
	content.on('error', (error: Error) => {
		failure ??= error;
	});
	checkLength(content, about.length);
	return {
		content,
		...about,
		failure: () => failure,
		isRead: () => content.readableEnded,
		close: () => {
			if (!content.destroyed) content.destroy();
		},
	};
}

/**
 * Fails a stream that has more or fewer bytes than its announced length, by which the request would
 * be measured: a download that n8n unpacked, or a file that changed.
 */
function checkLength(content: ReadableStream, length: number | undefined): void {
	if (length === undefined) return;
	let read = 0;
	// Paused first: a listener for data would otherwise start the flow.
	content.pause();
	content.on('data', (piece: Buffer) => {
		read += piece.length;
		if (read > length) content.destroy(wrongLength(length));
	});
	content.once('end', () => {
		if (read < length) content.emit('error', wrongLength(length));
	});
}

function wrongLength(length: number): Error {
	return new Error(`the file does not have the ${length} bytes that were announced for it`);
}

function nameInPath(url: string): string | undefined {
	const segment = new URL(url).pathname.split('/').pop();
	if (!segment) return undefined;
	try {
		return decodeURIComponent(segment);
	} catch {
		return segment;
	}
}

/** `filename*` or `filename` of a Content-Disposition header (RFC 6266). */
function dispositionName(header: string | undefined): string | undefined {
	if (!header) return undefined;
	const extended = /filename\*\s*=\s*(?:utf-8)?'[^']*'([^;]+)/i.exec(header)?.[1];
	if (extended) {
		try {
			return decodeURIComponent(extended.trim());
		} catch {
			return extended.trim();
		}
	}
	return /filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]+))/i
		.exec(header)
		?.slice(1)
		.find(Boolean)
		?.trim();
}
