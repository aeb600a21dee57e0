import {
	readEventStream,
	UnfinishedStream,
} from '../../../../../nodes/Cloudsway/transcribe/eventStream.ts';
import { maskFor } from '../../../../../nodes/shared/http/secrets.ts';

const SECRET = 'some-long-key-123';
const mask = maskFor({ key: SECRET }, { secretFields: ['key'] });

async function* stream(text: string, after?: () => Promise<never>): AsyncGenerator<Uint8Array> {
	yield await Promise.resolve(Buffer.from(text));
	if (after) await after();
}

const event = (message: object) => `data: ${JSON.stringify(message)}\n\n`;
const delta = (text: string) => event({ type: 'transcript.text.delta', delta: text });
const done = (more: object = { text: 'Hello you' }) =>
	event({ type: 'transcript.text.done', ...more });

async function read(text: string, after?: () => Promise<never>) {
	const shown: string[] = [];
	const result = await readEventStream(stream(text, after), mask, (piece) => {
		shown.push(piece);
	});
	return { result, shown: shown.join('') };
}

describe('readEventStream', () => {
	it('yields the done event and the pieces before it', async () => {
		const { result, shown } = await read(delta('Hello') + delta(' you') + done());
		expect(result).toEqual({ type: 'transcript.text.done', text: 'Hello you' });
		expect(shown).toBe('Hello you');
	});

	it('collects the segments', async () => {
		const segment = { type: 'transcript.text.segment', id: 's1', text: 'Hello', speaker: 'A' };
		expect((await read(event(segment) + done())).result.segments).toEqual([segment]);
	});

	it('takes the text of the deltas where the done event has none', async () => {
		expect((await read(delta('Hello') + done({}))).result.text).toBe('Hello');
	});

	it.each([
		['a connection that stays open', () => new Promise<never>(() => undefined)],
		['a reset', () => Promise.reject(new Error('ECONNRESET'))],
	])('does not care what comes after it is done: %s', async (_, after) => {
		expect((await read(done(), after)).result.text).toBe('Hello you');
	});

	it('reads events that no empty line separates', async () => {
		const lines = [delta('Hello'), delta(' you'), done()].map((text) => text.trim()).join('\n');
		expect((await read(lines)).shown).toBe('Hello you');
	});

	it.each([
		['an error event', 'event: error\ndata: out of memory\n\n', 'out of memory'],
		['an error message', event({ type: 'error', error: { message: 'too long' } }), 'too long'],
		['a message without a type', event({ code: 500, msg: 'NO_PASSAGEWAY' }), 'NO_PASSAGEWAY'],
		['plain text', 'data: service is busy\n\n', 'service is busy'],
	])("keeps the service's words of %s", async (_, text, said) => {
		await expect(read(delta('Hello') + text)).rejects.toMatchObject({ said });
	});

	it('does not put words into its mouth', async () => {
		const reading = read(delta('Hello'));
		await expect(reading).rejects.toBeInstanceOf(UnfinishedStream);
		await expect(reading).rejects.toMatchObject({ said: undefined });
	});

	it('masks a key that is split between deltas', async () => {
		const halves = delta('key some-long') + delta('-key-123 here');
		const { result, shown } = await read(halves + done({ text: `key ${SECRET} here` }));
		expect(shown).toBe('key ****** here');
		expect(result.text).toBe('key ****** here');
	});
});
