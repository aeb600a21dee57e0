import type { IExecuteFunctions } from 'n8n-workflow';

import type { Item } from '../../../../nodes/shared/item.ts';
import { LiveText } from '../../../../nodes/shared/liveText.ts';

type Chunk = [type: string, item: number, content?: unknown];

/** An item whose listener does `take` with each chunk; the third item, so that indexes show. */
function listenedTo(take: (chunk: Chunk) => unknown, isStreaming = true): Item {
	const context = {
		isStreaming: () => isStreaming,
		sendChunk: async (...chunk: Chunk) => await take(chunk),
	};
	return itemWith(context);
}

function itemWith(context: object): Item {
	const { signal } = new AbortController();
	const known = { getNode: () => ({ name: 'Node' }), ...context };
	return { context: known as unknown as IExecuteFunctions, itemIndex: 2, signal };
}

describe('LiveText', () => {
	it('sends begin, the pieces in order, and end, whatever the listener takes for each', async () => {
		const taken: Chunk[] = [];
		const live = new LiveText(
			listenedTo(async (chunk) => {
				// The first one takes longest: without order the others would overtake it.
				for (let turn = 8 - taken.length * 4; turn > 0; turn--) await Promise.resolve();
				taken.push(chunk);
			}),
		);
		live.begin();
		live.add('one');
		live.add('');
		live.add(' two');
		await live.end();
		expect(taken).toEqual([
			['begin', 2, undefined],
			['item', 2, 'one'],
			['item', 2, ' two'],
			['end', 2, undefined],
		]);
	});

	it('begins once, and sends nothing before that', async () => {
		const taken: Chunk[] = [];
		const live = new LiveText(listenedTo((chunk) => taken.push(chunk)));
		live.add('too early');
		await live.fail('too early');
		live.begin();
		live.begin();
		await live.fail('broken off');
		expect(taken).toEqual([
			['begin', 2, undefined],
			['error', 2, 'broken off'],
		]);
	});

	it('sends nothing where the workflow does not answer in a stream', async () => {
		const taken: Chunk[] = [];
		const live = new LiveText(listenedTo((chunk) => taken.push(chunk), false));
		live.begin();
		live.add('one');
		await live.end();
		expect(taken).toEqual([]);
	});

	it.each([
		['stream', {}],
		['send', { isStreaming: () => true }],
	])('does nothing where n8n is too old to %s', async (_, context) => {
		const live = new LiveText(itemWith(context));
		live.begin();
		live.add('one');
		await expect(live.end()).resolves.toBeUndefined();
	});

	it.each([
		['rejects', () => Promise.reject(new Error('gone'))],
		[
			'throws',
			() => {
				throw new Error('gone');
			},
		],
	])('sends no more to a listener that %s, and does not fail', async (_, take) => {
		let calls = 0;
		const item = itemWith({
			isStreaming: () => true,
			sendChunk: () => {
				calls++;
				return take();
			},
		});
		const live = new LiveText(item);
		live.begin();
		live.add('one');
		await expect(live.end()).resolves.toBeUndefined();
		expect(calls).toBe(1);
	});

	it('sends the whole text as one piece only where none of it was sent', async () => {
		const taken: Chunk[] = [];
		const whole = new LiveText(listenedTo((chunk) => taken.push(chunk)));
		await whole.endWith('one two');
		expect(taken).toEqual([
			['begin', 2, undefined],
			['item', 2, 'one two'],
			['end', 2, undefined],
		]);
		taken.length = 0;
		const inPieces = new LiveText(listenedTo((chunk) => taken.push(chunk)));
		inPieces.begin();
		inPieces.add('one');
		await inPieces.endWith('one two');
		expect(taken.map(([type, , content]) => [type, content])).toEqual([
			['begin', undefined],
			['item', 'one'],
			['end', undefined],
		]);
	});

	it("sends nothing of an agent's tool, whose text is for the agent", async () => {
		const taken: Chunk[] = [];
		const item = itemWith({
			isStreaming: () => true,
			isToolExecution: () => true,
			sendChunk: (...chunk: Chunk) => void taken.push(chunk),
		});
		await new LiveText(item).endWith('one');
		expect(taken).toEqual([]);
	});

	it('ends although the listener never takes anything', async () => {
		const limits: number[] = [];
		// The limit of every wait is over at once: a wait without one would never end.
		jest.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
			limits.push(ms);
			return AbortSignal.abort(new Error('too late'));
		});
		let calls = 0;
		const live = new LiveText(
			listenedTo(() => {
				calls++;
				return new Promise(() => undefined);
			}),
		);
		live.begin();
		live.add('one');
		await live.end();
		jest.restoreAllMocks();
		expect(calls).toBeLessThanOrEqual(1);
		expect(Math.max(...limits)).toBeLessThanOrEqual(10_000);
	});
});
