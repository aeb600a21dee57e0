import type { IExecuteFunctions, INodeExecutionData, IWebhookFunctions } from 'n8n-workflow';

import { isObject, parseJson } from '../../shared/http/answer';
import { isSimplified } from '../../shared/fields';
import type { Item } from '../../shared/item';
import { CONNECTE } from '../connecteService';
import type { Prediction } from '../prediction';
import { withoutCancel } from './cancellation';
import { AFTER_DEADLINE_MS, startMonitor } from './monitor';
import type { WaitOptions } from './options';

/** What is stored with a waiting execution, to end its wait by. */
export interface WaitState {
	id: string;
	model: string;
	simplify: boolean;
	/** Milliseconds since 1970. */
	deadline: number;
}

const STATE = 'connectePrediction';

/**
 * Has n8n store the execution until the prediction ends, and watches over it meanwhile. n8n's own limit
 * comes a minute after 'Max Wait', for a process that was restarted.
 *
 * @returns what the node puts out while it waits; its result takes that place
 */
export async function suspendExecution(
	item: Item,
	prediction: Prediction,
	model: string,
	{ maxWaitMs, cancelOnTimeout }: WaitOptions,
	resumeUrl: string,
): Promise<INodeExecutionData[]> {
	const { context } = item;
	const { id, status } = prediction;
	const deadline = Date.now() + maxWaitMs;
	storeState(context, { id, model, simplify: isSimplified(item), deadline });
	const lent = await contextWhileWaiting(item);
	await context.putExecutionToWait(new Date(deadline + AFTER_DEADLINE_MS));
	startMonitor({
		context: lent,
		prediction,
		resumeUrl,
		deadline,
		cancelOnTimeout,
	});
	return [{ json: { id, status } }];
}

/**
 * The context for the time that the execution waits. n8n evaluates no expressions for it by then, so that a
 * credential which holds one cannot be read any more; it is used as it was.
 */
async function contextWhileWaiting(item: Item): Promise<IExecuteFunctions> {
	const { context, itemIndex } = withoutCancel(item);
	const read = async () => await context.getCredentials(CONNECTE.credentialType, itemIndex);
	const credential = await read();
	return Object.create(context, {
		getCredentials: { value: async () => await read().catch(() => credential) },
	}) as IExecuteFunctions;
}

function storeState(context: IExecuteFunctions, state: WaitState): void {
	context.getContext('node')[STATE] = JSON.stringify(state);
}

/** What was stored with the execution that a webhook call is for; `undefined` where it is not ours. */
export function storedState(context: IWebhookFunctions): WaitState | undefined {
	const name = JSON.stringify(context.getNode().name);
	const stored = context.evaluateExpression(
		`{{ $node[${name}].context[${JSON.stringify(STATE)}] }}`,
	);
	const state = typeof stored === 'string' ? parseJson(stored) : undefined;
	return isObject(state) && typeof state.id === 'string'
		? (state as unknown as WaitState)
		: undefined;
}
