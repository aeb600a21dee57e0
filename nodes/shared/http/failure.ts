import { NodeApiError, NodeOperationError } from 'n8n-workflow';

import { messageIn, parseJson, type Answer } from './answer';
import { networkReason } from './network';
import { LONGEST_WAIT_MS, parseRetryAfter, type FailedTry } from './retry';
import type { Mask } from './secrets';
import { escapeHtml, sentence } from '../text';
import type { Service, ServiceRequest } from './service';
import type { CallContext, Item } from '../item';

type Failure = NodeApiError['failure'];

const TEMPORARY: Failure = { cause: 'temporarily-unavailable' };
/** Of the causes that n8n knows the one of what stays until somebody changes an address or a certificate. */
const CONFIGURATION: Failure = { cause: 'configuration-invalid' };
/** Neither a wait nor a certain change is known to help. */
const NO_CAUSE: Failure = undefined;

/** Turns what went wrong with one try into the error the user sees and the question of a retry. */
export class FailureDescription {
	constructor(
		private readonly item: Item<CallContext>,
		private readonly service: Service,
		private readonly request: ServiceRequest,
		private readonly mask: Mask,
	) {}

	async status(answer: Answer): Promise<FailedTry> {
		return this.refusal(answer.status, await answer.errorText(), answer);
	}

	refusal(answered: number, text: string, answer: Answer): FailedTry {
		const status = this.service.statusIn?.(answered, text) ?? answered;
		const retryAfterMs = parseRetryAfter(answer.header('retry-after'));
		const isLasting = this.service.isLasting?.(status, text) ?? false;
		const said = (this.service.messageIn ?? messageIn)(text);
		const description = [
			said && `${this.service.displayName} says: ${sentence(escapeHtml(said))}`,
			longWait(retryAfterMs),
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
			(this.isRepeatable ? status >= 500 : status === 503 && retryAfterMs !== undefined);
		return { error, retryable: isTemporary && !isLasting, retryAfterMs };
	}

	/** The time was up while the service was expected to answer. */
	timeout(): FailedTry {
		const { displayName, timeoutAdvice } = this.service;
		return this.ended(
			`${displayName} did not answer within ${this.request.timeoutSeconds} s`,
			`${this.unknownOutcome()}${timeoutAdvice ?? "Raise 'Timeout' in the node's options if the work takes longer."}`,
			TEMPORARY,
		);
	}

	/** The time was up before the whole body was sent, so nothing can have been carried out. */
	slowBody(): FailedTry {
		return this.ended(
			`The audio was not read and sent within ${this.request.timeoutSeconds} s`,
			"Raise 'Timeout' in the node's options for a large file or a slow line; with a URL, check how fast its server sends.",
			TEMPORARY,
		);
	}

	/** The connection could not be made, or ended before the answer did. */
	network(cause: Error): FailedTry {
		const { displayName } = this.service;
		const { code, isBeforeConnection, isInsecure } = networkReason(cause);
		if (code === undefined) return this.notSent(cause);
		const reason = this.shown(code);
		if (isInsecure) {
			return this.ended(
				`No secure connection to ${displayName} could be made`,
				`Its certificate or encryption was not accepted (${reason}). Check 'Base URL' in the credential, and any proxy in between.`,
				CONFIGURATION,
			);
		}
		if (isBeforeConnection) {
			const failed = this.ended(
				`${displayName} could not be reached`,
				`No connection was made (${reason}). Check 'Base URL' in the credential, and that this n8n may reach that address.`,
				TEMPORARY,
			);
			return { ...failed, retryable: true };
		}
		const failed = this.ended(
			`The request to ${displayName} was broken off before its answer came`,
			`The connection ended (${reason}). ${this.unknownOutcome()}`.trim(),
			TEMPORARY,
		);
		return { ...failed, retryable: this.isRepeatable };
	}

	/** Reading the answer ended for another reason than the connection. */
	unreadable(cause: Error): FailedTry {
		const { displayName } = this.service;
		return this.ended(
			`The answer of ${displayName} could not be read`,
			`${sentence(this.shown(cause.message))} Check 'Base URL' in the credential.`,
			NO_CAUSE,
		);
	}

	/** The body could not be read to its end, so the service did not get a whole request. */
	body(cause: Error): FailedTry {
		const { code } = networkReason(cause);
		const error = new NodeOperationError(
			this.item.context.getNode(),
			cause instanceof NodeOperationError
				? cause
				: 'The audio could not be read to its end, so it was not transcribed',
			{
				itemIndex: this.item.itemIndex,
				description: `Reading it ended with: ${sentence(this.shown(code ?? cause.message))} Run the item again; if it stays, check the node or address that supplies the file.`,
			},
		);
		return { error, retryable: false };
	}

	/** n8n itself did not let the request out, and says why. */
	private notSent(cause: Error): FailedTry {
		const { description } = cause as Error & { description?: unknown };
		const more = typeof description === 'string' ? ` ${sentence(this.shown(description))}` : '';
		return this.ended(
			`n8n did not send the request to ${this.service.displayName}`,
			`n8n says: ${sentence(this.shown(cause.message))}${more}`,
			NO_CAUSE,
		);
	}

	private ended(message: string, description: string, failure: Failure): FailedTry {
		return { error: this.error(message, description, { failure }), retryable: false };
	}

	private shown(text: string): string {
		return escapeHtml(this.mask(text));
	}

	private get isRepeatable(): boolean {
		return this.request.method === 'GET' || this.request.isIdempotent === true;
	}

	private unknownOutcome(): string {
		return this.isRepeatable
			? ''
			: 'Whether the request was carried out is not known, so it was not sent again. ';
	}

	private error(
		message: string,
		description: string,
		more: { httpCode?: string; failure?: Failure },
	): NodeApiError {
		return new NodeApiError(
			this.item.context.getNode(),
			{ message },
			{ message, description, itemIndex: this.item.itemIndex, ...more },
		);
	}
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

function longWait(retryAfterMs: number | undefined): string | undefined {
	if (retryAfterMs === undefined || retryAfterMs <= LONGEST_WAIT_MS) return undefined;
	return `It asks to wait ${Math.ceil(retryAfterMs / 60_000)} minutes.`;
}

/** The error with the number of tries in its description, where there were several. */
export function withTries(error: Error, tries: number): Error {
	if (tries > 1 && (error instanceof NodeApiError || error instanceof NodeOperationError)) {
		error.description = `${error.description ?? ''} Tried ${tries} times.`.trim();
	}
	return error;
}
