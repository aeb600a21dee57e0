import {
	NodeApiError,
	NodeOperationError,
	type IAllExecuteFunctions,
	type ICredentialDataDecryptedObject,
	type IHttpRequestOptions,
} from 'n8n-workflow';

import { Answer, type AnswerHead } from './answer';
import { FailureDescription, withTries } from './failure';
import { retrying, type FailedTry, type Try } from './retry';
import { networkReason } from './network';
import { maskFor, type Mask } from './secrets';
import { FailedAnswer, type RequestBody, type Service, type ServiceRequest } from './service';
import { isSuccess } from './statuses';
import type { CallContext, Item } from '../item';
import { abortable } from '../time';

const MS_PER_SECOND = 1_000;

/**
 * Calls a service with its credential; `read` reads an answer of status 2xx, within the same try.
 * Redirects are not followed, since a body sent once could not be sent again.
 *
 * Tried again: a GET, and what is idempotent, after a broken connection, 429 and 5xx; any other POST only
 * where it certainly was not carried out (no connection, 429, 503 with Retry-After).
 *
 * @throws NodeApiError for what the service or the network answered, with the service's own message;
 * NodeOperationError for a base URL that is none or a body that cannot be read; errors of `read`
 */
export async function callService<T>(
	item: Item<CallContext>,
	service: Service,
	request: ServiceRequest,
	read: (answer: Answer) => Promise<T>,
): Promise<T> {
	const connection = await connectionOf(item, service, request.secrets);
	const outcome = await retrying(
		() => tryOnce(item, service, request, connection, read),
		item.signal,
	);
	if ('value' in outcome) return outcome.value;
	throw withTries(outcome.error, outcome.tries);
}

/**
 * Calls a service once, to learn why it refuses what cannot be seen otherwise, such as a WebSocket.
 * @returns what is wrong, or `undefined` for an answer of status 2xx
 */
export async function probe(
	item: Item<CallContext>,
	service: Service,
	request: ServiceRequest,
): Promise<FailedTry | undefined> {
	const connection = await connectionOf(item, service, request.secrets);
	const outcome = await tryOnce(item, service, request, connection, () => Promise.resolve());
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

/**
 * @param secrets what is to be masked besides the credential's own
 * @throws NodeOperationError where the credential's base URL is not a web address
 */
export async function connectionOf(
	{ context, itemIndex }: Pick<Item<CallContext>, 'context' | 'itemIndex'>,
	service: Service,
	secrets?: readonly string[],
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
	return { baseUrl, credential, mask: maskFor(credential, service, secrets) };
}

async function tryOnce<T>(
	item: Item<CallContext>,
	service: Service,
	request: ServiceRequest,
	connection: Connection,
	read: (answer: Answer) => Promise<T>,
): Promise<Try<T>> {
	const deadline = AbortSignal.timeout(timeoutMs(request));
	const signal = AbortSignal.any([item.signal, deadline]);
	const { mask } = connection;
	const describe = new FailureDescription(item, service, request, mask);
	let phase: 'preparing' | 'sending' | 'reading' = 'preparing';
	let body: RequestBody | undefined;
	let answer: Answer | undefined;
	try {
		body = await request.body?.(signal);
		phase = 'sending';
		const sending = send(item.context, service, request, connection, body);
		answer = new Answer(
			await abortable(sending, signal).finally(() => closeIfLate(sending, signal)),
			signal,
			mask,
		);
		phase = 'reading';
		if (!isSuccess(answer.status)) return await describe.answered(answer);
		return { value: await read(answer) };
	} catch (error) {
		item.signal.throwIfAborted();
		if (deadline.aborted) {
			const isRead = phase === 'preparing' ? false : (body?.isRead?.() ?? true);
			return isRead ? describe.timeout() : describe.slowBody();
		}
		const bodyFailure = body?.failure?.();
		if (bodyFailure) return describe.body(bodyFailure);
		if (phase === 'sending') return describe.network(error as Error);
		if (error instanceof FailedAnswer && answer) {
			return describe.answeredWith(error.status, error.text, answer);
		}
		if (error instanceof NodeApiError || error instanceof NodeOperationError) {
			return { error, retryable: false };
		}
		return networkReason(error).code === undefined
			? describe.unreadable(error as Error)
			: describe.network(error as Error);
	} finally {
		answer?.close();
		body?.close?.();
	}
}

function timeoutMs({ timeoutSeconds }: ServiceRequest): number {
	return Math.ceil(timeoutSeconds * MS_PER_SECOND);
}

/** An answer that comes when nobody waits any longer must not keep its connection. */
function closeIfLate(sending: Promise<AnswerHead>, signal: AbortSignal): void {
	if (!signal.aborted) return;
	sending.then(
		({ body }) => body.on('error', () => undefined).destroy(),
		() => undefined,
	);
}

async function send(
	context: CallContext,
	service: Service,
	request: ServiceRequest,
	connection: Connection,
	body: RequestBody | undefined,
): Promise<AnswerHead> {
	const type = service.credentialType;
	const options: IHttpRequestOptions = {
		method: request.method,
		url: addressOf(connection, request),
		headers: { ...request.headers, ...body?.headers },
		body: body?.content,
		encoding: 'stream',
		returnFullResponse: true,
		ignoreHttpStatusErrors: true,
		disableFollowRedirect: true,
		timeout: timeoutMs(request),
	};
	// Without the credential n8n reads it once more, and then as the first item has it.
	const { id, name } = context.getNode().credentials?.[type] ?? { id: null, name: '' };
	const credentialsDecrypted = { id: id ?? '', name, type, data: connection.credential };
	return (await context.helpers.httpRequestWithAuthentication.call(
		context as unknown as IAllExecuteFunctions,
		type,
		options,
		{ credentialsDecrypted },
	)) as AnswerHead;
}
