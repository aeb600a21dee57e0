import { optionsOf } from '../../shared/fieldValues';
import type { Item } from '../../shared/item';
import { cancelOnTimeoutOption, maxWaitOption, pollIntervalOption } from '../fields';

/** How to wait for the end of a prediction, times in milliseconds. */
export interface WaitOptions {
	pollIntervalMs: number;
	maxWaitMs: number;
	cancelOnTimeout: boolean;
}

/** @throws NodeOperationError for numbers that are none or out of range */
export function waitOptions(item: Item): WaitOptions {
	const options = optionsOf(item);
	return {
		pollIntervalMs: options.number(pollIntervalOption) * 1_000,
		maxWaitMs: options.number(maxWaitOption) * 1_000,
		cancelOnTimeout: options.isOn(cancelOnTimeoutOption),
	};
}
