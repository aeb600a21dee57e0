import type { IHttpRequestMethods, IHttpRequestOptions } from 'n8n-workflow';

/** A service as the transport sees it. */
export interface Service {
	displayName: string;
	credentialType: string;
	/** Fields of the credential whose values must never be shown. */
	secretFields: readonly string[];
	/** What must never be shown though it is not known what it is, such as tokens of earlier requests. */
	secretPatterns?: readonly RegExp[];
	/** The service's own words in an answer that reports a failure; without it, those usual in JSON. */
	messageIn?: (text: string) => string | undefined;
	/** How the user can go on after a status, where the service has a particular reason for it. */
	advice?: (status: number, text: string) => string | undefined;
	/** How the user can go on after a time-out, where the node has no 'Timeout' to raise. */
	timeoutAdvice?: string;
	/** Where the user sees whether work was done and billed whose answer never came, as the beginning of a sentence. */
	whereToLook?: string;
	/** The status a failure stands for, where the answer's text knows better than its own status. */
	statusIn?: (status: number, text: string) => number;
	/** Whether a failure that looks temporary is known to last, such as a used-up quota. */
	isLasting?: (status: number, text: string) => boolean;
}

/**
 * Thrown while an answer of status 2xx is read which says that the request failed after all: treated
 * as if it had come with the status given here.
 */
export class FailedAnswer extends Error {
	constructor(
		readonly status: number,
		readonly text: string,
	) {
		super(`Failed with ${status}`);
	}
}

/** What a body holds, in the words of messages to the user. */
export interface BodyWords {
	/** Such as `audio`. */
	name: string;
	/** What the service does with it, such as `transcribed`. */
	purpose: string;
}

/** A body that is sent once; `close` frees what was not sent. */
export interface RequestBody {
	content: IHttpRequestOptions['body'];
	headers: Record<string, string>;
	/** Why the body could not be read to its end, where that is what ended the request. */
	failure?: () => Error | undefined;
	/** Whether the body has been read to its end; left out for one that is sent at once. */
	isRead?: () => boolean;
	close?: () => void;
}

export interface ServiceRequest {
	method: Extract<IHttpRequestMethods, 'GET' | 'POST'>;
	/** Whether a POST may be carried out twice without harm: it is then tried again as a GET is. */
	isIdempotent?: boolean;
	/** Below the credential's base URL, already percent-encoded. */
	path: string;
	query?: URLSearchParams;
	headers?: Record<string, string>;
	/** Texts in the request that must not be shown, should the service repeat them. */
	secrets?: readonly string[];
	/** Called for every try, so that a body that was sent can be sent again. */
	body?: (signal: AbortSignal) => Promise<RequestBody>;
	/** Of a body that is read as it is sent; left out for one that is sent at once. */
	bodyWords?: BodyWords;
	/** For one try, from its start until the last byte of the answer. */
	timeoutSeconds: number;
}
