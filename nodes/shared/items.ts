import {
	NodeApiError,
	NodeOperationError,
	type IDataObject,
	type IExecuteFunctions,
	type INodeExecutionData,
} from 'n8n-workflow';

import { isToolRun, partialResultOf, type Item } from './item';
import { abortable } from './time';

/** What an operation does with one item; it stops when the item's signal is aborted. */
export type ItemOperation = (item: Item) => Promise<INodeExecutionData[]>;

/**
 * Runs the operation for every input item, at most `concurrency` at once, and returns the results
 * in the order of the items, each paired with its item.
 *
 * With 'Continue On Fail' a failed item yields `{ error, details? }`, and what it had of its result;
 * otherwise the first failure stops the items in flight and is thrown. For an AI agent the message of a
 * failure holds its description too.
 *
 * @throws NodeApiError or NodeOperationError of the failed item; NodeOperationError when the
 * execution is stopped, within a second, without starting further items.
 */
export async function runItems(
	context: IExecuteFunctions,
	concurrency: number,
	operation: ItemOperation,
): Promise<INodeExecutionData[]> {
	const count = context.getInputData().length;
	const results: INodeExecutionData[][] = [];
	const stop = new AbortController();
	const cancelled = context.getExecutionCancelSignal();
	const signal = cancelled ? AbortSignal.any([cancelled, stop.signal]) : stop.signal;
	let failure: NodeApiError | NodeOperationError | undefined;
	let next = 0;

	const work = async () => {
		while (next < count && !signal.aborted) {
			const itemIndex = next++;
			try {
				const items = await abortable(operation({ context, itemIndex, signal }), signal);
				results[itemIndex] = items.map((item) => ({ ...item, pairedItem: { item: itemIndex } }));
			} catch (error) {
				if (signal.aborted) return;
				const itemError = asItemError(context, error, itemIndex);
				if (context.continueOnFail()) {
					results[itemIndex] = [failedItem(itemError, itemIndex)];
				} else {
					failure = itemError;
					stop.abort();
				}
			}
		}
	};
	await Promise.all(Array.from({ length: Math.min(concurrency, count) }, work));

	if (failure) throw failure;
	if (cancelled?.aborted) {
		throw new NodeOperationError(context.getNode(), 'The execution was stopped', {
			description: 'Items that were under way were broken off; no further ones were started.',
		});
	}
	return results.flat();
}

function asItemError(
	context: IExecuteFunctions,
	error: unknown,
	itemIndex: number,
): NodeApiError | NodeOperationError {
	const itemError =
		error instanceof NodeApiError || error instanceof NodeOperationError
			? error
			: new NodeOperationError(context.getNode(), error as Error, { itemIndex });
	itemError.context.itemIndex = itemIndex;
	if (!itemError.message.includes('[item ')) itemError.message += ` [item ${itemIndex}]`;
	if (isToolRun(context)) tellModel(itemError);
	return itemError;
}

/** An AI model that uses the node as its tool is shown the message alone. */
function tellModel(error: NodeApiError | NodeOperationError): void {
	const { description } = error;
	if (description) error.message = `${error.message}: ${description}`;
}

function failedItem(
	error: NodeApiError | NodeOperationError,
	itemIndex: number,
): INodeExecutionData {
	// Not as the item's `error`: n8n would then leave nothing but the message.
	const json: IDataObject = { error: error.message };
	if (error.description) json.details = error.description;
	return { json: { ...json, ...partialResultOf(error) }, pairedItem: { item: itemIndex } };
}
