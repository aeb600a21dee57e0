import { updateDisplayOptions, type INodeExecutionData, type INodeProperties } from 'n8n-workflow';

import { isSimplified, simplifyField } from '../../shared/fields';
import type { Item } from '../../shared/item';
import {
	cancelOnTimeoutOption,
	maxWaitOption,
	pollIntervalOption,
	predictionIdField,
} from '../fields';
import { predictionIdOf } from '../prediction';
import { resultItem } from '../output';
import { waitOptions } from '../waiting/options';
import { pollUntilEnd } from '../waiting/poll';

/** The fields of the operation, in the order the editor shows them. */
export const description: INodeProperties[] = updateDisplayOptions(
	{ show: { resource: ['prediction'], operation: ['wait'] } },
	[
		predictionIdField,
		simplifyField,
		{
			displayName: 'Options',
			name: 'options',
			type: 'collection',
			placeholder: 'Add option',
			default: {},
			options: [cancelOnTimeoutOption, maxWaitOption, pollIntervalOption],
		},
	],
);

/**
 * Waits for the end of a prediction: GET `/predictions/{id}` at once and then every 'Poll Interval'.
 *
 * @throws NodeOperationError for a prediction that failed, was cancelled or did not end in time
 */
export async function execute(item: Item): Promise<INodeExecutionData[]> {
	const id = predictionIdOf(item);
	const simplify = isSimplified(item);
	// Created elsewhere, so that somebody else may want its result.
	const options = { ...waitOptions(item), firstCheckMs: 0, cancelOnStop: false };
	const last = await pollUntilEnd(item, id, undefined, options);
	return [resultItem(item, last, simplify)];
}
