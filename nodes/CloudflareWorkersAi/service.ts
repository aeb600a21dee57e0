import type { ICredentialDataDecryptedObject } from 'n8n-workflow';

import { isObject, messageIn, parseJson, type Answer } from '../shared/http/answer';
import { inputError, type Item } from '../shared/item';
import { pathSegment } from '../shared/fields';
import { FailedAnswer, type Service } from '../shared/http/service';

export const CREDENTIAL = 'cloudflareWorkersAiApi';

export const CLOUDFLARE: Service = {
	displayName: 'Cloudflare',
	credentialType: CREDENTIAL,
	secretFields: ['apiToken'],
	messageIn: cloudflareMessage,
	whereToLook: 'Look at the usage of Workers AI in the Cloudflare dashboard',
	advice: cloudflareAdvice,
	statusIn: (status, text) => (isBusy(text) ? 429 : status),
	isLasting: (_status, text) => hasCode(text, DAILY_QUOTA),
};

/** The daily free allocation is used up: trying again before midnight UTC cannot help. */
const DAILY_QUOTA = 3036;
/** The model has no capacity left just now; nothing was carried out, whatever the HTTP status. */
const NO_CAPACITY = 3040;

function isBusy(text: string): boolean {
	return hasCode(text, DAILY_QUOTA) || hasCode(text, NO_CAPACITY);
}

function hasCode(text: string, wanted: number): boolean {
	return errorsIn(text).some(({ code }) => code === wanted);
}

interface KnownError {
	/** The HTTP status of the error, for answers that carry it with another one. */
	status: number;
	/** How the user can go on. */
	advice: string;
}

const NO_ACCESS = "Check 'Account ID' in the credential, and that this account may use the model.";
const TOO_LONG = 'Try again; if it goes on, send shorter audio.';

/**
 * https://developers.cloudflare.com/workers-ai/platform/errors/, and the codes of Cloudflare's API
 * in general for the token and the address.
 */
const KNOWN_ERRORS: Readonly<Record<number, KnownError | undefined>> = {
	10000: {
		status: 401,
		advice:
			"Check 'API Token' in the credential: it must be valid for this account and have the permission Workers AI - Read.",
	},
	7000: {
		status: 404,
		advice: "Check 'Base URL' and 'Account ID' in the credential: Cloudflare has no such address.",
	},
	7003: {
		status: 404,
		advice: "Check 'Account ID' in the credential: Cloudflare does not know this account.",
	},
	2009: {
		status: 401,
		advice:
			"Check 'Gateway ID' and 'API Token' in the credential: this AI gateway wants another token.",
	},
	2021: {
		status: 402,
		advice: 'Check the billing of the AI gateway in the Cloudflare dashboard.',
	},
	3003: { status: 400, advice: 'Cloudflare misses headers or a body: check the parameters.' },
	3006: { status: 413, advice: 'Send a smaller file: shorten, split or compress the audio.' },
	3007: { status: 408, advice: TOO_LONG },
	3008: { status: 408, advice: TOO_LONG },
	3023: {
		status: 403,
		advice: 'Cloudflare has blocked this account for Workers AI: ask its support.',
	},
	3036: {
		status: 429,
		advice:
			"The account's free allocation for today is used up. It is renewed at 00:00 UTC; the paid Workers plan lifts the limit.",
	},
	3040: {
		status: 429,
		advice: 'Cloudflare has no capacity left for this model just now: try again later.',
	},
	3041: { status: 403, advice: NO_ACCESS },
	3042: { status: 404, advice: 'Cloudflare does not offer this model to the account.' },
	5004: {
		status: 400,
		advice: 'Check the parameters: Cloudflare does not take one of the values.',
	},
	5007: {
		status: 400,
		advice:
			"Cloudflare does not know the model under this address: check 'Base URL' in the credential.",
	},
	5016: {
		status: 403,
		advice: "Accept the model's terms once for this account, in the Cloudflare dashboard.",
	},
	5018: { status: 403, advice: NO_ACCESS },
	5019: {
		status: 405,
		advice:
			"Cloudflare has given up this way of calling the model: check 'Base URL' in the credential.",
	},
	5030: { status: 400, advice: 'Check the parameters: Cloudflare wants a value of another type.' },
};

/** An entry of `errors` in Cloudflare's envelope; the code may be missing. */
interface EnvelopeError {
	code?: number;
	message?: string;
}

function errorsIn(text: string): EnvelopeError[] {
	const envelope = parseJson(text);
	const errors = isObject(envelope) && Array.isArray(envelope.errors) ? envelope.errors : [];
	return errors
		.filter((error) => isObject(error))
		.map(({ code, message }) => ({
			code: Number.isInteger(Number(code ?? NaN)) ? Number(code) : undefined,
			message: typeof message === 'string' && message !== '' ? message : undefined,
		}));
}

/** The messages of a failure envelope with their codes; for anything else whatever text there is. */
export function cloudflareMessage(text: string): string | undefined {
	const messages = errorsIn(text)
		.map(({ code, message }) => {
			if (code === undefined) return message;
			return message === undefined ? `code ${code}` : `${message} (code ${code})`;
		})
		.filter((message) => message !== undefined);
	return messages.length > 0 ? messages.join('; ').slice(0, 1_000) : messageIn(text);
}

/** How to go on after a failure envelope, where one of its codes is known. */
export function cloudflareAdvice(status: number, text: string): string | undefined {
	const known = knownErrors(text).map(({ advice }) => advice);
	if (known.length > 0) return [...new Set(known)].join(' ');
	if (status === 401) return KNOWN_ERRORS[10000]?.advice;
	if (status === 404) return KNOWN_ERRORS[7003]?.advice;
	if (status === 413) return KNOWN_ERRORS[3006]?.advice;
	return undefined;
}

function knownErrors(text: string): KnownError[] {
	return errorsIn(text)
		.map(({ code }) => (code === undefined ? undefined : KNOWN_ERRORS[code]))
		.filter((known) => known !== undefined);
}

/**
 * Opens Cloudflare's envelope of an answer with status 2xx.
 * @returns its `result`, `null` where there is none
 * @throws FailedAnswer for `success: false`; NodeOperationError where it is no envelope
 */
export async function readResult(item: Item, answer: Answer): Promise<unknown> {
	const { text, json: envelope } = await answer.content();
	if (isObject(envelope) && envelope.success === false) {
		throw new FailedAnswer(knownErrors(text)[0]?.status ?? 400, text);
	}
	const hasResult = isObject(envelope) && envelope.result !== undefined && envelope.result !== null;
	if (isObject(envelope) && (hasResult || envelope.success === true)) {
		return envelope.result ?? null;
	}
	throw inputError(
		item,
		"Cloudflare's answer holds no result",
		"Check 'Base URL' in the credential: the address answers, but not as the Cloudflare API does.",
	);
}

/**
 * The path of a model below the base URL.
 * @throws NodeOperationError where the credential has no account
 */
export async function modelPath(item: Item, model: string): Promise<string> {
	const { accountId } = await item.context.getCredentials<ICredentialDataDecryptedObject>(
		CREDENTIAL,
		item.itemIndex,
	);
	return `/accounts/${pathSegment(item, 'Account ID', accountId)}/ai/run/${model}`;
}
