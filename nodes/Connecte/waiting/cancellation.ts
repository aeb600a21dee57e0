import type { IExecuteFunctions } from 'n8n-workflow';

import type { Item } from '../../shared/item';
import { cancelPrediction } from '../prediction';

const LONGEST_CANCEL_MS = 30_000;

/**
 * The item for what must still be done when the execution has been stopped: n8n breaks off every
 * request of a stopped execution at once.
 * @param signal ends that work instead; without it, it goes on to its end
 */
export function withoutCancel(
	{ context, itemIndex }: Item,
	signal: AbortSignal = new AbortController().signal,
): Item {
	const unstopped = Object.create(context, {
		getExecutionCancelSignal: { value: () => undefined },
	}) as IExecuteFunctions;
	return { context: unstopped, itemIndex, signal };
}

/** Cancels a prediction that nobody waits for any more. Never throws: there is nobody to tell. */
export async function cancelAbandoned(item: Item, id: string): Promise<void> {
	try {
		await cancelPrediction(withoutCancel(item, AbortSignal.timeout(LONGEST_CANCEL_MS)), id);
	} catch (error) {
		item.context.logger.warn(
			`Prediction ${id} could not be cancelled: ${(error as Error).message}`,
		);
	}
}
