import type { INodeExecutionData } from 'n8n-workflow';

import { isToolRun, type Item } from '../shared/item';
import { predictionError, type Prediction } from './prediction';
import { predictionJson, toTranscript } from './transcript';

/**
 * A prediction as an item, whatever its status: simplified or as it is, or for an AI agent the text alone
 * where there is one.
 * @param model the name that was asked for, where it is known
 */
export function predictionItem(
	item: Item,
	prediction: Prediction,
	simplify: boolean,
	model?: string,
): INodeExecutionData {
	if (isToolRun(item.context)) {
		const transcript = toTranscript(prediction, model);
		const { id, status, output } = prediction;
		return { json: transcript ? { text: transcript.text } : { id, status, output } };
	}
	return { json: simplify ? predictionJson(prediction, model) : prediction };
}

/**
 * As `predictionItem`, for an operation that is to yield a result.
 * @throws NodeOperationError for a prediction that failed or was cancelled
 */
export function resultItem(
	item: Item,
	prediction: Prediction,
	simplify: boolean,
	model?: string,
): INodeExecutionData {
	const failure = predictionError(item, prediction, model);
	if (failure) throw failure;
	return predictionItem(item, prediction, simplify, model);
}
