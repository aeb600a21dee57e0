import type {
	ICredentialDataDecryptedObject,
	IDataObject,
	IExecuteFunctions,
	INodeExecutionData,
	IRunExecutionData,
	IWebhookFunctions,
} from 'n8n-workflow';

import { isObject, parseJson } from '../../shared/http/answer';
import type { Item } from '../../shared/item';
import { isTriedAgain } from '../../shared/tries';
import { withCredential } from '../callback/credential';
import { CONNECTE } from '../connecteService';
import type { Prediction } from '../prediction';
import { cancelAbandoned, withoutCancel } from './cancellation';
import { AFTER_DEADLINE_MS, startMonitor, type WatchedPrediction } from './monitor';
import type { WaitOptions } from './options';

/** A prediction whose end an execution is to wait for. */
interface AwaitedPrediction {
	item: Item;
	prediction: Prediction;
	model: string;
	simplify: boolean;
	waiting: WaitOptions;
	resumeUrl: string;
}

/** What is stored of a prediction that is waited for. */
export interface StoredPrediction {
	/** Its place among the node's output items. */
	index: number;
	id: string;
	model: string;
	simplify: boolean;
}

/** What is stored with a waiting execution, to end its wait by. */
export interface WaitState {
	/** Milliseconds since 1970. */
	deadline: number;
	/** When n8n ends the wait itself. */
	limit: number;
	/** At least one; the id of the first one identifies the wait. */
	predictions: StoredPrediction[];
}

const STATE = 'connecteWait';
/** Of executions that were put to wait before an execution could wait for several predictions. */
const OLDER_STATE = 'connectePrediction';

interface OlderWaitState {
	id: string;
	model: string;
	simplify: boolean;
	/** Milliseconds since 1970. */
	deadline: number;
}

/** For the cancelling and the last reading of many, which takes its time where the API is slow. */
const AFTER_DEADLINE_PER_PREDICTION_MS = 2_000;

/** By the content of the item that stands for it until the execution is suspended. */
const awaited = new WeakMap<IDataObject, AwaitedPrediction>();

/**
 * What stands for the result of a prediction that the execution is to wait for, see `suspendExecution`.
 * Should another item end the node before that, the prediction is cancelled.
 */
export function awaitedItem(awaiting: AwaitedPrediction): INodeExecutionData {
	const { item, prediction } = awaiting;
	const { id, status } = prediction;
	const json = { id, status };
	awaited.set(json, awaiting);
	item.signal.addEventListener('abort', () => void cancelAbandoned(item, id), { once: true });
	return { json };
}

/**
 * Has n8n store the execution until all predictions among the items have ended, and watches over it
 * meanwhile; does nothing where there is none, or where n8n tries the node again for another item. Should
 * all processes that know of the wait be gone, n8n's own limit ends it: it then passes on what the node's
 * entry in its stack holds, which is made to be the results that are there already, and
 * `{ id, status, timedOut: true }` for each prediction.
 *
 * @returns what the node puts out while it waits; its results take that place
 */
export async function suspendExecution(
	context: IExecuteFunctions,
	items: INodeExecutionData[],
): Promise<INodeExecutionData[]> {
	const waits = items.flatMap(({ json }, index) => {
		const awaiting = awaited.get(json);
		return awaiting ? [{ ...awaiting, index }] : [];
	});
	const [first] = waits;
	if (!first || isTriedAgain(context, items)) return items;
	const deadline = Date.now() + Math.max(...waits.map(({ waiting }) => waiting.maxWaitMs));
	const limit = deadline + AFTER_DEADLINE_MS + waits.length * AFTER_DEADLINE_PER_PREDICTION_MS;
	const predictions = await watched(waits);
	const state: WaitState = {
		deadline,
		limit,
		predictions: waits.map(({ index, prediction: { id }, model, simplify }) => ({
			index,
			id,
			model,
			simplify,
		})),
	};
	context.getContext('node')[STATE] = JSON.stringify(state);
	context.getExecuteData().data = {
		main: [
			items.map((item) =>
				awaited.has(item.json) ? { ...item, json: { ...item.json, timedOut: true } } : item,
			),
		],
	};
	await context.putExecutionToWait(new Date(limit));
	startMonitor({ predictions, resumeUrl: first.resumeUrl, deadline, limit });
	return items;
}

/** With the credential as it is now: once the execution is stored, n8n cannot evaluate one that holds an expression. */
async function watched(waits: AwaitedPrediction[]): Promise<WatchedPrediction[]> {
	const contexts = new Map<string, IExecuteFunctions>();
	const predictions: WatchedPrediction[] = [];
	for (const { item, prediction, waiting } of waits) {
		const credential = await item.context.getCredentials<ICredentialDataDecryptedObject>(
			CONNECTE.credentialType,
			item.itemIndex,
		);
		const key = JSON.stringify(credential);
		const context = contexts.get(key) ?? withCredential(withoutCancel(item).context, credential);
		contexts.set(key, context);
		const { id, status } = prediction;
		predictions.push({ id, status, context, cancelOnTimeout: waiting.cancelOnTimeout });
	}
	return predictions;
}

/** What was stored with the execution that a webhook call is for; `undefined` where it is not ours. */
export function storedState(context: IWebhookFunctions): WaitState | undefined {
	const state = storedIn(context, STATE);
	if (state && Array.isArray(state.predictions)) return state as unknown as WaitState;
	const older = storedIn(context, OLDER_STATE) as unknown as OlderWaitState | undefined;
	if (typeof older?.id !== 'string') return undefined;
	const { deadline, id, model, simplify } = older;
	const predictions = [{ index: 0, id, model, simplify }];
	return { deadline, limit: deadline + AFTER_DEADLINE_MS, predictions };
}

function storedIn(context: IWebhookFunctions, key: string): IDataObject | undefined {
	const name = JSON.stringify(context.getNode().name);
	const stored = context.evaluateExpression(`{{ $node[${name}].context[${JSON.stringify(key)}] }}`);
	const state = typeof stored === 'string' ? parseJson(stored) : undefined;
	return isObject(state) ? state : undefined;
}

/** What n8n hands to webhook functions besides their typed interface. */
interface ResumingContext {
	runExecutionData?: IRunExecutionData | null;
}

type StackEntry = NonNullable<IRunExecutionData['executionData']>['nodeExecutionStack'][number];

/** The step of a waiting execution that a call is for; none where the execution has gone on meanwhile. */
export function waitingStep(context: IWebhookFunctions): StackEntry | undefined {
	const { runExecutionData } = context as unknown as ResumingContext;
	const step = runExecutionData?.executionData?.nodeExecutionStack[0];
	return step?.node.name === context.getNode().name ? step : undefined;
}
