import { NodeApiError, type IWebhookFunctions } from 'n8n-workflow';

import { isObject } from '../../shared/http/answer';
import { isPassing } from '../../shared/http/passing';
import { readPrediction, type Prediction } from '../prediction';

/**
 * What the API says of a prediction: the prediction itself; `unknown` where it has none of this id;
 * `unreachable` where it cannot say anything right now; `refused` where it answers something else.
 */
export type Confirmation = Prediction | 'unknown' | 'unreachable' | 'refused';

/** How the API says that there is no such prediction. */
const UNKNOWN_ID = new Set([400, 404, 410, 422]);

/**
 * Asks the API for the prediction that a call speaks of, with the transport's retries. Never throws.
 * @param signal when it is aborted, the API counts as unreachable
 */
export async function confirmPrediction(
	context: IWebhookFunctions,
	id: string,
	signal: AbortSignal,
): Promise<Confirmation> {
	try {
		const prediction = await readPrediction({ context, itemIndex: 0, signal }, id);
		return prediction.id === id ? prediction : 'unknown';
	} catch (error) {
		if (signal.aborted || isPassing(error)) return 'unreachable';
		return saysUnknown(error) ? 'unknown' : 'refused';
	}
}

/** A page in place of JSON comes from something else than the API, so it says nothing of the id. */
function saysUnknown(error: unknown): boolean {
	return (
		error instanceof NodeApiError &&
		UNKNOWN_ID.has(Number(error.httpCode)) &&
		isObject(error.context.data)
	);
}
