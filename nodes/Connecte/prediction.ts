import { NodeOperationError, type IDataObject } from 'n8n-workflow';

import { isObject, parseJson, type Answer } from '../shared/answer';
import { callService, type CallContext } from '../shared/transport';
import { CONNECTE } from './service';

/** https://connecte.ai/docs/api-reference/methods */
export const STATUSES = [
	'pending',
	'queued',
	'starting',
	'processing',
	'succeeded',
	'failed',
	'canceled',
] as const;

export type Status = (typeof STATUSES)[number];

/** A prediction as the service puts it, its status in lower case. */
export interface Prediction extends IDataObject {
	id: string;
	status: Status;
}

const FINAL: ReadonlySet<Status> = new Set(['succeeded', 'failed', 'canceled']);
const READ_TIMEOUT_SECONDS = 30;
/** UUIDs so far; nothing that would lead elsewhere as a part of an address. */
const ID = /^(?!\.{1,2}$)[\w.~:-]{1,200}$/;

export function isFinal(status: Status): boolean {
	return FINAL.has(status);
}

/** The status in lower case, since the service's pages write it in both ways. */
export function statusOf(value: unknown): Status | undefined {
	const status = typeof value === 'string' ? value.trim().toLowerCase() : undefined;
	return STATUSES.find((known) => known === status);
}

/** The prediction in an answer or a callback; `undefined` where it has no usable id or no known status. */
export function parsePrediction(json: unknown): Prediction | undefined {
	if (!isObject(json)) return undefined;
	const id = typeof json.id === 'string' ? json.id.trim() : '';
	const status = statusOf(json.status);
	if (!ID.test(id) || status === undefined) return undefined;
	return { ...json, id, status };
}

/** Below the base URL, percent-encoded. */
export function predictionPath(id: string): string {
	return `/predictions/${encodeURIComponent(id)}`;
}

/**
 * Reads a prediction by its id, with the transport's retries.
 * @throws NodeApiError as `callService`; NodeOperationError for an answer that is no prediction
 */
export async function readPrediction(
	context: CallContext,
	id: string,
	{
		itemIndex,
		signal,
		timeoutSeconds = READ_TIMEOUT_SECONDS,
	}: { itemIndex: number; signal: AbortSignal; timeoutSeconds?: number },
): Promise<Prediction> {
	const request = {
		method: 'GET' as const,
		path: predictionPath(id),
		timeoutSeconds,
		itemIndex,
		signal,
	};
	return await callService(context, CONNECTE, request, async (answer) =>
		predictionIn(context, itemIndex, answer),
	);
}

/** The prediction in the service's answer, or an error that says what came instead. */
export async function predictionIn(
	context: CallContext,
	itemIndex: number,
	answer: Answer,
): Promise<Prediction> {
	const prediction = parsePrediction(parseJson(await answer.text()));
	if (prediction) return prediction;
	throw new NodeOperationError(context.getNode(), "Connecte's answer holds no prediction", {
		itemIndex,
		description: "Check 'Base URL' in the credential: it may point to a web page.",
	});
}
