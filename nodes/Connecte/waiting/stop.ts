import type { IExecuteFunctions } from 'n8n-workflow';

import { cancelPrediction } from '../prediction';

const LONGEST_CANCEL_MS = 30_000;

/**
 * The context for what must still be done when the execution has been stopped: n8n breaks off every
 * request of a stopped execution at once.
 */
export function beyondStop(context: IExecuteFunctions): IExecuteFunctions {
	return Object.create(context, {
		getExecutionCancelSignal: { value: () => undefined },
	}) as IExecuteFunctions;
}

/** Cancels a prediction that nobody waits for any more. Never throws: there is nobody to tell. */
export async function cancelUnattended(
	context: IExecuteFunctions,
	id: string,
	itemIndex: number,
): Promise<void> {
	try {
		const signal = AbortSignal.timeout(LONGEST_CANCEL_MS);
		await cancelPrediction(beyondStop(context), id, { itemIndex, signal });
	} catch (error) {
		context.logger.warn(`Prediction ${id} could not be cancelled: ${(error as Error).message}`);
	}
}
