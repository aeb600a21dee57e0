import {
	NodeConnectionTypes,
	NodeOperationError,
	type IDataObject,
	type IExecuteFunctions,
	type IWebhookFunctions,
	type NodeApiError,
} from 'n8n-workflow';

import type { ItemWork } from './tries';

/** The contexts in which a service can be called. */
export type CallContext = IExecuteFunctions | IWebhookFunctions;

/** One input item under way: where its parameters are read, and what ends the work on it. */
export interface Item<C extends CallContext = IExecuteFunctions> {
	context: C;
	/** From 0; a call of a webhook has the only item. */
	itemIndex: number;
	/** Aborted when the work is to stop: the execution was stopped, or another item has ended it. */
	signal: AbortSignal;
	/** What was done for the item, also by an earlier try of the node; a call of a webhook has none. */
	work?: ItemWork;
}

/** An error for input that must not be sent: what is wrong, and in `description` how to go on. */
export function inputError(
	{ context, itemIndex }: Pick<Item<CallContext>, 'context' | 'itemIndex'>,
	message: string,
	description: string,
): NodeOperationError {
	return new NodeOperationError(context.getNode(), message, { itemIndex, description });
}

const PARTIAL = 'partialResult';

/** Has a failed item keep what there is of its result: shown with the error, and put out with 'Continue On Fail'. */
export function keepPartialResult(
	error: NodeApiError | NodeOperationError,
	result: IDataObject,
): void {
	error.context[PARTIAL] = result;
}

/** What `keepPartialResult` kept with an error. */
export function partialResultOf(error: NodeApiError | NodeOperationError): IDataObject | undefined {
	return error.context[PARTIAL] as IDataObject | undefined;
}

/**
 * Whether an AI agent runs the node as its tool. An agent that has the engine run its tools can only
 * be told by where the output goes; n8n 1.x has no `isToolExecution`.
 */
export function isToolRun(context: IExecuteFunctions): boolean {
	return (
		context.getNode().rewireOutputLogTo === NodeConnectionTypes.AiTool ||
		(typeof context.isToolExecution === 'function' && context.isToolExecution())
	);
}
