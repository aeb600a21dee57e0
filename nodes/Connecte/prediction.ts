import { NodeOperationError, type IDataObject } from 'n8n-workflow';

import { isObject, messageIn, parseJson, type Answer } from '../shared/answer';
import { refusal, type ItemContext } from '../shared/parameters';
import { escapeHtml, sentence } from '../shared/text';
import type { CallContext } from '../shared/service';
import { callService } from '../shared/transport';
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

/**
 * The prediction an item names.
 * @throws NodeOperationError for what cannot be an id
 */
export function predictionIdOf(item: ItemContext): string {
	const value = item.context.getNodeParameter('predictionId', item.itemIndex, '') as unknown;
	const id = String(value ?? '').trim();
	if (ID.test(id)) return id;
	throw refusal(
		item,
		id === '' ? "'Prediction ID' is empty" : "'Prediction ID' is not the ID of a prediction",
		"Set 'Prediction ID' to the field 'id' of what 'Create' puts out.",
	);
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

/**
 * Cancels a prediction; one that has ended stays as it is.
 * @returns the prediction as it is then
 * @throws NodeApiError as `callService`; NodeOperationError for an answer that is no prediction
 */
export async function cancelPrediction(
	context: CallContext,
	id: string,
	{ itemIndex, signal }: { itemIndex: number; signal: AbortSignal },
): Promise<Prediction> {
	const request = {
		method: 'POST' as const,
		isIdempotent: true,
		path: `${predictionPath(id)}/cancel`,
		timeoutSeconds: READ_TIMEOUT_SECONDS,
		itemIndex,
		signal,
	};
	return await callService(context, CONNECTE, request, async (answer) =>
		predictionIn(context, itemIndex, answer),
	);
}

/**
 * The error of a prediction that ended without a result; `undefined` for any other. The service does not
 * document where it puts the reason, so every likely place is looked at.
 */
export function failureOf(
	context: CallContext,
	itemIndex: number,
	prediction: Prediction,
	model?: string,
): NodeOperationError | undefined {
	const { id, status } = prediction;
	if (status !== 'failed' && status !== 'canceled') return undefined;
	const reason = reasonIn(prediction);
	const of = model === undefined ? '' : ` of ${model}`;
	// n8n takes an error whose message has the word 'canceled' for a stop by the user.
	const message =
		status === 'failed' ? `The prediction${of} failed` : `The prediction${of} was stopped`;
	const said =
		reason === undefined ? 'Connecte gives no reason.' : `Connecte says: ${escapeHtml(reason)}`;
	return new NodeOperationError(context.getNode(), message, {
		itemIndex,
		description: `${sentence(said)} Its ID is ${id}, its status '${status}'.`,
	});
}

function reasonIn({ error, message, detail, output }: Prediction): string | undefined {
	const inOutput = isObject(output) ? output.error : undefined;
	for (const place of [error, message, detail, inOutput]) {
		if (place === undefined || place === null || place === '') continue;
		return messageIn(typeof place === 'string' ? place : JSON.stringify(place));
	}
	return undefined;
}
