import { setTimeout as delay } from 'node:timers/promises';

import { NodeOperationError, type IExecuteFunctions, type INode } from 'n8n-workflow';

import { keepPartialResult } from '../../../../nodes/shared/item.ts';
import { runItems, type ItemOperation } from '../../../../nodes/shared/items.ts';

const node: INode = {
	id: '1',
	name: 'Test',
	type: 'test',
	typeVersion: 1,
	position: [0, 0],
	parameters: {},
};

/** The four methods of the context that the loop uses; the real ones run in the integration tests. */
function contextOf(
	count: number,
	options: { continueOnFail?: boolean; cancel?: AbortSignal } = {},
) {
	const context: Pick<
		IExecuteFunctions,
		'getInputData' | 'continueOnFail' | 'getNode' | 'getExecutionCancelSignal'
	> = {
		getInputData: () => Array.from({ length: count }, (_, index) => ({ json: { index } })),
		continueOnFail: () => options.continueOnFail ?? false,
		getNode: () => node,
		getExecutionCancelSignal: () => options.cancel,
	};
	return context as IExecuteFunctions;
}

describe('runItems', () => {
	it('keeps the order of the items and pairs each result with its item', async () => {
		const operation: ItemOperation = async ({ itemIndex }) => {
			await delay(20 - itemIndex * 5);
			return [{ json: { itemIndex } }, { json: { itemIndex, second: true } }];
		};
		expect(await runItems(contextOf(3), 10, operation)).toEqual(
			[0, 1, 2].flatMap((itemIndex) => [
				{ json: { itemIndex }, pairedItem: { item: itemIndex } },
				{ json: { itemIndex, second: true }, pairedItem: { item: itemIndex } },
			]),
		);
	});

	it('has as many items under way as allowed, and no more', async () => {
		let underWay = 0;
		let most = 0;
		await runItems(contextOf(20), 4, async () => {
			most = Math.max(most, ++underWay);
			await delay(2);
			underWay--;
			return [];
		});
		expect(most).toBe(4);
	});

	it('throws the failed item, aborts those under way and starts no others', async () => {
		const started: number[] = [];
		const aborted: number[] = [];
		const running = runItems(contextOf(10), 3, async ({ itemIndex, signal }) => {
			started.push(itemIndex);
			signal.addEventListener('abort', () => aborted.push(itemIndex));
			if (itemIndex === 1) throw new Error('no good');
			await delay(10_000, undefined, { signal, ref: false });
			return [];
		});
		await expect(running).rejects.toMatchObject({
			message: 'no good [item 1]',
			context: { itemIndex: 1 },
		});
		expect(started).toEqual([0, 1, 2]);
		expect(aborted).toEqual(expect.arrayContaining([0, 2]));
	});

	it("gives a failed item its error and the others their results with 'Continue On Fail'", async () => {
		const items = await runItems(contextOf(3, { continueOnFail: true }), 2, ({ itemIndex }) =>
			itemIndex === 1
				? Promise.reject(new Error('no good'))
				: Promise.resolve([{ json: { itemIndex } }]),
		);
		expect(items.map(({ json }) => json)).toEqual([
			{ itemIndex: 0 },
			{ error: 'no good [item 1]' },
			{ itemIndex: 2 },
		]);
		expect(items[1]?.pairedItem).toEqual({ item: 1 });
	});

	it("puts out what a failed item had of its result with 'Continue On Fail'", async () => {
		const items = await runItems(contextOf(1, { continueOnFail: true }), 1, () => {
			const error = new NodeOperationError(node, 'no good', { description: 'go on so' });
			keepPartialResult(error, { transcript: { text: 'so far' } });
			return Promise.reject(error);
		});
		expect(items[0]?.json).toEqual({
			error: 'no good [item 0]',
			details: 'go on so',
			transcript: { text: 'so far' },
		});
	});

	it('ends at once when the execution is stopped, even if an item does not', async () => {
		const cancel = new AbortController();
		let started = 0;
		const running = runItems(
			contextOf(5, { cancel: cancel.signal, continueOnFail: true }),
			2,
			() => {
				started++;
				return new Promise(() => undefined);
			},
		);
		cancel.abort();
		await expect(running).rejects.toThrow('The execution was stopped');
		expect(started).toBe(2);
	});
});
