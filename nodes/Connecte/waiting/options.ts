import type { Item } from '../../shared/item';
import { isOn, numberWithin } from '../../shared/parameters';

/** n8n itself keeps a callback's address for no longer than its executions, Connecte for an unknown time. */
const LONGEST_WAIT_SECONDS = 30 * 24 * 60 * 60;

/** How to wait for the end of a prediction, times in milliseconds. */
export interface WaitOptions {
	pollIntervalMs: number;
	maxWaitMs: number;
	cancelOnTimeout: boolean;
}

/** @throws NodeOperationError for numbers that are none or out of range */
export function waitOptions(item: Item): WaitOptions {
	const option = (name: string, fallback: number | boolean): unknown =>
		item.context.getNodeParameter(`options.${name}`, item.itemIndex, fallback);
	const pollInterval = numberWithin(item, 'Poll Interval', option('pollInterval', 2), {
		min: 0.1,
		max: 24 * 60 * 60,
	});
	const maxWait = numberWithin(item, 'Max Wait', option('maxWait', 600), {
		min: 1,
		max: LONGEST_WAIT_SECONDS,
	});
	return {
		pollIntervalMs: (pollInterval ?? 2) * 1_000,
		maxWaitMs: (maxWait ?? 600) * 1_000,
		cancelOnTimeout: isOn(option('cancelOnTimeout', true)),
	};
}
