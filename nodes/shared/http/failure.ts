import { NodeApiError, NodeOperationError } from 'n8n-workflow';

import { messageIn, parseJson, type Answer } from './answer';
import { networkReason, type NetworkReason } from './network';
import { isNotCarriedOut, isPassingReason, isPassingStatus } from './passing';
import { LONGEST_WAIT_MS, parseRetryAfter, type FailedTry } from './retry';
import { maskedJson, type Mask } from './secrets';
import type { BodyWords, Service, ServiceRequest } from './service';
import { CONFIGURATION, isServerFailure, statusMeaning, TEMPORARY, type Failure } from './statuses';
import type { CallContext, Item } from '../item';
import { escapeHtml, sentence } from '../text';

/** Neither a wait nor a certain change is known to help. */
const NO_CAUSE: Failure = undefined;
const MS_PER_MINUTE = 60_000;
const PLAIN_BODY: BodyWords = { name: 'body of the request', purpose: 'sent' };

/** Turns what went wrong with one try into the error the user sees and the question of a retry. */
export class FailureDescription {
	constructor(
		private readonly item: Item<CallContext>,
		private readonly service: Service,
		private readonly request: ServiceRequest,
		private readonly mask: Mask,
	) {}

	/** The service answered with another status than 2xx. */
	async answered(answer: Answer): Promise<FailedTry> {
		return this.answeredWith(answer.status, await answer.errorText(), answer);
	}

	/** The service answered what stands for this failing status and text. */
	answeredWith(ownStatus: number, text: string, answer: Answer): FailedTry {
		const { displayName } = this.service;
		const status = this.service.statusIn?.(ownStatus, text) ?? ownStatus;
		const retryAfterMs = parseRetryAfter(answer.header('retry-after'));
		const isLasting = this.service.isLasting?.(status, text) ?? false;
		const isPassing = isPassingStatus(status) && !isLasting;
		const safe = this.masked(text);
		const said = (this.service.messageIn ?? messageIn)(safe);
		const { verdict, advice, failure } = statusMeaning(
			status,
			isLasting,
			answer.header('location'),
		);
		const isSafe = this.isRepeatable || isNotCarriedOut(status, retryAfterMs);
		const isUnknown = isServerFailure(status) && !isSafe && !isLasting;
		const description = [
			said && `${displayName} says: ${sentence(escapeHtml(said))}`,
			longWait(retryAfterMs),
			this.service.advice?.(status, text) ?? (isUnknown ? undefined : advice),
			isUnknown && this.unknownOutcome(),
		]
			.filter(Boolean)
			.join(' ');
		const error = this.error(
			`${displayName} ${verdict} (${status})`,
			description,
			failure && { ...failure, ...(isPassing && { retryAfterMs }) },
			String(status),
		);
		error.context.data = parseJson(safe) ?? safe;
		return { error, retryable: isPassing && isSafe, retryAfterMs };
	}

	/** The time was up while the service was expected to answer. */
	timeout(): FailedTry {
		const { displayName, timeoutAdvice } = this.service;
		return this.unanswered(
			`${displayName} did not answer within ${this.request.timeoutSeconds} s`,
			`${this.unknownOutcome()} ${timeoutAdvice ?? "Raise 'Timeout' in the node's options if the work takes longer."}`.trim(),
			TEMPORARY,
		);
	}

	/** The time was up before the whole body was sent, so nothing can have been carried out. */
	slowBody(): FailedTry {
		return {
			error: slowBody(this.item, this.bodyWords, this.request.timeoutSeconds),
			retryable: false,
		};
	}

	/** The connection could not be made, or ended before the answer did. */
	network(cause: Error): FailedTry {
		const reason = networkReason(cause);
		const isSafe = this.isRepeatable || reason.isBeforeConnection;
		return { ...this.brokenOff(reason, cause), retryable: isPassingReason(reason) && isSafe };
	}

	private brokenOff(reason: NetworkReason, cause: Error): FailedTry {
		const { displayName } = this.service;
		if (reason.code === undefined) return this.notSent(cause);
		const code = this.shown(reason.code);
		if (reason.isInsecure) {
			return this.unanswered(
				`No secure connection to ${displayName} could be made`,
				`Its certificate or encryption was not accepted (${code}). Check 'Base URL' in the credential, and any proxy in between.`,
				CONFIGURATION,
			);
		}
		if (reason.isBeforeConnection) {
			return this.unanswered(
				`${displayName} could not be reached`,
				`No connection was made (${code}). Check 'Base URL' in the credential, and that this n8n may reach that address.`,
				TEMPORARY,
			);
		}
		return this.unanswered(
			`The request to ${displayName} was broken off before its answer came`,
			`The connection ended (${code}). ${this.unknownOutcome()}`.trim(),
			TEMPORARY,
		);
	}

	/** Reading the answer ended for another reason than the connection. */
	unreadable(cause: Error): FailedTry {
		const { displayName } = this.service;
		return this.unanswered(
			`The answer of ${displayName} could not be read`,
			`${sentence(this.shown(cause.message))} Check 'Base URL' in the credential.`,
			NO_CAUSE,
		);
	}

	/** The body could not be read to its end, so the service did not get a whole request. */
	body(cause: Error): FailedTry {
		const error = unreadBody(this.item, this.bodyWords, cause, (text) => this.shown(text));
		return { error, retryable: false };
	}

	/** n8n itself did not let the request out, and says why. */
	private notSent(cause: Error): FailedTry {
		const { description } = cause as Error & { description?: unknown };
		const more = typeof description === 'string' ? ` ${sentence(this.shown(description))}` : '';
		return this.unanswered(
			`n8n did not send the request to ${this.service.displayName}`,
			`n8n says: ${sentence(this.shown(cause.message))}${more}`,
			NO_CAUSE,
		);
	}

	/** No answer came that could be read; not to be tried again. */
	private unanswered(message: string, description: string, failure: Failure): FailedTry {
		return { error: this.error(message, description, failure), retryable: false };
	}

	/** The text of an answer with its secrets masked; where it is JSON, in its values only. */
	private masked(text: string): string {
		const json = parseJson(text);
		return json === undefined ? this.mask(text) : JSON.stringify(maskedJson(json, this.mask));
	}

	private shown(text: string): string {
		return escapeHtml(this.mask(text));
	}

	private get isRepeatable(): boolean {
		return this.request.method === 'GET' || this.request.isIdempotent === true;
	}

	/** Nothing for what may be repeated; else that it may have been paid for, and where that can be seen. */
	private unknownOutcome(): string {
		if (this.isRepeatable) return '';
		const { displayName, whereToLook } = this.service;
		const look = whereToLook ?? `Look into your account with ${displayName}`;
		const repeats = this.item.context.getNode().retryOnFail === true;
		return `Whether the request was carried out, and is billed, is not known. ${look} before you run the item again.${repeats ? " As 'Retry On Fail' is set, n8n itself runs it again." : ''}`;
	}

	private get bodyWords(): BodyWords {
		return this.request.bodyWords ?? PLAIN_BODY;
	}

	private error(
		message: string,
		description: string,
		failure: Failure,
		httpCode?: string,
	): NodeApiError {
		return apiError(this.item, { message, description, failure, httpCode });
	}
}

function apiError(
	{ context, itemIndex }: Item<CallContext>,
	{
		failure,
		...words
	}: { message: string; description: string; failure: Failure; httpCode?: string },
): NodeApiError {
	const { message } = words;
	const error = new NodeApiError(context.getNode(), { message }, { ...words, itemIndex });
	// Set here, since an n8n that does not know it would leave it out, and `isPassing` asks for it.
	if (failure) error.failure = failure;
	return error;
}

/** An error for a body that its source did not give in time. */
export function slowBody(
	item: Item<CallContext>,
	{ name }: BodyWords,
	timeoutSeconds: number,
): NodeApiError {
	return apiError(item, {
		message: `The ${name} was not read and sent within ${timeoutSeconds} s`,
		description:
			"Raise 'Timeout' in the node's options for a large file or a slow line; with a URL, check how fast its server sends.",
		failure: TEMPORARY,
	});
}

function longWait(retryAfterMs: number | undefined): string | undefined {
	if (retryAfterMs === undefined || retryAfterMs <= LONGEST_WAIT_MS) return undefined;
	return `It asks to wait ${Math.ceil(retryAfterMs / MS_PER_MINUTE)} minutes.`;
}

/** An error for a body that could not be read to its end. */
export function unreadBody(
	{ context, itemIndex }: Item<CallContext>,
	{ name, purpose }: BodyWords,
	cause: Error,
	shown: (text: string) => string = escapeHtml,
): NodeOperationError {
	const { code } = networkReason(cause);
	return new NodeOperationError(
		context.getNode(),
		cause instanceof NodeOperationError
			? cause
			: `The ${name} could not be read to its end, so it was not ${purpose}`,
		{
			itemIndex,
			description: `Reading it ended with: ${sentence(shown(code ?? cause.message))} Run the item again; if it stays, check the node or address that supplies the file.`,
		},
	);
}

/** The error with the number of tries in its description, where there were several. */
export function withTries(error: Error, tries: number): Error {
	if (tries > 1 && (error instanceof NodeApiError || error instanceof NodeOperationError)) {
		error.description = `${error.description ?? ''} Tried ${tries} times.`.trim();
	}
	return error;
}
