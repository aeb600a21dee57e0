import fc from 'fast-check';

import { readServerSentEvents } from '../../../../../nodes/shared/http/serverSentEvents.ts';

async function* pieces(bytes: Uint8Array, cuts: number[]): AsyncGenerator<Uint8Array> {
	const ends = [...new Set([...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort(
		(a, b) => a - b,
	);
	let start = 0;
	for (const end of ends) {
		yield await Promise.resolve(bytes.subarray(start, end));
		start = end;
	}
}

const read = (text: string, cuts: number[] = []) =>
	Array.fromAsync(readServerSentEvents(pieces(new TextEncoder().encode(text), cuts)));

describe('readServerSentEvents', () => {
	it.each([
		['LF', '\n'],
		['CR', '\r'],
		['CRLF', '\r\n'],
	])('ends lines at %s', async (_, end) => {
		const text = ['data: one', '', 'event: note', 'data: two', 'data: lines', '', ''].join(end);
		expect(await read(text)).toEqual([{ data: 'one' }, { event: 'note', data: 'two\nlines' }]);
	});

	it('passes over comments, unknown fields and a byte order mark', async () => {
		expect(await read('\ufeff: hello\nid: 7\nretry: 10\ndata:x\n\n:\n\n')).toEqual([{ data: 'x' }]);
	});

	it('keeps all but one leading space of the data', async () => {
		expect(await read('data:  see\n\ndata\n\n')).toEqual([{ data: ' see' }, { data: '' }]);
	});

	it('yields an event that the stream ends in', async () => {
		expect(await read('data: {"a":1}\n\ndata: {"b":2}')).toEqual([
			{ data: '{"a":1}' },
			{ data: '{"b":2}' },
		]);
	});

	it('yields each event before the next piece is asked for', async () => {
		let asked = 0;
		const source = (async function* () {
			for (const text of ['data: 1\n\n', 'data: 2\n\n']) {
				asked++;
				yield await Promise.resolve(new TextEncoder().encode(text));
			}
		})();
		const events = readServerSentEvents(source);
		expect((await events.next()).value).toEqual({ data: '1' });
		expect(asked).toBe(1);
	});

	it('refuses an event without an end before it fills the memory', async () => {
		const endless = (async function* () {
			const piece = new TextEncoder().encode('x'.repeat(1024 * 1024));
			for (;;) yield await Promise.resolve(piece);
		})();
		await expect(Array.fromAsync(readServerSentEvents(endless))).rejects.toThrow('without an end');
	});

	it('gives the same events however the stream is cut', async () => {
		const line = fc.oneof(
			fc.constant(''),
			fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => `data: ${text}`),
			fc.constantFrom(': comment', 'event: delta', 'data', 'id: 3', 'data: {"é":"🎧"}'),
		);
		const stream = fc
			.array(fc.tuple(line, fc.constantFrom('\n', '\r', '\r\n')), { maxLength: 20 })
			.map((lines) => lines.map(([text, end]) => text.replace(/[\r\n]/g, '') + end).join(''));
		await fc.assert(
			fc.asyncProperty(stream, fc.array(fc.nat(), { maxLength: 12 }), async (text, cuts) => {
				const everyByte = Array.from({ length: text.length * 4 }, (_, index) => index);
				const whole = await read(text);
				expect(await read(text, cuts)).toEqual(whole);
				expect(await read(text, everyByte)).toEqual(whole);
			}),
		);
	});
});
