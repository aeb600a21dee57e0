import {
	NodeApiError,
	NodeOperationError,
	type IDataObject,
	type IExecuteFunctions,
	type INodeExecutionData,
} from 'n8n-workflow';

import { isToolRun, partialResultOf, type Item } from './item';
import { abortable } from './time';
import { beginTry, type AcceptedJob, type ItemWork } from './tries';

/** What an operation does with one item; it stops when the item's signal is aborted. */
export type ItemOperation = (item: Item) => Promise<INodeExecutionData[]>;

/**
 * Runs the operation for every input item, at most `concurrency` at once, and returns the results
 * in the order of the items, each paired with its item.
 *
 * With 'Continue On Fail' a failed item yields `{ error, details? }`, and what it had of its result;
 * otherwise the first failure stops the items in flight and is thrown, with the ids of the jobs that were
 * accepted for the others. For an AI agent the message of a failure holds its description too.
 *
 * With 'Retry On Fail' n8n runs the node again, as often as that says: items that have succeeded are then not
 * done once more, and a failure lets those in flight end as long as there is a further try.
 *
 * @throws NodeApiError or NodeOperationError of the failed item; NodeOperationError when the
 * execution is stopped, within a second, without starting further items.
 */
export async function runItems(
	context: IExecuteFunctions,
	concurrency: number,
	operation: ItemOperation,
): Promise<INodeExecutionData[]> {
	const { work, hasNext } = beginTry(context, context.getInputData().length);
	const results = work.map((done) => done.results);
	const missing = [...work.keys()].filter((itemIndex) => results[itemIndex] === undefined);
	const stop = new AbortController();
	const cancelled = context.getExecutionCancelSignal();
	const signal = cancelled ? AbortSignal.any([cancelled, stop.signal]) : stop.signal;
	let failure: NodeApiError | NodeOperationError | undefined;

	const run = async (itemIndex: number) => {
		const done = work[itemIndex] ?? {};
		try {
			const item = { context, itemIndex, signal, work: done };
			const items = await abortable(operation(item), signal);
			done.results = items.map((each) => ({ ...each, pairedItem: { item: itemIndex } }));
			results[itemIndex] = done.results;
		} catch (error) {
			if (signal.aborted) return;
			const itemError = asItemError(context, error, itemIndex);
			if (context.continueOnFail()) {
				results[itemIndex] = [failedItem(itemError, itemIndex)];
			} else {
				failure ??= itemError;
				if (!hasNext) stop.abort();
			}
		}
	};
	const runNext = async () => {
		for (let next = missing.shift(); next !== undefined; next = missing.shift()) {
			await run(next);
			if (failure !== undefined || signal.aborted) return;
		}
	};
	await Promise.all(Array.from({ length: Math.min(concurrency, missing.length) }, runNext));

	if (failure) throw hasNext ? failure : withOthersJobs(failure, jobsIn(work));
	if (cancelled?.aborted) {
		throw new NodeOperationError(context.getNode(), 'The execution was stopped', {
			description: 'Items that were under way were broken off; no further ones were started.',
		});
	}
	return results.flatMap((items) => items ?? []);
}

const MOST_NAMED = 100;

interface ItemJob extends AcceptedJob {
	/** Of the item that it was accepted for. */
	index: number;
}

function jobsIn(work: ItemWork[]): ItemJob[] {
	return work.flatMap(({ job }, index) => (job ? [{ ...job, index }] : []));
}

/** The error of an item with the jobs that were accepted for other items, whose results the node cannot put out. */
export function withOthersJobs<E extends NodeApiError | NodeOperationError>(
	error: E,
	jobs: ItemJob[],
): E {
	const others = jobs
		.filter(({ index }) => index !== error.context.itemIndex)
		.map(({ kind, id, index }) => `${kind} ${id} [item ${index}]`);
	if (others.length === 0) return error;
	const more = others.length > MOST_NAMED ? ` and ${others.length - MOST_NAMED} more` : '';
	const named = `Accepted for other items by then, and perhaps billed: ${others.slice(0, MOST_NAMED).join(', ')}${more}. Those that were still waited for are given up. Set 'On Error' to continue, so that one item does not end the others.`;
	error.description = `${error.description ?? ''} ${named}`.trim();
	error.context.acceptedJobs = others;
	return error;
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
