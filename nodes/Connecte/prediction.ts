import { NodeOperationError, type IDataObject } from 'n8n-workflow';

import { isObject, messageIn, type Answer } from '../shared/http/answer';
import { inputError, type CallContext, type Item } from '../shared/item';
import { escapeHtml, sentence } from '../shared/text';
import { callService } from '../shared/http/transport';
import { CONNECTE } from './connecteService';

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
	/** One of `STATUSES`; in an answer of the API it may also be one that is not known here. */
	status: string;
}

const FINAL: ReadonlySet<string> = new Set(['succeeded', 'failed', 'canceled']);
const READ_TIMEOUT_SECONDS = 30;
const LONGEST_REASON = 500;
/** UUIDs so far; nothing that would lead elsewhere as a part of an address. */
const ID = /^(?!\.{1,2}$)[\w.~:-]{1,200}$/;

export function isFinal(status: string): boolean {
	return FINAL.has(status);
}

/** The status in lower case, since the service's pages write it in both ways. */
export function statusOf(value: unknown): Status | undefined {
	return STATUSES.find((known) => known === lowerCase(value));
}

function lowerCase(value: unknown): string | undefined {
	return typeof value === 'string' ? value.trim().toLowerCase() : undefined;
}

/** The prediction in an answer or a callback; `undefined` where it has no usable id or no known status. */
export function parsePrediction(json: unknown): Prediction | undefined {
	const prediction = answeredPrediction(json);
	return prediction && statusOf(prediction.status) ? prediction : undefined;
}

/**
 * As `parsePrediction`, for what the API itself answers: an unknown status counts as unfinished, since a
 * prediction that is paid for must not be lost for a word.
 */
function answeredPrediction(json: unknown): Prediction | undefined {
	if (!isObject(json)) return undefined;
	const id = typeof json.id === 'string' ? json.id.trim() : '';
	return ID.test(id) ? { ...json, id, status: lowerCase(json.status) ?? 'unknown' } : undefined;
}

/**
 * The prediction an item names.
 * @throws NodeOperationError for what cannot be an id
 */
export function predictionIdOf(item: Item): string {
	const value = item.context.getNodeParameter('predictionId', item.itemIndex, '') as unknown;
	const id = String(value ?? '').trim();
	if (ID.test(id)) return id;
	throw inputError(
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
	item: Item<CallContext>,
	id: string,
	timeoutSeconds = READ_TIMEOUT_SECONDS,
): Promise<Prediction> {
	const request = { method: 'GET' as const, path: predictionPath(id), timeoutSeconds };
	return await callService(item, CONNECTE, request, async (answer) => predictionIn(item, answer));
}

/** The prediction in the service's answer, or an error that says what came instead. */
export async function predictionIn(item: Item<CallContext>, answer: Answer): Promise<Prediction> {
	const { json } = await answer.content();
	const prediction = answeredPrediction(json);
	if (prediction) return prediction;
	throw inputError(
		item,
		"Connecte's answer holds no prediction",
		"Check 'Base URL' in the credential: it may point to a web page.",
	);
}

/**
 * Cancels a prediction; one that has ended stays as it is.
 * @returns the prediction as it is then
 * @throws NodeApiError as `callService`; NodeOperationError for an answer that is no prediction
 */
export async function cancelPrediction(item: Item<CallContext>, id: string): Promise<Prediction> {
	const request = {
		method: 'POST' as const,
		isIdempotent: true,
		path: `${predictionPath(id)}/cancel`,
		timeoutSeconds: READ_TIMEOUT_SECONDS,
	};
	return await callService(item, CONNECTE, request, async (answer) => predictionIn(item, answer));
}

/**
 * The error of a prediction that ended without a result; `undefined` for any other. The service does not
 * document where it puts the reason, so every likely place is looked at.
 */
export function predictionError(
	{ context, itemIndex }: Pick<Item<CallContext>, 'context' | 'itemIndex'>,
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
	const places = [error, message, detail, isObject(output) ? output.error : undefined];
	const words = places.map(wordsIn).find((text) => text !== undefined);
	if (words !== undefined) return words;
	// Not words, but more than nothing.
	const known = places.find((place) => typeof place === 'number' || hasEntries(place));
	return known === undefined ? undefined : JSON.stringify(known).slice(0, LONGEST_REASON);
}

function wordsIn(place: unknown): string | undefined {
	if (typeof place === 'string') return messageIn(place);
	if (!isObject(place) && !Array.isArray(place)) return undefined;
	const { reason } = place as IDataObject;
	return typeof reason === 'string' ? messageIn(reason) : messageIn(JSON.stringify(place));
}

function hasEntries(place: unknown): boolean {
	return typeof place === 'object' && place !== null && Object.keys(place).length > 0;
}
