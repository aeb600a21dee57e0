import { updateDisplayOptions, type INodeExecutionData, type INodeProperties } from 'n8n-workflow';

import type { Item } from '../../shared/item';
import { predictionIdField } from '../fields';
import { cancelPrediction, predictionIdOf } from '../prediction';

/** The fields of the operation, in the order the editor shows them. */
export const description: INodeProperties[] = updateDisplayOptions(
	{ show: { resource: ['prediction'], operation: ['cancel'] } },
	[predictionIdField],
);

/**
 * Cancels a prediction and puts it out as it then is: POST `/predictions/{id}/cancel`.
 *
 * https://connecte.ai/docs/api-reference/methods
 */
export async function execute(item: Item): Promise<INodeExecutionData[]> {
	return [{ json: await cancelPrediction(item, predictionIdOf(item)) }];
}
