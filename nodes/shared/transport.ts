import {
	NodeApiError,
	NodeOperationError,
	type IAllExecuteFunctions,
	type ICredentialDataDecryptedObject,
	type IExecuteFunctions,
	type IHttpRequestMethods,
	type IHttpRequestOptions,
	type IWebhookFunctions,
} from 'n8n-workflow';

import { Answer, messageIn, parseJson, type AnswerHead } from './answer';
import { parseRetryAfter, retrying, type FailedTry, type Try } from './retry';
import { maskFor, type Mask } from './secrets';
import { abortable } from './time';

type Failure = NodeApiError['failure'];

/** The contexts in which a service can be called. */
export type CallContext = IExecuteFunctions | IWebhookFunctions;

/** A service as the transport sees it. */
export interface Service {
	displayName: string;
	credentialType: string;
	/** Fields of the credential whose values must never be shown. */
	secretFields: readonly string[];
	/** The service's own words in an answer that reports a failure; without it, those usual in JSON. */
	messageIn?: (text: string) => string | undefined;
	/** How the user can go on after a status, where the service has a particular reason for it. */
	advice?: (status: number, text: string) => string | undefined;
	/** Whether a failure that looks temporary is known to last, such as a used-up quota. */
	isLasting?: (status: number, text: string) => boolean;
}

/**
 * Thrown while an answer of status 2xx is read which says that the request was refused after all:
 * treated as if it had come with the status given here.
 */
export class RefusedAnswer extends Error {
	constructor(
		readonly status: number,
		readonly text: string,
	) {
		super(`Refused with ${status}`);
	}
}

/** A body that is sent once; `close` frees what was not sent. */
export interface RequestBody {
	content: IHttpRequestOptions['body'];
	headers: Record<string, string>;
	/** Why the body could not be read to its end, where that is what ended the request. */
	failure?: () => Error | undefined;
	close?: () => void;
}

export interface ServiceRequest {
	method: Extract<IHttpRequestMethods, 'GET' | 'POST'>;
	/** Below the credential's base URL, already percent-encoded. */
	path: string;
	query?: URLSearchParams;
	headers?: Record<string, string>;
	/** Called for every try, so that a body that was sent can be sent again. */
	body?: (signal: AbortSignal) => Promise<RequestBody>;
	/** For one try, from its start until the last byte of the answer. */
	timeoutSeconds: number;
	itemIndex: number;
	/** Ends the call; the execution's own cancel signal ends it as well. */
	signal: AbortSignal;
}

/**
 * Calls a service with its credential; `read` reads an answer of status 2xx, within the same try.
 * Redirects are not followed, since a body sent once could not be sent again.
 *
 * Tried again: a GET after a broken connection, 429 and 5xx; a POST only where it certainly was not
 * carried out (no connection, 429, 503 with Retry-After).
 *
 * @throws NodeApiError for what the service or the network answered, with the service's own message;
 * NodeOperationError for a base URL that is none or a body that cannot be read; errors of `read`
 */
export async function callService<T>(
	context: CallContext,
	service: Service,
	request: ServiceRequest,
	read: (answer: Answer) => Promise<T>,
): Promise<T> {
	const connection = await connectionOf(context, service, request.itemIndex);
	const target = { url: addressOf(connection, request), mask: connection.mask };
	const outcome = await retrying(
		() => tryOnce(context, service, request, target, read),
		request.signal,
	);
	if ('value' in outcome) return outcome.value;
	throw withTries(outcome.error, outcome.tries);
}

/**
 * Calls a service once, to learn why it refuses what cannot be seen otherwise, such as a WebSocket.
 * @returns what is wrong and whether it may pass, or `undefined` for an answer of status 2xx
 */
export async function refusalBy(
	context: CallContext,
	service: Service,
	request: ServiceRequest,
): Promise<FailedTry | undefined> {
	const connection = await connectionOf(context, service, request.itemIndex);
	const target = { url: addressOf(connection, request), mask: connection.mask };
	const outcome = await tryOnce(context, service, request, target, () => Promise.resolve());
	return 'error' in outcome ? outcome : undefined;
}

/** The whole address of a request, its query included. */
export function addressOf(
	{ baseUrl }: Pick<Connection, 'baseUrl'>,
	{ path, query }: Pick<ServiceRequest, 'path' | 'query'>,
): string {
	const text = query?.toString();
	return `${baseUrl}${path}${text ? `?${text}` : ''}`;
}

/** How a service is reached with the credential of an item. */
export interface Connection {
	/** Without a slash at its end. */
	baseUrl: string;
	credential: ICredentialDataDecryptedObject;
	mask: Mask;
}

/** @throws NodeOperationError where the credential's base URL is not a web address */
export async function connectionOf(
	context: CallContext,
	service: Service,
	itemIndex: number,
): Promise<Connection> {
	const credential = await context.getCredentials<ICredentialDataDecryptedObject>(
		service.credentialType,
		itemIndex,
	);
	const baseUrl = String(credential.baseUrl ?? '')
		.trim()
		.replace(/\/+$/, '');
	if (!/^https?:\/\/[^/]/i.test(baseUrl) || !URL.canParse(baseUrl)) {
		throw new NodeOperationError(
			context.getNode(),
			`'Base URL' of the ${service.displayName} credential is not a web address`,
			{ itemIndex, description: 'Open the credential and set it to an address with https://.' },
		);
	}
	return { baseUrl, credential, mask: maskFor(credential, service.secretFields) };
}

async function tryOnce<T>(
	context: CallContext,
	service: Service,
	request: ServiceRequest,
	{ url, mask }: { url: string; mask: Mask },
	read: (answer: Answer) => Promise<T>,
): Promise<Try<T>> {
	const deadline = AbortSignal.timeout(request.timeoutSeconds * 1_000);
	const signal = AbortSignal.any([request.signal, deadline]);
	const describe = new FailureDescription(context, service, request, mask);
	let body: RequestBody | undefined;
	let answer: Answer | undefined;
	let isSending = false;
	try {
		body = await request.body?.(signal);
		isSending = true;
		answer = new Answer(
			await abortable(send(context, service, request, url, body), signal),
			signal,
			mask,
		);
		isSending = false;
		if (answer.status < 200 || answer.status >= 300) return await describe.status(answer);
		return { value: await read(answer) };
	} catch (error) {
		request.signal.throwIfAborted();
		const bodyFailure = deadline.aborted ? undefined : body?.failure?.();
		if (bodyFailure) return describe.body(bodyFailure);
		const isDescribed = error instanceof NodeApiError || error instanceof NodeOperationError;
		if (isDescribed && !isSending) return { error, retryable: false };
		if (error instanceof RefusedAnswer && answer) {
			return describe.refusal(error.status, error.text, answer);
		}
		return deadline.aborted ? describe.timeout() : describe.network(error as Error);
	} finally {
		answer?.close();
		body?.close?.();
	}
}

async function send(
	context: CallContext,
	service: Service,
	request: ServiceRequest,
	url: string,
	body: RequestBody | undefined,
): Promise<AnswerHead> {
	const options: IHttpRequestOptions = {
		method: request.method,
		url,
		headers: { ...request.headers, ...body?.headers },
		body: body?.content,
		encoding: 'stream',
		returnFullResponse: true,
		ignoreHttpStatusErrors: true,
		disableFollowRedirect: true,
		timeout: request.timeoutSeconds * 1_000,
	};
	return (await context.helpers.httpRequestWithAuthentication.call(
		context as unknown as IAllExecuteFunctions,
		service.credentialType,
		options,
	)) as AnswerHead;
}

/** Turns what went wrong with one try into the error the user sees and the question of a retry. */
class FailureDescription {
	constructor(
		private readonly context: CallContext,
		private readonly service: Service,
		private readonly request: ServiceRequest,
		private readonly mask: Mask,
	) {}

	async status(answer: Answer): Promise<FailedTry> {
		return this.refusal(answer.status, await answer.errorText(), answer);
	}

	refusal(status: number, text: string, answer: Answer): FailedTry {
		const retryAfterMs = parseRetryAfter(answer.header('retry-after'));
		const isLasting = this.service.isLasting?.(status, text) ?? false;
		const said = (this.service.messageIn ?? messageIn)(text);
		const description = [
			said && `${this.service.displayName} says: ${sentence(escapeHtml(said))}`,
			this.service.advice?.(status, text) ?? generalAdvice(status, answer.header('location')),
		]
			.filter(Boolean)
			.join(' ');
		const error = this.error(
			`${this.service.displayName} ${verdict(status, isLasting)}`,
			description,
			{
				httpCode: String(status),
				failure: failureOf(status, retryAfterMs, isLasting),
			},
		);
		error.context.data = parseJson(text) ?? text;
		const isTemporary =
			status === 429 ||
			(this.request.method === 'GET'
				? status >= 500
				: status === 503 && retryAfterMs !== undefined);
		return { error, retryable: isTemporary && !isLasting, retryAfterMs };
	}

	timeout(): FailedTry {
		const { displayName } = this.service;
		const error = this.error(
			`${displayName} did not answer within ${this.request.timeoutSeconds} seconds`,
			`${this.unknownOutcome()}Raise 'Timeout' in the node's options if the work takes longer.`,
			{ failure: { cause: 'temporarily-unavailable' } },
		);
		return { error, retryable: false };
	}

	network(cause: Error): FailedTry {
		const { displayName } = this.service;
		const { code, syscall } = networkReason(cause);
		const reason = escapeHtml(this.mask(code ?? cause.message));
		if (syscall === 'connect' || syscall === 'getaddrinfo' || NOT_CONNECTED.has(code ?? '')) {
			const error = this.error(
				`${displayName} could not be reached`,
				`No connection was made (${reason}). Check 'Base URL' in the credential, and that this n8n may reach that address.`,
				{ failure: { cause: 'temporarily-unavailable' } },
			);
			return { error, retryable: true };
		}
		const error = this.error(
			`The request to ${displayName} was broken off before its answer came`,
			`The connection ended (${reason}). ${this.unknownOutcome()}`.trim(),
			{ failure: { cause: 'temporarily-unavailable' } },
		);
		return { error, retryable: this.request.method === 'GET' && code !== undefined };
	}

	body(cause: Error): FailedTry {
		const error =
			cause instanceof NodeOperationError
				? cause
				: new NodeOperationError(
						this.context.getNode(),
						'The audio could not be read to its end, so it was not transcribed',
						{
							itemIndex: this.request.itemIndex,
							description: `Reading it ended with: ${escapeHtml(this.mask(cause.message))}.`,
						},
					);
		return { error, retryable: false };
	}

	private unknownOutcome(): string {
		return this.request.method === 'GET'
			? ''
			: 'Whether the request was carried out is not known, so it was not sent again. ';
	}

	private error(
		message: string,
		description: string,
		more: { httpCode?: string; failure?: Failure },
	): NodeApiError {
		return new NodeApiError(
			this.context.getNode(),
			{ message },
			{ message, description, itemIndex: this.request.itemIndex, ...more },
		);
	}
}

const NOT_CONNECTED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ENETUNREACH']);

/** The code and system call of a network error, wherever in the chain of causes n8n has put it. */
export function networkReason(error: unknown): { code?: string; syscall?: string } {
	const reason: { code?: string; syscall?: string } = {};
	for (let cause = error, depth = 0; cause instanceof Error && depth < 6; depth++) {
		const { code, syscall } = cause as Error & { code?: unknown; syscall?: unknown };
		if (typeof code === 'string') reason.code ??= code;
		if (typeof syscall === 'string') reason.syscall ??= syscall;
		cause = cause.cause;
	}
	return reason;
}

function verdict(status: number, isLasting: boolean): string {
	if (status === 401) return 'refused the key (401)';
	if (status === 403) return 'refused access (403)';
	if (status === 404) return 'does not know what was asked for (404)';
	if (status === 413) return 'finds the file too large (413)';
	if (status === 429 && isLasting) return 'says that the quota is used up (429)';
	if (status === 429) return 'is receiving too many requests (429)';
	if (status >= 300 && status < 400) return `answered with a redirect (${status})`;
	if (status >= 500) return `could not process the request (${status})`;
	return `refused the request (${status})`;
}

function generalAdvice(status: number, location: string | undefined): string {
	if (status === 401) return 'Check the key in the credential.';
	if (status === 403) return 'Check what the key of the credential is allowed to do.';
	if (status === 404) return "Check 'Base URL' in the credential and the names in the parameters.";
	if (status === 413) return 'Send a smaller file: shorten, split or compress the audio.';
	if (status === 429) return 'Wait, or run fewer items at once.';
	if (status >= 300 && status < 400) {
		const target = location ? ` to ${escapeHtml(location)}` : '';
		return `It points${target}. Set 'Base URL' in the credential to the final address.`;
	}
	if (status >= 500) return 'Try again later.';
	return 'Check the parameters.';
}

function failureOf(status: number, retryAfterMs: number | undefined, isLasting: boolean): Failure {
	if (status === 429 && isLasting) return { cause: 'quota-exhausted' };
	if (status === 429) return { cause: 'rate-limited', retryAfterMs };
	if (status >= 500) return { cause: 'temporarily-unavailable', retryAfterMs };
	if (status === 401) return { cause: 'credential-invalid' };
	if (status === 403 || status === 404) return { cause: 'configuration-invalid' };
	return undefined;
}

function withTries(error: Error, tries: number): Error {
	if (tries > 1 && (error instanceof NodeApiError || error instanceof NodeOperationError)) {
		error.description = `${error.description ?? ''} Tried ${tries} times.`.trim();
	}
	return error;
}

/** The text with a full stop, where it has no end yet. */
export function sentence(text: string): string {
	return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** n8n shows descriptions as HTML; what a service answers must stay text. */
export function escapeHtml(text: string): string {
	return text.replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
