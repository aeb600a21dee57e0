import type { IDataObject } from 'n8n-workflow';

import { isObject, messageIn, parseJson } from '../../shared/http/answer';
import { maskedJson, PieceMask, type Mask } from '../../shared/http/secrets';
import { readServerSentEvents } from '../../shared/http/serverSentEvents';

/** Called with each piece of text that can be shown. */
export type OnText = (piece: string) => void;

/** The stream said that the transcription failed, or ended before it was done. */
export class UnfinishedStream extends Error {
	/** @param said the service's own words, where it gave any */
	constructor(readonly said?: string) {
		super(said ?? 'The stream ended before the transcription was done');
	}
}

/**
 * Reads a streamed transcription until it is done. The result is the `transcript.text.done` event,
 * with the `transcript.text.segment` events as its `segments`; where it has no text, with that of the
 * deltas. What comes after it is not waited for.
 *
 * Events: https://docs.cloudsway.net/maasapi/api-reference/asr/4omini-transcribe (Stream)
 * @throws UnfinishedStream for an error event, or an end without `transcript.text.done`
 */
export async function readEventStream(
	pieces: AsyncIterable<Uint8Array>,
	mask: Mask,
	onText: OnText,
): Promise<IDataObject> {
	const segments: IDataObject[] = [];
	const shown = new PieceMask(mask);
	let text = '';
	let unknown: string | undefined;
	for await (const { event, data } of readServerSentEvents(pieces)) {
		for (const message of messagesIn(data)) {
			if (event === 'error' || message.type === 'error' || message.error) {
				throw new UnfinishedStream(messageIn(mask(data)) ?? 'It gave no reason');
			}
			if (message.type === 'transcript.text.delta' && typeof message.delta === 'string') {
				text += message.delta;
				onText(shown.push(message.delta));
			} else if (message.type === 'transcript.text.segment') {
				segments.push(message);
			} else if (message.type === 'transcript.text.done') {
				onText(shown.end());
				const whole = typeof message.text === 'string' ? message : { ...message, text };
				const all = segments.length > 0 && !whole.segments ? { ...whole, segments } : whole;
				return maskedJson(all, mask);
			} else {
				unknown = data;
			}
		}
	}
	onText(shown.end());
	throw new UnfinishedStream(unknown && messageIn(mask(unknown)));
}

/**
 * The JSON objects of an event: one as a rule; one a line where a sender leaves out empty lines.
 * Text that is no JSON may be an error's, so it counts as one without a type.
 */
function messagesIn(data: string): IDataObject[] {
	if (data.trim() === '[DONE]') return [];
	const whole = parseJson(data);
	if (isObject(whole)) return [whole];
	const lines = data
		.split('\n')
		.map(parseJson)
		.filter((message) => isObject(message));
	return lines.length > 0 ? lines : [{}];
}
