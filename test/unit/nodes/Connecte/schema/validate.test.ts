import { Ajv } from 'ajv';
import fc from 'fast-check';

import type { Schema } from '../../../../../nodes/Connecte/schema/schema.ts';
import { problemsOf } from '../../../../../nodes/Connecte/schema/validate.ts';

const messages = (schema: Schema, value: unknown) =>
	problemsOf(schema, value).map(({ field, message }) => `${field}: ${message}`);

describe('problemsOf', () => {
	const schema = {
		type: 'object',
		required: ['audio'],
		properties: {
			audio: { type: 'string', minLength: 3 },
			speakers: { type: 'integer', minimum: 1, exclusiveMaximum: 10 },
			mode: { enum: ['fast', 'good'] },
			tags: { type: 'array', items: { type: 'string' }, maxItems: 2 },
			nested: { type: 'object', properties: { deep: { $ref: '#/$defs/deep' } } },
			either: { anyOf: [{ type: 'string' }, { type: 'integer' }] },
		},
		additionalProperties: false,
		$defs: { deep: { type: 'boolean' } },
	};

	it('finds nothing wrong with what fits', () => {
		const value = { audio: 'abc', speakers: 9, mode: 'good', tags: ['a'], nested: { deep: true } };
		expect(messages(schema, value)).toEqual([]);
	});

	it('has a message for each wrong field, by its path', () => {
		const value = {
			speakers: 10.5,
			mode: 'best',
			tags: ['a', 2, 'c'],
			nested: { deep: 'yes' },
			either: false,
			other: 1,
		};
		expect(messages(schema, value)).toEqual([
			'audio: is required',
			'speakers: must be a whole number, but is 10.5',
			'mode: must be one of "fast", "good", but is "best"',
			'tags: must have at most 2 entries',
			'tags[1]: must be a text, but is 2',
			'nested.deep: must be true or false, but is "yes"',
			'either: has none of its 2 allowed forms: must be a text, but is false, or must be a whole number, but is false',
			'other: is not known to this model',
		]);
	});

	it.each([
		[{ type: 'number', minimum: 1 }, 0, 'at least 1'],
		[{ type: 'number', maximum: 1 }, 2, 'at most 1'],
		[{ type: 'number', exclusiveMinimum: 1 }, 1, 'above 1'],
		[{ type: 'number', exclusiveMaximum: 1 }, 1, 'below 1'],
		// Draft 4
		[{ type: 'number', minimum: 1, exclusiveMinimum: true }, 1, 'above 1'],
		[{ type: 'string', minLength: 2 }, '😀', 'at least 2 characters'],
		[{ type: 'string', pattern: '^a' }, 'b', 'pattern ^a'],
		[{ type: 'array', minItems: 1 }, [], 'at least 1 entry'],
		[{ const: 1 }, 2, 'must be 1'],
		[{ oneOf: [{ type: 'number' }, { minimum: 1 }] }, 5, 'fits 2'],
		[false, 1, 'not allowed'],
	])('%j against %j says: %s', (schema, value, expected) => {
		expect(messages(schema, value).join()).toContain(expected);
	});

	it('takes null where it is nullable', () => {
		expect(messages({ type: 'string', nullable: true }, null)).toEqual([]);
		expect(messages({ type: ['string', 'null'] }, null)).toEqual([]);
	});

	it('ends for a schema that refers to itself', () => {
		expect(messages({ $ref: '#' }, { a: 1 })).toEqual([]);
		expect(
			messages({ properties: { a: { $ref: '#' } }, required: ['b'] }, { a: {}, b: 1 }),
		).toEqual(['a.b: is required']);
	});

	it('lets a pattern of another dialect decide nothing', () => {
		expect(messages({ type: 'string', pattern: '(?i)a(' }, 'x')).toEqual([]);
	});

	it('is not misled by names that every object has', () => {
		const own = { type: 'object', properties: { toString: { type: 'string' } } };
		expect(messages({ ...own, required: ['constructor'] }, {})).toEqual([
			'constructor: is required',
		]);
		expect(messages({ type: 'object', additionalProperties: false }, { toString: 1 })).toHaveLength(
			1,
		);
	});
});

/** Schemas of the keywords that inputs are described by, a few levels deep. */
const { schema: anySchema } = fc.letrec<{ schema: Schema }>((tie) => {
	const child = tie('schema');
	const name = fc.constantFrom('a', 'b', 'c', 'toString');
	const primitive = fc.oneof(
		fc.constantFrom('', 'a', 'ab', '😀', 'abc'),
		fc.integer({ min: -3, max: 6 }),
		fc.constantFrom(0.5, 2.5),
		fc.boolean(),
		fc.constant(null),
	);
	const small = fc.integer({ min: 0, max: 4 });
	const some = <T>(keywords: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
		fc.record(keywords, { requiredKeys: [] });
	const limits = some({
		minimum: small,
		maximum: small,
		exclusiveMinimum: small,
		exclusiveMaximum: small,
	});
	const members = some({
		properties: fc.dictionary(name, child, { maxKeys: 3 }),
		required: fc.uniqueArray(name, { maxLength: 2 }),
		additionalProperties: fc.oneof(fc.boolean(), child),
	});
	const typed = (type: fc.Arbitrary<unknown>, keywords: fc.Arbitrary<object>) =>
		fc
			.tuple(type, keywords, fc.option(fc.boolean(), { nil: undefined }))
			.map(([kind, more, nullable]) => ({
				type: kind,
				...more,
				...(nullable === true && { nullable }),
			}));
	return {
		schema: fc.oneof(
			{ maxDepth: 4, depthIdentifier: 'schema' },
			typed(fc.constantFrom('integer', 'number', ['number', 'string']), limits),
			typed(
				fc.constant('string'),
				some({ minLength: small, maxLength: small, pattern: fc.constantFrom('^a', 'b$', '^.$') }),
			),
			fc.record({ type: fc.constantFrom('boolean', 'null') }),
			fc.record({ enum: fc.uniqueArray(primitive, { minLength: 1, maxLength: 3 }) }),
			fc.record({ const: primitive }),
			fc.record({ $ref: fc.constantFrom('#/$defs/one', '#/$defs/two') }),
			fc.boolean(),
			typed(fc.constant('array'), some({ items: child, minItems: small, maxItems: small })),
			typed(fc.constant('object'), members),
			members,
			fc.record({ anyOf: fc.array(child, { minLength: 1, maxLength: 3 }) }),
			fc.record({ oneOf: fc.array(child, { minLength: 1, maxLength: 3 }) }),
			fc.record({ allOf: fc.array(child, { minLength: 1, maxLength: 2 }) }),
		) as fc.Arbitrary<Schema>,
	};
});

const { value: anyValue } = fc.letrec((tie) => ({
	value: fc.oneof(
		{ maxDepth: 3, depthIdentifier: 'value' },
		fc.constantFrom('', 'a', 'ab', '😀', 'abc', 'abcde'),
		fc.integer({ min: -3, max: 6 }),
		fc.constantFrom(0.5, 2.5),
		fc.boolean(),
		fc.constant(null),
		fc.array(tie('value'), { maxLength: 4 }),
		fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'toString'), tie('value'), { maxKeys: 4 }),
	),
}));

it('agrees with ajv on what fits', () => {
	let fitting = 0;
	let wrong = 0;
	fc.assert(
		fc.property(anySchema, anySchema, fc.array(anyValue, { minLength: 1 }), (one, two, values) => {
			const schema = {
				properties: { a: one, b: two },
				$defs: { one: { type: 'string', minLength: 2 }, two: { type: 'integer' } },
			};
			// A copy that shares nothing, since ajv adds 'null' to the types of what it finds nullable.
			const ajv = new Ajv({ strict: false, ownProperties: true });
			const validate = ajv.compile(JSON.parse(JSON.stringify(schema)) as Schema);
			for (const value of values) {
				for (const candidate of [{ a: value, b: value }, { a: value }]) {
					const isFit = problemsOf(schema, candidate).length === 0;
					expect(isFit).toBe(validate(candidate));
					if (isFit) fitting++;
					else wrong++;
				}
			}
		}),
		{ numRuns: 400 },
	);
	// Neither side may be trivial, or the comparison would prove nothing.
	expect(fitting).toBeGreaterThan(300);
	expect(wrong).toBeGreaterThan(300);
});
