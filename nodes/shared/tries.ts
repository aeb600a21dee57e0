import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';

import type { FileAnswer } from './longRecordings/fileAnswer';

/** A job of a service, under way or done, that was accepted for an item and may cost money. */
export interface AcceptedJob {
	/** As the service calls it, such as `prediction`. */
	kind: string;
	id: string;
}

/** What was done for one item, also by an earlier try of the node. */
export interface ItemWork {
	/** Set by the operation as soon as the service has accepted the job. */
	job?: AcceptedJob;
	/** What the item put out, where it succeeded. */
	results?: INodeExecutionData[];
	/** What the service said to parts of its recording, by the hash of each part's file. */
	answeredParts?: Map<string, FileAnswer>;
}

const MOST_TRIES = 5;
const FEWEST_TRIES = 2;
const USUAL_TRIES = 3;

/**
 * The tries of each step of an execution. n8n hands the same object to all tries of a step and another one to
 * every other step, be it the next run of the node in a loop; what is kept is freed with it. Kept in memory,
 * since n8n would store the node's own context, with every result in it, a second time with the execution,
 * and its tries are all made by one process.
 */
const stepsWithTries = new WeakMap<object, { work: ItemWork[]; left: number }>();

/** One try of a node to do its items. */
export interface NodeTry {
	/** What was done for each item, in the order of the items. */
	work: ItemWork[];
	/** Whether n8n will try the node again, should it fail. */
	hasNext: boolean;
}

/**
 * Begins a try of the node: with 'Retry On Fail' it finds what earlier tries have done. A tool that an agent
 * runs within its own step has nothing of the kind: its calls cannot be told apart there.
 */
export function beginTry(context: IExecuteFunctions, count: number): NodeTry {
	const fresh = () => Array.from({ length: count }, (): ItemWork => ({}));
	const step = stepOf(context);
	if (step === undefined) return { work: fresh(), hasNext: false };
	const { maxTries } = context.getNode();
	// https://github.com/n8n-io/n8n/blob/master/packages/core/src/execution-engine/workflow-execute.ts
	const wanted = maxTries === undefined || maxTries === 0 ? USUAL_TRIES : maxTries;
	const most = Math.min(MOST_TRIES, Math.max(FEWEST_TRIES, wanted));
	const tries = stepsWithTries.get(step) ?? { work: fresh(), left: most };
	stepsWithTries.set(step, tries);
	tries.left--;
	return { work: tries.work, hasNext: tries.left > 0 };
}

/** Whether n8n will try the node again though it puts out these items: it looks at the first one's error. */
export function isTriedAgain(context: IExecuteFunctions, items: INodeExecutionData[]): boolean {
	const step = stepOf(context);
	const tries = step && stepsWithTries.get(step);
	const error = items[0]?.json.error;
	return tries !== undefined && tries.left > 0 && (error ?? false) !== false;
}

/** What all tries of the node within this step have in common; none where there is but one try. */
function stepOf(context: IExecuteFunctions): object | undefined {
	const { name, retryOnFail } = context.getNode();
	const step = retryOnFail === true ? context.getExecuteData() : undefined;
	return step?.node.name === name ? step : undefined;
}
