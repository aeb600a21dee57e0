import { updateDisplayOptions, type INodeExecutionData, type INodeProperties } from 'n8n-workflow';

import { isSimplified, simplifyField } from '../../shared/fields';
import type { Item } from '../../shared/item';
import { predictionIdField } from '../fields';
import { predictionIdOf, readPrediction } from '../prediction';
import { predictionItem } from '../output';

/** The fields of the operation, in the order the editor shows them. */
export const description: INodeProperties[] = updateDisplayOptions(
	{ show: { resource: ['prediction'], operation: ['get'] } },
	[predictionIdField, simplifyField],
);

/**
 * Reads a prediction, whatever its status: GET `/predictions/{id}`.
 *
 * https://connecte.ai/docs/api-reference/methods
 */
export async function execute(item: Item): Promise<INodeExecutionData[]> {
	const id = predictionIdOf(item);
	const simplify = isSimplified(item);
	return [predictionItem(item, await readPrediction(item, id), simplify)];
}
