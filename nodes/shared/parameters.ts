import type { IExecuteFunctions } from 'n8n-workflow';

import { inputError, type Item } from './item';

/**
 * The value as a number within the limits; `undefined` where the user set none.
 * @throws NodeOperationError naming the parameter and the limits
 */
export function numberWithin(
	item: Pick<Item, 'context' | 'itemIndex'>,
	displayName: string,
	value: unknown,
	limits: { min: number; max: number; integer?: boolean },
): number | undefined {
	if (value === undefined || value === null || value === '') return undefined;
	const number = typeof value === 'string' ? Number(value) : value;
	const { min, max, integer = false } = limits;
	const kind = integer ? 'a whole number' : 'a number';
	const range = max === Infinity ? `of at least ${min}` : `between ${min} and ${max}`;
	if (
		typeof number !== 'number' ||
		!Number.isFinite(number) ||
		number < min ||
		number > max ||
		(integer && !Number.isInteger(number))
	) {
		throw inputError(
			item,
			`'${displayName}' must be ${kind} ${range}, but is ${JSON.stringify(value)}`,
			`Set '${displayName}' to ${kind} ${range}, or remove it.`,
		);
	}
	return number;
}

/** The value as text without surrounding white space; `undefined` where none is left. */
export function nonEmpty(value: unknown): string | undefined {
	const isText = ['string', 'number', 'boolean'].includes(typeof value);
	const text = isText ? String(value).trim() : '';
	return text === '' ? undefined : text;
}

/** A switch, which an expression may give as text. */
export function isOn(value: unknown): boolean {
	return value === true || value === 'true';
}

/**
 * The value as one of the choices of a field.
 * @throws NodeOperationError naming the field and its choices
 */
export function choiceOf<T extends string>(
	item: Item,
	displayName: string,
	value: unknown,
	choices: readonly T[],
): T {
	const choice = choices.find((known) => known === value);
	if (choice !== undefined) return choice;
	throw inputError(
		item,
		`'${displayName}' must be one of ${choices.join(', ')}, but is ${JSON.stringify(value)}`,
		`Set '${displayName}' to one of: ${choices.join(', ')}.`,
	);
}

/** A list field: an array of strings, or by an expression a single one. */
export function listOf(value: unknown): string[] {
	if (typeof value === 'string') return value.trim() === '' ? [] : [value.trim()];
	return Array.isArray(value) ? value.map(String) : [];
}

/**
 * How many items of this node run at once: `options.concurrency` of the first item, 1 to 100.
 * @throws NodeOperationError where it is anything else
 */
export function concurrencyOf(context: IExecuteFunctions): number {
	const value = context.getNodeParameter('options.concurrency', 0, 10);
	return (
		numberWithin({ context, itemIndex: 0 }, 'Concurrency', value, {
			min: 1,
			max: 100,
			integer: true,
		}) ?? 10
	);
}

/**
 * The value as one path segment of a URL, percent-encoded.
 * @throws NodeOperationError for an empty value, a whole address, `.` and `..`
 */
export function pathSegment(item: Item, displayName: string, value: unknown): string {
	const segment = String(value ?? '').trim();
	if (segment === '') {
		throw inputError(item, `'${displayName}' is empty`, `Set '${displayName}'.`);
	}
	if (segment === '.' || segment === '..' || segment.includes('://')) {
		throw inputError(
			item,
			`'${displayName}' is not a single path segment`,
			`Set '${displayName}' to the segment alone, without an address or dots.`,
		);
	}
	return encodeURIComponent(segment);
}
