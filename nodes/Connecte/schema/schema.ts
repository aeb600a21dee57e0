import type { IDataObject } from 'n8n-workflow';

import { isObject, parseJson } from '../../shared/http/answer';

/** A JSON Schema (draft 4 to 2020-12, the keywords that matter for inputs); `false` allows nothing. */
export type Schema = IDataObject | boolean;

/** Deeper nesting than any model has; a reference to itself ends here. */
const MOST_REFERENCES = 32;

/**
 * The schema of a model's input in the text from its page. Where the page wraps it, it is taken out.
 * `undefined` for a text that describes no object.
 */
export function parseInputSchema(value: unknown): IDataObject | undefined {
	const json = typeof value === 'string' ? parseJson(value) : value;
	if (!isObject(json)) return undefined;
	const candidates = [json, json.schema, json.input_schema, json.input, json.Input];
	const schemas = candidates.filter((candidate) => isObject(candidate));
	return schemas.find((schema) => isObject(resolved(schema, schema).properties));
}

/** The schema a local `$ref` (`#`, `#/$defs/x`) points to; one that points nowhere allows everything. */
export function referred(reference: string, root: Schema): Schema {
	const [, pointer] = /^#(\/.*)?$/.exec(reference) ?? [undefined, undefined];
	if (reference === '#') return root;
	if (pointer === undefined) return true;
	let found: unknown = root;
	for (const part of pointer.slice(1).split('/')) {
		const key = decodedPart(part);
		found = isObject(found) && Object.hasOwn(found, key) ? found[key] : undefined;
	}
	return isObject(found) || typeof found === 'boolean' ? found : true;
}

function decodedPart(part: string): string {
	const plain = part.replaceAll('~1', '/').replaceAll('~0', '~');
	return /%[0-9a-f]{2}/i.test(plain) && !/%(?![0-9a-f]{2})/i.test(plain)
		? decodeURIComponent(plain)
		: plain;
}

/**
 * The schema with its references and its only alternative opened: what a form needs to know. `null` as a
 * second alternative does not count.
 */
export function resolved(schema: Schema, root: Schema, depth = 0): IDataObject {
	if (!isObject(schema) || depth > MOST_REFERENCES) return {};
	const { $ref, allOf, anyOf, oneOf, ...own } = schema;
	const parts: Schema[] = [];
	if (typeof $ref === 'string') parts.push(referred($ref, root));
	if (Array.isArray(allOf)) parts.push(...(allOf as Schema[]));
	for (const alternatives of [anyOf, oneOf]) {
		if (!Array.isArray(alternatives)) continue;
		const real = (alternatives as Schema[]).filter(
			(alternative) => !isObject(alternative) || alternative.type !== 'null',
		);
		if (real.length === 1 && real[0] !== undefined) parts.push(real[0]);
	}
	return Object.assign(
		{},
		...parts.map((part) => resolved(part, root, depth + 1)),
		own,
	) as IDataObject;
}
