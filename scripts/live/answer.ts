import { Ajv } from 'ajv';
import type { ErrorObject } from 'ajv';

/** Longer than any of these calls should take; a wait without an end would say nothing. */
const LONGEST_MS = 180_000;

export type Schema = Record<string, unknown>;

/** What a service answered, its body read whole. */
export interface Answer {
	status: number;
	headers: Headers;
	text: string;
	/** The body as JSON; `undefined` where it is none. */
	json: unknown;
}

export interface Expected {
	status: number | readonly number[];
	contentType?: RegExp;
	/** JSON Schema of the body. */
	schema?: Schema;
	/** What a body that is no JSON looks like. */
	text?: RegExp;
}

export const call = async (url: string, init: RequestInit = {}): Promise<Answer> => {
	const response = await fetch(url, {
		redirect: 'manual',
		signal: AbortSignal.timeout(LONGEST_MS),
		...init,
	});
	const text = await response.text();
	return { status: response.status, headers: response.headers, text, json: parsed(text) };
};

export const parsed = (text: string): unknown => {
	try {
		return JSON.parse(text) as unknown;
	} catch {
		return undefined;
	}
};

/** The beginning of a body, on one line. */
export const beginning = (text: string): string => {
	const line = text.replaceAll(/\s+/g, ' ').trim();
	return line.length > 200 ? `${line.slice(0, 200)} …` : line || '(empty)';
};

const types = (...type: string[]): Schema => ({ type: type.length === 1 ? type[0] : type });

export const string = types('string');
export const number = types('number');
export const boolean = types('boolean');
export const nullable = (schema: Schema): Schema => ({ anyOf: [schema, types('null')] });
export const anything: Schema = {};
export const list = (items: Schema): Schema => ({ type: 'array', items });
export const oneOf = (...values: string[]): Schema => ({ enum: values });

/** An object with these fields, these that may be left out, and no other. */
export const object = (
	required: Record<string, Schema>,
	optional: Record<string, Schema> = {},
): Schema => ({
	type: 'object',
	required: Object.keys(required),
	properties: { ...required, ...optional },
	additionalProperties: false,
});

/** An object with at least these fields. */
export const objectWith = (required: Record<string, Schema>): Schema => ({
	...object(required),
	additionalProperties: true,
});

const ajv = new Ajv({ allErrors: true, strict: false });

const inWords = ({ instancePath, keyword, params, message = '' }: ErrorObject): string => {
	const where = instancePath === '' ? 'the body' : instancePath;
	const { missingProperty, additionalProperty } = params as Record<string, string>;
	if (keyword === 'required') return `${where} lacks '${missingProperty}'`;
	if (keyword === 'additionalProperties') {
		return `${where} has '${additionalProperty}', which is not documented`;
	}
	if (keyword === 'enum') {
		const { allowedValues } = params as { allowedValues: string[] };
		return `${where} is none of ${allowedValues.join(', ')}`;
	}
	return `${where} ${message}`;
};

/** How a value differs from its schema, each difference once whichever item of a list has it. */
export const differencesFrom = (schema: Schema, value: unknown): string[] => {
	const validate = ajv.compile(schema);
	if (validate(value)) return [];
	const errors = (validate.errors ?? []).map((error) =>
		inWords({ ...error, instancePath: error.instancePath.replaceAll(/\/\d+(?=\/|$)/g, '/[]') }),
	);
	return [...new Set(errors)];
};

/** How an answer differs from what is expected. */
export const differences = (answer: Answer, expected: Expected): string[] => {
	const { status, headers, text, json } = answer;
	const allowed = [expected.status].flat();
	const type = headers.get('content-type') ?? '(none)';
	if (!allowed.includes(status)) {
		return [`status ${status} instead of ${allowed.join(' or ')}: ${beginning(text)}`];
	}
	return [
		...(expected.contentType && !expected.contentType.test(type)
			? [`content-type is ${type} instead of ${expected.contentType.source}`]
			: []),
		...(expected.text && !expected.text.test(text)
			? [`the text does not look like ${expected.text.source}: ${beginning(text)}`]
			: []),
		...(expected.schema && json === undefined ? [`the body is no JSON: ${beginning(text)}`] : []),
		...(expected.schema && json !== undefined ? differencesFrom(expected.schema, json) : []),
	];
};
