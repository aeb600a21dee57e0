import { isObject } from '../../shared/http/answer';
import { referred, type Schema } from './schema';

/** What is wrong with one field; `field` is its path within the input, empty for the input itself. */
export interface Problem {
	field: string;
	message: string;
}

const DEEPEST = 64;
const MOST_SHOWN = 12;

/**
 * What keeps a JSON value from fitting a schema: a problem for each wrong field, none where it fits.
 * Keywords it does not know, `format` among them, allow everything.
 */
export function problemsOf(schema: Schema, value: unknown): Problem[] {
	return new Check(schema).problems(schema, value, '', 0);
}

class Check {
	constructor(private readonly root: Schema) {}

	problems(schema: Schema, value: unknown, field: string, depth: number): Problem[] {
		if (schema === false) return [{ field, message: 'is not allowed' }];
		if (!isObject(schema) || depth > DEEPEST) return [];
		const within = (part: Schema) => this.problems(part, value, field, depth + 1);
		const say = (message: string | undefined): Problem[] =>
			message === undefined ? [] : [{ field, message }];
		const wrongType = typeProblem(schema, value);
		if (wrongType !== undefined) return say(wrongType);
		return [
			...(typeof schema.$ref === 'string' ? within(referred(schema.$ref, this.root)) : []),
			...say(choiceProblem(schema, value)),
			...(typeof value === 'number' ? numberProblems(schema, value).flatMap(say) : []),
			...(typeof value === 'string' ? textProblems(schema, value).flatMap(say) : []),
			...(Array.isArray(value) ? this.listProblems(schema, value, field, depth) : []),
			...(isObject(value) ? this.objectProblems(schema, value, field, depth) : []),
			...schemasIn(schema.allOf).flatMap(within),
			...this.alternativeProblems(schema, within, field),
		];
	}

	private listProblems(
		schema: Exclude<Schema, boolean>,
		value: unknown[],
		field: string,
		depth: number,
	): Problem[] {
		const { items, minItems, maxItems } = schema;
		const found: Problem[] = [];
		if (typeof minItems === 'number' && value.length < minItems) {
			found.push({ field, message: `must have at least ${entries(minItems)}` });
		}
		if (typeof maxItems === 'number' && value.length > maxItems) {
			found.push({ field, message: `must have at most ${entries(maxItems)}` });
		}
		value.forEach((entry, index) => {
			const own = Array.isArray(items) ? items[index] : items;
			if (!isSchema(own)) return;
			found.push(...this.problems(own, entry, `${field}[${index}]`, depth + 1));
		});
		return found;
	}

	private objectProblems(
		schema: Exclude<Schema, boolean>,
		value: Record<string, unknown>,
		field: string,
		depth: number,
	): Problem[] {
		const properties = isObject(schema.properties) ? schema.properties : {};
		const { required, additionalProperties } = schema;
		const path = (name: string) => (field === '' ? name : `${field}.${name}`);
		const missing = (Array.isArray(required) ? required : [])
			.filter((name): name is string => typeof name === 'string' && !Object.hasOwn(value, name))
			.map((name) => ({ field: path(name), message: 'is required' }));
		const wrong = Object.entries(value).flatMap(([name, entry]): Problem[] => {
			if (Object.hasOwn(properties, name)) {
				const own = properties[name];
				return isSchema(own) ? this.problems(own, entry, path(name), depth + 1) : [];
			}
			if (additionalProperties === false) {
				return [{ field: path(name), message: 'is not known to this model' }];
			}
			return isSchema(additionalProperties)
				? this.problems(additionalProperties, entry, path(name), depth + 1)
				: [];
		});
		return [...missing, ...wrong];
	}

	private alternativeProblems(
		{ anyOf, oneOf }: Exclude<Schema, boolean>,
		within: (schema: Schema) => Problem[],
		field: string,
	): Problem[] {
		const found: Problem[] = [];
		const any = schemasIn(anyOf).map(within);
		if (any.length > 0 && any.every((problems) => problems.length > 0)) {
			found.push(...nearest(any, field));
		}
		const one = schemasIn(oneOf).map(within);
		const fitting = one.filter((problems) => problems.length === 0).length;
		if (one.length > 0 && fitting === 0) found.push(...nearest(one, field));
		if (fitting > 1) {
			found.push({ field, message: `must have one of ${one.length} forms, but fits ${fitting}` });
		}
		return found;
	}
}

/** Of several alternatives that do not fit, what is wrong with the only one, or that none fits. */
function nearest(alternatives: Problem[][], field: string): Problem[] {
	const [only] = alternatives;
	if (alternatives.length === 1 && only) return only;
	const own = alternatives.flat().filter((problem) => problem.field === field);
	const messages = [...new Set(own.map(({ message }) => message))];
	const hint = messages.length > 0 ? `: ${messages.join(', or ')}` : '';
	return [{ field, message: `has none of its ${alternatives.length} allowed forms${hint}` }];
}

function isSchema(value: unknown): value is Schema {
	return isObject(value) || typeof value === 'boolean';
}

function schemasIn(value: unknown): Schema[] {
	return Array.isArray(value) ? value.filter(isSchema) : [];
}

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
	string: (value) => typeof value === 'string',
	number: (value) => typeof value === 'number',
	integer: (value) => Number.isInteger(value),
	boolean: (value) => typeof value === 'boolean',
	object: isObject,
	array: Array.isArray,
	null: (value) => value === null,
};

const TYPE_NAMES: Readonly<Record<string, string>> = {
	string: 'a text',
	number: 'a number',
	integer: 'a whole number',
	boolean: 'true or false',
	object: 'a JSON object',
	array: 'a list',
	null: 'null',
};

function typeProblem({ type, nullable }: Exclude<Schema, boolean>, value: unknown) {
	const known = [type].flat().filter((name): name is string => String(name) in TYPES);
	if (known.length === 0 || (nullable === true && value === null)) return undefined;
	if (known.some((name) => TYPES[name]?.(value))) return undefined;
	return `must be ${known.map((name) => TYPE_NAMES[name]).join(' or ')}, but is ${shown(value)}`;
}

function choiceProblem(schema: Exclude<Schema, boolean>, value: unknown): string | undefined {
	const choices: unknown[] | undefined = Object.hasOwn(schema, 'const')
		? [schema.const]
		: Array.isArray(schema.enum)
			? schema.enum
			: undefined;
	if (choices === undefined || choices.some((choice) => isEqual(choice, value))) return undefined;
	const [only] = choices;
	if (choices.length === 1) return `must be ${shown(only)}, but is ${shown(value)}`;
	const more = choices.length > MOST_SHOWN ? ', …' : '';
	const list = choices.slice(0, MOST_SHOWN).map(shown).join(', ');
	return `must be one of ${list}${more}, but is ${shown(value)}`;
}

/** Draft 4 writes the exclusive limits as a boolean beside the limit. */
function numberProblems(
	{ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Exclude<Schema, boolean>,
	value: number,
): string[] {
	const above = exclusiveMinimum === true ? minimum : exclusiveMinimum;
	const below = exclusiveMaximum === true ? maximum : exclusiveMaximum;
	const found: string[] = [];
	if (typeof minimum === 'number' && value < minimum) found.push(`must be at least ${minimum}`);
	if (typeof maximum === 'number' && value > maximum) found.push(`must be at most ${maximum}`);
	if (typeof above === 'number' && value <= above) found.push(`must be above ${above}`);
	if (typeof below === 'number' && value >= below) found.push(`must be below ${below}`);
	return found.map((limit) => `${limit}, but is ${value}`);
}

function textProblems(
	{ minLength, maxLength, pattern }: Exclude<Schema, boolean>,
	value: string,
): string[] {
	const found: string[] = [];
	// JSON Schema counts characters, not UTF-16 units.
	const length = [...value].length;
	if (typeof minLength === 'number' && length < minLength) {
		found.push(`must have at least ${characters(minLength)}`);
	}
	if (typeof maxLength === 'number' && length > maxLength) {
		found.push(`must have at most ${characters(maxLength)}`);
	}
	if (typeof pattern === 'string' && patternOf(pattern)?.test(value) === false) {
		found.push(`must match the pattern ${pattern}`);
	}
	return found;
}

/** `undefined` for a pattern of another dialect, which then decides nothing. */
function patternOf(pattern: string): RegExp | undefined {
	try {
		return new RegExp(pattern, 'u');
	} catch {
		return undefined;
	}
}

function isEqual(one: unknown, other: unknown): boolean {
	if (one === other) return true;
	if (Array.isArray(one) && Array.isArray(other)) {
		return one.length === other.length && one.every((entry, index) => isEqual(entry, other[index]));
	}
	if (!isObject(one) || !isObject(other)) return false;
	const names = Object.keys(one);
	return (
		names.length === Object.keys(other).length &&
		names.every((name) => Object.hasOwn(other, name) && isEqual(one[name], other[name]))
	);
}

function shown(value: unknown): string {
	const text = JSON.stringify(value) ?? 'nothing';
	return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function entries(count: number): string {
	return `${count} ${count === 1 ? 'entry' : 'entries'}`;
}

function characters(count: number): string {
	return `${count} ${count === 1 ? 'character' : 'characters'}`;
}
