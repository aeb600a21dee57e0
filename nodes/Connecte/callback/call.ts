import type { IWebhookFunctions, IWebhookResponseData } from 'n8n-workflow';

import { parseJson } from '../../shared/http/answer';
import { parsePrediction, type Prediction } from '../prediction';

/** As much as n8n itself takes by default. */
const LARGEST_BODY_BYTES = 16 * 1024 * 1024;

/** `responseData` of a webhook that answers what its function says; without it n8n answers the first item. */
export const OWN_ANSWER = '';

/** Why a call changes nothing: its HTTP status and what the caller is told. */
export interface Refusal {
	status: 200 | 400 | 401 | 403 | 503;
	message: string;
}

export const NO_PREDICTION: Refusal = {
	status: 400,
	message: "The body is no prediction: it needs an 'id' and a known 'status'",
};

/** The prediction a call speaks of, as the caller has it; nothing of it is believed yet. */
export function claimedPrediction(context: IWebhookFunctions): Prediction | undefined {
	// A multipart body has no raw form.
	const { rawBody } = context.getRequestObject() as { rawBody?: Buffer };
	if (rawBody && rawBody.length > LARGEST_BODY_BYTES) return undefined;
	const body: unknown = context.getBodyData();
	return parsePrediction(typeof body === 'string' ? parseJson(body) : body);
}

/**
 * Answers a call that changes nothing.
 * @param retryAfterSeconds when to call again, for a refusal that will pass (503)
 */
export function refuse(
	context: IWebhookFunctions,
	{ status, message }: Refusal,
	retryAfterSeconds: number,
): IWebhookResponseData {
	const response = context.getResponseObject();
	if (status === 503) response.setHeader('retry-after', retryAfterSeconds);
	response.status(status).json({ message });
	return { noWebhookResponse: true };
}

/** Calls `then` with the status that n8n has answered: only then is it sure that the execution goes on. */
export function onAnswered(context: IWebhookFunctions, then: (statusCode: number) => void): void {
	const response = context.getResponseObject();
	response.once?.('finish', () => then(response.statusCode));
}
