import type { IDataObject } from 'n8n-workflow';

import { isObject, messageIn, parseJson, type Answer } from '../shared/answer';
import { readServerSentEvents } from '../shared/serverSentEvents';

/** Called with the text so far and the piece just added to it. */
export type OnDelta = (text: string, delta: string) => Promise<void>;

/** The stream said that the transcription failed, or ended before it was done. */
export class UnfinishedStream extends Error {}

/**
 * Reads a streamed transcription to its end. The result is the `transcript.text.done` event, with
 * the `transcript.text.segment` events as its `segments`.
 *
 * Events: https://docs.cloudsway.net/maasapi/api-reference/asr/4omini-transcribe (Stream)
 * @throws UnfinishedStream for an error event, or an end without `transcript.text.done`
 */
export async function readEventStream(answer: Answer, onDelta: OnDelta): Promise<IDataObject> {
	const segments: IDataObject[] = [];
	let text = '';
	let done: IDataObject | undefined;
	for await (const { event, data } of readServerSentEvents(answer.chunks())) {
		for (const message of messagesIn(answer.mask(data))) {
			if (message.type === 'error' || event === 'error' || message.error) {
				throw new UnfinishedStream(messageIn(JSON.stringify(message)) ?? 'no reason was given');
			}
			if (message.type === 'transcript.text.delta' && typeof message.delta === 'string') {
				text += message.delta;
				await onDelta(text, message.delta);
			} else if (message.type === 'transcript.text.segment') {
				segments.push(message);
			} else if (message.type === 'transcript.text.done') {
				done = message;
			}
		}
	}
	if (!done) throw new UnfinishedStream('it ended before the transcription was done');
	return segments.length > 0 && done.segments === undefined ? { ...done, segments } : done;
}

/** The JSON objects of an event: one as a rule; one a line where a sender leaves out empty lines. */
function messagesIn(data: string): IDataObject[] {
	if (data.trim() === '[DONE]') return [];
	const whole = parseJson(data);
	if (isObject(whole)) return [whole];
	return data
		.split('\n')
		.map(parseJson)
		.filter((message) => isObject(message));
}
