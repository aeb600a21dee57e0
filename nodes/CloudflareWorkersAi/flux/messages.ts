import type { IDataObject } from 'n8n-workflow';

import { isObject, messageIn, parseJson } from '../../shared/http/answer';
import { asNumber, asText, type Word } from '../../shared/transcript/transcript';

/** An event of the turn under way; times in seconds from the start of the session's audio. */
export interface TurnMessage {
	kind: 'turn';
	event: 'Update' | 'StartOfTurn' | 'EagerEndOfTurn' | 'TurnResumed' | 'EndOfTurn';
	/** From 0 in each session. */
	turnIndex?: number;
	windowStart?: number;
	windowEnd?: number;
	/** The whole turn so far. */
	transcript: string;
	words: Word[];
	endOfTurnConfidence?: number;
}

/** The service gives up the session. */
export interface ErrorMessage {
	kind: 'error';
	code?: string;
	description: string;
	/** Whether its own side failed, so that another session may do better. */
	isPassing: boolean;
}

/** Anything else: greetings, answers to settings, what future versions may add. */
export interface OtherMessage {
	kind: 'other';
}

export type FluxMessage = (TurnMessage | ErrorMessage | OtherMessage) & {
	/** The message as it came, where it is a JSON object. */
	json?: IDataObject;
	requestId?: string;
};

/**
 * Codes of failures that are not the client's doing:
 * https://developers.deepgram.com/docs/stt-troubleshooting-websocket-data-and-net-errors, and
 * https://developers.cloudflare.com/workers-ai/platform/errors/ (3007, 3008 and 3040: time and capacity).
 */
const PASSING_CODE = /^(NET-\d+|INTERNAL_SERVER_ERROR|3007|3008|3040)$/;

const TURN_EVENTS: ReadonlySet<string> = new Set<TurnMessage['event']>([
	'Update',
	'StartOfTurn',
	'EagerEndOfTurn',
	'TurnResumed',
	'EndOfTurn',
]);

/**
 * Reads a message of the service. Never throws: a message that cannot be understood is `other`.
 * `type` may be missing, as Cloudflare's schema leaves it out; `event` then tells.
 */
export function readMessage(data: unknown): FluxMessage {
	const json = typeof data === 'string' ? parseJson(data) : undefined;
	if (!isObject(json)) return { kind: 'other' };
	const about = { json, requestId: asText(json.request_id) };
	if (typeof json.event === 'string') {
		return TURN_EVENTS.has(json.event)
			? { ...turnOf(json, json.event as TurnMessage['event']), ...about }
			: { kind: 'other', ...about };
	}
	return isError(json) ? { ...errorOf(json), ...about } : { kind: 'other', ...about };
}

function turnOf(json: IDataObject, event: TurnMessage['event']): TurnMessage {
	const words = Array.isArray(json.words) ? json.words : [];
	return {
		kind: 'turn',
		event,
		turnIndex: asNumber(json.turn_index),
		windowStart: asNumber(json.audio_window_start),
		windowEnd: asNumber(json.audio_window_end),
		transcript: asText(json.transcript)?.trim() ?? '',
		words: words.filter(isObject).flatMap(wordOf),
		endOfTurnConfidence: asNumber(json.end_of_turn_confidence),
	};
}

function codeIn(error: unknown): unknown {
	return isObject(error) ? error.code : undefined;
}

function wordOf({ word, start, end, confidence }: IDataObject): Word[] {
	const text = asText(word);
	if (!text) return [];
	return [
		{
			text,
			start: asNumber(start),
			end: asNumber(end),
			confidence: asNumber(confidence),
		},
	];
}

function isError(json: IDataObject): boolean {
	const { type, code, description, error, errors, success } = json;
	if (type === 'Error' || type === 'FatalError') return true;
	// Warnings and the like have a code and a description as well, but also a type.
	if (type !== undefined) return false;
	return (
		(code !== undefined && description !== undefined) ||
		(error !== undefined && error !== null && error !== false) ||
		(Array.isArray(errors) && errors.length > 0) ||
		success === false
	);
}

function errorOf(json: IDataObject): ErrorMessage {
	const given: unknown = json.code ?? (Array.isArray(json.errors) ? codeIn(json.errors[0]) : '');
	const code = typeof given === 'string' || typeof given === 'number' ? String(given) : '';
	const description = asText(json.description) ?? messageIn(JSON.stringify(json));
	return {
		kind: 'error',
		code: code === '' ? undefined : code,
		description: description ?? 'no reason given',
		isPassing: PASSING_CODE.test(code),
	};
}
