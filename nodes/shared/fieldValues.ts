import type { IDataObject, INodeProperties } from 'n8n-workflow';

import { isObject } from './http/answer';
import { inputError, type CallContext, type Item } from './item';

type ItemPlace<C extends CallContext = CallContext> = Pick<Item<C>, 'context' | 'itemIndex'>;

const LONGEST_SHOWN = 100;
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const SWITCH_WORDS: ReadonlyMap<string, boolean> = new Map([
	['true', true],
	['1', true],
	['false', false],
	['0', false],
]);

/**
 * The values of an item's fields. Each reader takes name, limits, choices and default from the field
 * itself. It understands what expressions give in another type (`'0.5'` for a number, `'True'` for a
 * switch, one text for a list) and refuses the rest by name, so that no value is dropped or changed in
 * silence. Nothing, `null` and white space count as not set.
 *
 * Every reader throws a NodeOperationError that names the field and what it takes.
 */
export class FieldValues {
	constructor(
		private readonly item: ItemPlace,
		private readonly valueOf: (field: INodeProperties) => unknown,
	) {}

	/** The number that is set, else the field's default. */
	number(field: INodeProperties): number {
		return this.numberIfSet(field) ?? (field.default as number);
	}

	/** Within the field's `minValue` and `maxValue`; whole where its `numberPrecision` is 0. */
	numberIfSet(field: INodeProperties): number | undefined {
		const value = this.given(field);
		if (value === undefined) return undefined;
		const { minValue = -Infinity, maxValue = Infinity, numberPrecision } = field.typeOptions ?? {};
		const isWhole = numberPrecision === 0;
		const number = numberIn(value);
		if (
			number === undefined ||
			number < minValue ||
			number > maxValue ||
			(isWhole && !Number.isInteger(number))
		) {
			const kind = isWhole ? 'a whole number' : 'a number';
			const range =
				maxValue === Infinity ? `of at least ${minValue}` : `between ${minValue} and ${maxValue}`;
			throw this.refusal(field, `${kind} ${range}`, value);
		}
		return number;
	}

	/** Whether the switch is on: as it is set, else as the field's default. */
	isOn(field: INodeProperties): boolean {
		return this.switchIfSet(field) ?? (field.default as boolean);
	}

	switchIfSet(field: INodeProperties): boolean | undefined {
		const value = this.given(field);
		if (value === undefined) return undefined;
		const isOn = switchIn(value);
		if (isOn === undefined) throw this.refusal(field, 'true or false', value);
		return isOn;
	}

	/** The text that is set, else the field's default. */
	text(field: INodeProperties): string {
		return this.textIfSet(field) ?? (field.default as string);
	}

	/** Without white space around it. */
	textIfSet(field: INodeProperties): string | undefined {
		const value = this.given(field);
		if (value === undefined) return undefined;
		const text = scalarText(value);
		if (text === undefined) throw this.refusal(field, 'text', value);
		return text;
	}

	/**
	 * One of the values of the field's options, else its default.
	 * @typeParam T all of these values
	 */
	choice<T extends string>(field: INodeProperties): T {
		const value = this.given(field) ?? field.default;
		return this.chosen(field, value) as T;
	}

	/** The texts of a list, or one text; with `multiOptions` only values of the field's options. */
	list(field: INodeProperties): string[] {
		const value = this.given(field);
		if (value === undefined) return [];
		const texts = (Array.isArray(value) ? value : [value]).map((entry: unknown) => {
			const text = scalarText(entry);
			if (text === undefined) throw this.refusal(field, 'a list of texts', value);
			return field.type === 'multiOptions' && text !== '' ? this.chosen(field, text) : text;
		});
		return texts.filter((text) => text !== '');
	}

	/** The entries of a `fixedCollection` with multiple values, which has one group of fields. */
	entries(field: INodeProperties): IDataObject[] {
		const value = this.given(field);
		const group = field.options?.[0]?.name ?? '';
		const isEmpty = value === undefined || (isObject(value) && Object.keys(value).length === 0);
		if (isEmpty) return [];
		const entries = isObject(value) ? value[group] : value;
		if (Array.isArray(entries) && entries.every((entry) => isObject(entry))) return entries;
		throw this.refusal(field, `an object with a list '${group}'`, value);
	}

	private given(field: INodeProperties): unknown {
		const value = this.valueOf(field);
		const isEmpty = value === null || (typeof value === 'string' && value.trim() === '');
		return isEmpty ? undefined : value;
	}

	private chosen(field: INodeProperties, value: unknown): string {
		const choices = choicesOf(field);
		const choice = choices.find((known) => known === value);
		if (choice === undefined) throw this.refusal(field, `one of ${choices.join(', ')}`, value);
		return choice;
	}

	private refusal({ displayName }: INodeProperties, wanted: string, value: unknown): Error {
		const given = JSON.stringify(value);
		const shown = given.length > LONGEST_SHOWN ? `${given.slice(0, LONGEST_SHOWN)}…` : given;
		return inputError(
			this.item,
			`'${displayName}' must be ${wanted}, but is ${shown}`,
			`Set '${displayName}' to ${wanted}, or remove it.`,
		);
	}
}

/** The node's own parameters in an item. */
export function parametersOf(item: ItemPlace<Item['context']>): FieldValues {
	const { context, itemIndex } = item;
	return new FieldValues(item, (field) =>
		context.getNodeParameter(field.name, itemIndex, field.default),
	);
}

/** What is set in the collection 'Options' of an item. */
export function optionsOf(item: ItemPlace<Item['context']>): FieldValues {
	const options = item.context.getNodeParameter('options', item.itemIndex, {}) as unknown;
	if (isObject(options)) return valuesIn(item, options);
	throw inputError(
		item,
		`'Options' must be a JSON object, but is ${JSON.stringify(options)}`,
		"Remove the expression from 'Options', or have it give an object with the names of the options.",
	);
}

/** The values of an object that has one for each field, by the field's name. */
export function valuesIn(item: ItemPlace, values: IDataObject): FieldValues {
	return new FieldValues(item, (field) => values[field.name]);
}

/** How the editor shows a choice of a field; the value itself where it is none of them. */
export function choiceName({ options = [] }: INodeProperties, value: string): string {
	return options.find((option) => 'value' in option && option.value === value)?.name ?? value;
}

/** What the options of a field stand for. */
export function choicesOf(field: INodeProperties): string[] {
	return (field.options ?? []).flatMap((option) =>
		'value' in option ? [String(option.value)] : [],
	);
}

/** A switch of a trigger, which has to answer its call: what is no switch counts as off. */
export function isOn(value: unknown): boolean {
	return switchIn(value) ?? false;
}

function switchIn(value: unknown): boolean | undefined {
	return SWITCH_WORDS.get((scalarText(value) ?? '').toLowerCase());
}

function numberIn(value: unknown): number | undefined {
	if (typeof value === 'string' && DECIMAL.test(value.trim())) return Number(value);
	return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function scalarText(value: unknown): string | undefined {
	if (typeof value === 'string') return value.trim();
	const isScalar =
		typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));
	return isScalar ? String(value) : undefined;
}
