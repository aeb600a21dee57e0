import { Readable } from 'node:stream';

import { NodeOperationError, type IExecuteFunctions, type INode } from 'n8n-workflow';

import { AUDIO_BODY } from '../../../../../nodes/shared/audio/source.ts';
import { Answer } from '../../../../../nodes/shared/http/answer.ts';
import { FailureDescription, withTries } from '../../../../../nodes/shared/http/failure.ts';
import { networkReason } from '../../../../../nodes/shared/http/network.ts';
import {
	isPassing,
	isPassingReason,
	isPassingStatus,
} from '../../../../../nodes/shared/http/passing.ts';
import type { FailedTry } from '../../../../../nodes/shared/http/retry.ts';
import { maskFor } from '../../../../../nodes/shared/http/secrets.ts';
import type {
	BodyWords,
	Service,
	ServiceRequest,
} from '../../../../../nodes/shared/http/service.ts';

const SERVICE: Service = { displayName: 'Acme', credentialType: 'acmeApi', secretFields: ['key'] };
const signal = new AbortController().signal;
const mask = maskFor({ key: 'top-secret' }, SERVICE);
const context = { getNode: () => ({ name: 'Acme' }) as INode } as IExecuteFunctions;

const UNKNOWN =
	'Whether the request was carried out, and is billed, is not known. Look into your account with Acme before you run the item again.';

/** The three kinds of request that differ in what may be sent again. */
const GET = { method: 'GET' } as const;
const IDEMPOTENT = { method: 'POST', isIdempotent: true } as const;
const PAID = { method: 'POST' } as const;

type Kind = Pick<ServiceRequest, 'method' | 'isIdempotent'>;

const failureOf = (kind: Kind, service = SERVICE, bodyWords?: BodyWords) =>
	new FailureDescription(
		{ context, itemIndex: 3, signal },
		service,
		{ path: '/jobs', timeoutSeconds: 7, bodyWords, ...kind },
		mask,
	);

interface Answered {
	headers?: Record<string, string>;
	text?: string;
	service?: Partial<Service>;
}

const answeredTo = async (
	kind: Kind,
	status: number,
	{ headers = {}, text = '', service }: Answered = {},
) =>
	await failureOf(kind, { ...SERVICE, ...service }).answered(
		new Answer(
			{ statusCode: status, headers, body: Readable.from([Buffer.from(text)]) },
			signal,
			mask,
		),
	);

/** What n8n is told of an error, by which it decides on a wait or a call for help. */
const toldOf = ({ error }: FailedTry) => {
	const { message, description, failure, httpCode, context: about } = error as NodeApiErrorParts;
	return { message, description, failure, httpCode, itemIndex: about.itemIndex };
};
type NodeApiErrorParts = Error & {
	description?: string;
	failure?: object;
	httpCode?: string | null;
	context: { itemIndex?: number; data?: unknown };
};

const retryableOf = (describe: (kind: Kind) => FailedTry) => ({
	get: describe(GET).retryable,
	idempotent: describe(IDEMPOTENT).retryable,
	paid: describe(PAID).retryable,
});

const networkError = (about: object) =>
	new Error('outer', { cause: Object.assign(new Error('inner'), about) });

const ALWAYS = { get: true, idempotent: true, paid: true };
const BUT_PAID = { get: true, idempotent: true, paid: false };
const NEVER = { get: false, idempotent: false, paid: false };

const TEMPORARY = { cause: 'temporarily-unavailable' };
const CONFIGURATION = { cause: 'configuration-invalid' };

describe('an answer with a failing status', () => {
	it.each([
		[300, 'answered with a redirect', /^It points\. Set 'Base URL'/, undefined],
		[301, 'answered with a redirect', /^It points\. Set 'Base URL'/, undefined],
		[308, 'answered with a redirect', /^It points\. Set 'Base URL'/, undefined],
		[400, 'refused the request', 'Check the parameters.', undefined],
		[401, 'refused the key', 'Check the key in the credential.', { cause: 'credential-invalid' }],
		[402, 'refused the request', 'Check the parameters.', undefined],
		[
			403,
			'refused access',
			'Check what the key of the credential is allowed to do.',
			CONFIGURATION,
		],
		[
			404,
			'does not know what was asked for',
			"Check 'Base URL' in the credential and the names in the parameters.",
			CONFIGURATION,
		],
		[405, 'refused the request', 'Check the parameters.', undefined],
		[408, 'refused the request', 'Check the parameters.', undefined],
		[409, 'refused the request', 'Check the parameters.', undefined],
		[413, 'finds the file too large', /^Send a smaller file/, undefined],
		[415, 'refused the request', 'Check the parameters.', undefined],
		[422, 'refused the request', 'Check the parameters.', undefined],
		[
			429,
			'is receiving too many requests',
			'Wait, or run fewer items at once.',
			{ cause: 'rate-limited' },
		],
		[500, 'could not process the request', 'Try again later.', TEMPORARY],
		[502, 'could not process the request', 'Try again later.', TEMPORARY],
		[503, 'could not process the request', 'Try again later.', TEMPORARY],
		[504, 'could not process the request', 'Try again later.', TEMPORARY],
		[529, 'could not process the request', 'Try again later.', TEMPORARY],
		[599, 'could not process the request', 'Try again later.', TEMPORARY],
	])('%i: %s', async (status, verdict, description, failure) => {
		for (const kind of [GET, IDEMPOTENT, PAID]) {
			const told = toldOf(await answeredTo(kind, status));
			const isUnknown = kind === PAID && status >= 500;
			expect(told).toEqual({
				message: `Acme ${verdict} (${status})`,
				description: isUnknown
					? UNKNOWN
					: typeof description === 'string'
						? description
						: (expect.stringMatching(description) as string),
				failure,
				httpCode: String(status),
				itemIndex: 3,
			});
		}
	});

	it('names where to look for a paid POST of unknown outcome, and what n8n does by itself', async () => {
		const service = { whereToLook: 'Look at your jobs' };
		expect(toldOf(await answeredTo(PAID, 502, { service })).description).toBe(
			'Whether the request was carried out, and is billed, is not known. Look at your jobs before you run the item again.',
		);
		const retrying = { getNode: () => ({ name: 'Acme', retryOnFail: true }) as INode };
		const described = new FailureDescription(
			{ context: retrying as IExecuteFunctions, itemIndex: 3, signal },
			SERVICE,
			{ path: '/jobs', timeoutSeconds: 7, ...PAID },
			mask,
		);
		expect(toldOf(described.timeout()).description).toContain(
			"As 'Retry On Fail' is set, n8n itself runs it again.",
		);
	});

	it('knows the outcome where the service turned a paid POST away', async () => {
		const headers = { 'retry-after': '100' };
		expect(toldOf(await answeredTo(PAID, 503, { headers })).description).toContain(
			'Try again later.',
		);
	});

	// A paid POST may be repeated only where the status itself says that nothing was carried out.
	it.each([
		[301, undefined, false, false],
		[400, undefined, false, false],
		[401, undefined, false, false],
		[402, undefined, false, false],
		[403, undefined, false, false],
		[404, undefined, false, false],
		[408, undefined, false, false],
		[409, undefined, false, false],
		[413, undefined, false, false],
		[422, undefined, false, false],
		[422, '1', false, false],
		[429, undefined, true, true],
		[429, '2', true, true],
		[500, undefined, true, false],
		[500, '2', true, false],
		[502, undefined, true, false],
		[503, undefined, true, false],
		[503, '2', true, true],
		[503, '0', true, true],
		[504, '2', true, false],
		[529, '2', true, false],
	])(
		'%i with Retry-After %s: tried again %s, a paid POST %s',
		async (status, after, repeated, paid) => {
			const headers: Record<string, string> = after === undefined ? {} : { 'retry-after': after };
			const retryAfterMs = after === undefined ? undefined : Number(after) * 1_000;
			for (const [kind, retryable] of [
				[GET, repeated],
				[IDEMPOTENT, repeated],
				[PAID, paid],
			] as const) {
				expect(await answeredTo(kind, status, { headers })).toMatchObject({
					retryable,
					retryAfterMs,
				});
			}
		},
	);

	it('tells n8n how long the service asks to wait, and the user where it is long', async () => {
		const failed = await answeredTo(PAID, 429, { headers: { 'retry-after': '3600' } });
		expect(toldOf(failed)).toMatchObject({
			failure: { cause: 'rate-limited', retryAfterMs: 3_600_000 },
			description: 'It asks to wait 60 minutes. Wait, or run fewer items at once.',
		});
		const short = await answeredTo(GET, 503, { headers: { 'retry-after': '60' } });
		expect(toldOf(short)).toMatchObject({
			failure: { cause: 'temporarily-unavailable', retryAfterMs: 60_000 },
			description: 'Try again later.',
		});
	});

	it('points to where a redirect leads, without secrets and markup', async () => {
		const headers = { location: 'https://x.example/?key=top-secret&<b>' };
		expect(toldOf(await answeredTo(GET, 302, { headers })).description).toBe(
			"It points to https://x.example/?key=******&&lt;b&gt;. Set 'Base URL' in the credential to the final address.",
		);
	});

	it("has the service's own words as text, and keeps what it answered", async () => {
		const text = '{"error":{"message":"No <model> for top-secret"}}';
		const failed = await answeredTo(PAID, 400, { text });
		expect(toldOf(failed).description).toBe(
			'Acme says: No &lt;model&gt; for ******. Check the parameters.',
		);
		expect((failed.error as NodeApiErrorParts).context.data).toEqual({
			error: { message: 'No <model> for ******' },
		});
	});

	it('prefers what the service knows of its own statuses', async () => {
		const service: Partial<Service> = {
			messageIn: (text) => text.toUpperCase(),
			advice: (status) => (status === 429 ? 'Buy more.' : undefined),
			statusIn: (status, text) => (text === 'full' ? 429 : status),
		};
		const busy = await answeredTo(PAID, 400, { text: 'full', service });
		expect(busy.retryable).toBe(true);
		expect(toldOf(busy)).toMatchObject({
			message: 'Acme is receiving too many requests (429)',
			description: 'Acme says: FULL. Buy more.',
			httpCode: '429',
			failure: { cause: 'rate-limited' },
		});
		// No advice of its own: the general one.
		expect(toldOf(await answeredTo(PAID, 400, { text: 'odd', service })).description).toBe(
			'Acme says: ODD. Check the parameters.',
		);
	});

	it('does not try again what the service knows to last', async () => {
		const service: Partial<Service> = { isLasting: () => true };
		const used = await answeredTo(GET, 429, { service });
		expect(used.retryable).toBe(false);
		expect(toldOf(used)).toMatchObject({
			message: 'Acme says that the quota is used up (429)',
			failure: { cause: 'quota-exhausted' },
		});
		expect((await answeredTo(GET, 500, { service })).retryable).toBe(false);
	});
});

describe('a request without an answer', () => {
	it.each([
		['ECONNREFUSED', undefined],
		['ENOTFOUND', undefined],
		['EAI_AGAIN', undefined],
		['ENETUNREACH', undefined],
		['EHOSTUNREACH', undefined],
		['ETIMEDOUT', 'connect'],
		['ECONNRESET', 'connect'],
		['ESERVFAIL', 'getaddrinfo'],
	])('%s (%s): no connection, so nothing was carried out', (code, syscall) => {
		const cause = networkError({ code, syscall });
		expect(toldOf(failureOf(PAID).network(cause))).toEqual({
			message: 'Acme could not be reached',
			description: `No connection was made (${code}). Check 'Base URL' in the credential, and that this n8n may reach that address.`,
			failure: TEMPORARY,
			httpCode: null,
			itemIndex: 3,
		});
		expect(retryableOf((kind) => failureOf(kind).network(cause))).toEqual(ALWAYS);
	});

	it.each([
		['ECONNRESET', 'read'],
		['ECONNRESET', undefined],
		['EPIPE', 'write'],
		['ETIMEDOUT', 'read'],
		['ECONNABORTED', undefined],
		['ERR_STREAM_PREMATURE_CLOSE', undefined],
		['UND_ERR_SOCKET', undefined],
	])('%s (%s): broken off, and a paid POST may have been carried out', (code, syscall) => {
		const cause = networkError({ code, syscall });
		const message = 'The request to Acme was broken off before its answer came';
		expect(toldOf(failureOf(GET).network(cause))).toEqual({
			message,
			description: `The connection ended (${code}).`,
			failure: TEMPORARY,
			httpCode: null,
			itemIndex: 3,
		});
		expect(toldOf(failureOf(PAID).network(cause))).toMatchObject({
			message,
			description: `The connection ended (${code}). ${UNKNOWN}`,
			failure: TEMPORARY,
		});
		expect(retryableOf((kind) => failureOf(kind).network(cause))).toEqual(BUT_PAID);
	});

	// n8n keeps the temporary causes for what comes back on its own; a certificate does not.
	it.each([
		'CERT_HAS_EXPIRED',
		'CERT_NOT_YET_VALID',
		'DEPTH_ZERO_SELF_SIGNED_CERT',
		'SELF_SIGNED_CERT_IN_CHAIN',
		'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
		'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
		'ERR_TLS_CERT_ALTNAME_INVALID',
		'ERR_SSL_WRONG_VERSION_NUMBER',
		'EPROTO',
	])('%s: somebody has to act before it can succeed', (code) => {
		const cause = networkError({ code });
		expect(toldOf(failureOf(PAID).network(cause))).toEqual({
			message: 'No secure connection to Acme could be made',
			description: `Its certificate or encryption was not accepted (${code}). Check 'Base URL' in the credential, and any proxy in between.`,
			failure: CONFIGURATION,
			httpCode: null,
			itemIndex: 3,
		});
		expect(retryableOf((kind) => failureOf(kind).network(cause))).toEqual(NEVER);
	});

	it('that n8n did not let out has no cause, since only n8n knows it', () => {
		const cause = Object.assign(new Error('Blocked <b>'), { description: 'Not for top-secret' });
		expect(toldOf(failureOf(GET).network(cause))).toEqual({
			message: 'n8n did not send the request to Acme',
			description: 'n8n says: Blocked &lt;b&gt;. Not for ******.',
			failure: undefined,
			httpCode: null,
			itemIndex: 3,
		});
		expect(retryableOf((kind) => failureOf(kind).network(cause))).toEqual(NEVER);
	});

	it('in time is not tried again: the next try would take as long', () => {
		expect(toldOf(failureOf(GET).timeout())).toMatchObject({
			message: 'Acme did not answer within 7 s',
			description: "Raise 'Timeout' in the node's options if the work takes longer.",
			failure: TEMPORARY,
		});
		expect(toldOf(failureOf(PAID).timeout())).toMatchObject({
			description: `${UNKNOWN} Raise 'Timeout' in the node's options if the work takes longer.`,
			failure: TEMPORARY,
		});
		const patient = failureOf(GET, { ...SERVICE, timeoutAdvice: 'Ask Acme.' });
		expect(toldOf(patient.timeout()).description).toBe('Ask Acme.');
		expect(retryableOf((kind) => failureOf(kind).timeout())).toEqual(NEVER);
	});

	it('that cannot be read has no cause: what is too long comes no shorter by waiting', () => {
		const failed = failureOf(GET).unreadable(new Error('It is longer than 64 MiB'));
		expect(failed.retryable).toBe(false);
		expect(toldOf(failed)).toEqual({
			message: 'The answer of Acme could not be read',
			description: "It is longer than 64 MiB. Check 'Base URL' in the credential.",
			failure: undefined,
			httpCode: null,
			itemIndex: 3,
		});
	});
});

describe('a body', () => {
	const recipe = { name: 'recipe', purpose: 'cooked' };

	it('that took too long was not sent, and is not sent again', () => {
		const failed = failureOf(PAID, SERVICE, recipe).slowBody();
		expect(failed.retryable).toBe(false);
		expect(toldOf(failed)).toMatchObject({
			message: 'The recipe was not read and sent within 7 s',
			description: expect.stringContaining("Raise 'Timeout'") as string,
			failure: TEMPORARY,
		});
		expect(toldOf(failureOf(PAID).slowBody()).message).toBe(
			'The body of the request was not read and sent within 7 s',
		);
	});

	it.each([
		[Object.assign(new Error('read failed'), { code: 'EIO' }), 'EIO'],
		[new Error('the <file> of top-secret'), 'the &lt;file&gt; of ******'],
	])('that broke off says why', (cause, reason) => {
		const failed = failureOf(GET, SERVICE, recipe).body(cause);
		expect(failed.retryable).toBe(false);
		expect(failed.error).toBeInstanceOf(NodeOperationError);
		expect(toldOf(failed)).toMatchObject({
			message: 'The recipe could not be read to its end, so it was not cooked',
			description: expect.stringContaining(`Reading it ended with: ${reason}.`) as string,
			itemIndex: 3,
		});
	});

	it('of audio is called so', () => {
		const describe = failureOf(PAID, SERVICE, AUDIO_BODY);
		expect(describe.slowBody().error.message).toBe('The audio was not read and sent within 7 s');
		expect(describe.body(new Error('gone')).error.message).toBe(
			'The audio could not be read to its end, so it was not transcribed',
		);
	});

	it('that says itself what is wrong is believed', () => {
		const cause = new NodeOperationError(context.getNode(), 'The file holds no audio');
		expect(failureOf(GET).body(cause).error.message).toBe('The file holds no audio');
	});
});

/** Whoever asks for a result again and again, such as a wait for a prediction, asks `isPassing`. */
describe('what may succeed at a later call', () => {
	it.each([
		[200, false],
		[302, false],
		[400, false],
		[401, false],
		[404, false],
		[408, false],
		[422, false],
		[429, true],
		[500, true],
		[503, true],
		[529, true],
	])('after %i: %s, whether or not the same request may be repeated', async (status, expected) => {
		for (const kind of [GET, PAID]) {
			expect(isPassing((await answeredTo(kind, status)).error)).toBe(expected);
		}
		expect(isPassingStatus(status)).toBe(expected);
	});

	it('is not what the service knows to last', async () => {
		const service = { isLasting: () => true };
		for (const status of [429, 503]) {
			expect(isPassing((await answeredTo(GET, status, { service })).error)).toBe(false);
		}
	});

	it.each([
		[{ code: 'ECONNREFUSED' }, true],
		[{ code: 'ECONNRESET' }, true],
		[{ code: 'ETIMEDOUT', syscall: 'connect' }, true],
		[{ code: 'CERT_HAS_EXPIRED' }, false],
		[{ code: 'EPROTO' }, false],
		[{}, false],
	])('after %p: %s', (about, expected) => {
		const cause = networkError(about);
		for (const kind of [GET, PAID]) {
			expect(isPassing(failureOf(kind).network(cause).error)).toBe(expected);
		}
		expect(isPassingReason(networkReason(cause))).toBe(expected);
	});

	it('is an answer that did not come in time, not one that cannot be read', () => {
		expect(isPassing(failureOf(GET).timeout().error)).toBe(true);
		expect(isPassing(failureOf(GET).unreadable(new Error('too long')).error)).toBe(false);
	});

	it('is nothing that was wrong before it was sent', () => {
		expect(isPassing(new NodeOperationError(context.getNode(), 'No ID'))).toBe(false);
		expect(isPassing(new Error('odd'))).toBe(false);
		expect(isPassing(undefined)).toBe(false);
	});
});

describe('withTries', () => {
	it('says how often it was tried, where that was more than once', async () => {
		const { error } = await answeredTo(GET, 500);
		expect(withTries(error, 1)).toMatchObject({ description: 'Try again later.' });
		expect(withTries(error, 4)).toMatchObject({
			description: 'Try again later. Tried 4 times.',
		});
	});
});
