/** One event of a server-sent event stream; `data` holds its data lines joined by line feeds. */
export interface ServerSentEvent {
	event?: string;
	data: string;
}

/** Longer than any event; a service that sends more is not sending events. */
const LONGEST_EVENT = 64 * 1024 * 1024;

/**
 * Reads server-sent events as they arrive, wherever the stream is cut into pieces: CR, LF or CRLF
 * line ends, comments, several data lines, characters split between pieces. An event that the stream
 * ends in, without the empty line that should close it, is yielded as well.
 *
 * Format: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 * @throws Error for an event of more than 64 Mi characters, or what reading the stream throws
 */
export async function* readServerSentEvents(
	pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<ServerSentEvent, void, undefined> {
	let name: string | undefined;
	let data: string[] = [];
	let size = 0;
	for await (const line of readLines(pieces)) {
		size += line.length;
		if (size > LONGEST_EVENT) throw new Error('The stream holds an event without an end');
		if (line === '') {
			if (data.length > 0) yield { ...(name && { event: name }), data: data.join('\n') };
			name = undefined;
			data = [];
			size = 0;
			continue;
		}
		const colon = line.indexOf(':');
		const field = colon < 0 ? line : line.slice(0, colon);
		const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
		if (field === 'data') data.push(value);
		else if (field === 'event') name = value;
	}
	if (data.length > 0) yield { ...(name && { event: name }), data: data.join('\n') };
}

async function* readLines(
	pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<string, void, undefined> {
	const decoder = new TextDecoder('utf-8');
	let rest = '';
	let endsInCr = false;
	for await (const piece of pieces) {
		const text = decoder.decode(piece, { stream: true });
		if (text === '') continue;
		const hasLineEnd = endsInCr || /[\r\n]/.test(text);
		rest += text;
		endsInCr = text.endsWith('\r');
		if (rest.length > LONGEST_EVENT) throw new Error('The stream holds a line without an end');
		if (!hasLineEnd) continue;
		// A CR at the very end may be the first half of a CRLF, so it waits for what follows.
		const complete = /^[\s\S]*(?:\n|\r(?=[\s\S]))/.exec(rest)?.[0];
		if (complete === undefined) continue;
		rest = rest.slice(complete.length);
		yield* complete.replace(/(?:\r\n|\r|\n)$/, '').split(LINE_END);
	}
	rest += decoder.decode();
	if (rest !== '') yield* rest.split(LINE_END);
}

const LINE_END = /\r\n|\r|\n/;
