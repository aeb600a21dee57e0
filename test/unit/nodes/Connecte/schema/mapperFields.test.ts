import { mapperFields } from '../../../../../nodes/Connecte/schema/mapperFields.ts';
import { KNOWN_SCHEMAS } from '../../../../../nodes/Connecte/schema/models.ts';
import { parseInputSchema } from '../../../../../nodes/Connecte/schema/schema.ts';

const fieldOf = (property: object, required = false) =>
	mapperFields({
		properties: { field: property } as never,
		required: required ? ['field'] : [],
	})[0];

describe('mapperFields', () => {
	it.each([
		[{ type: 'string' }, 'string'],
		[{ type: 'integer' }, 'number'],
		[{ type: 'number' }, 'number'],
		[{ type: 'boolean' }, 'boolean'],
		[{ type: 'array' }, 'array'],
		[{ type: 'object' }, 'object'],
		[{ type: ['number', 'null'] }, 'number'],
		[{ type: ['number', 'string'] }, 'string'],
		[{ enum: ['a', 'b'] }, 'options'],
		[{}, 'string'],
	])('makes of %j a field of the type %s', (property, type) => {
		expect(fieldOf(property)?.type).toBe(type);
	});

	it('offers the choices of an enum, with its default', () => {
		expect(fieldOf({ type: 'string', enum: ['x', 'y'], default: 'y' })).toMatchObject({
			options: [
				{ name: 'x', value: 'x' },
				{ name: 'y', value: 'y' },
			],
			defaultValue: 'y',
		});
	});

	it('finds an enum behind a reference, as generated schemas have it', () => {
		const [field] = mapperFields({
			properties: { mode: { allOf: [{ $ref: '#/$defs/mode' }], default: 'fast' } },
			$defs: { mode: { type: 'string', title: 'mode', enum: ['fast', 'good'] } },
		});
		expect(field).toMatchObject({ type: 'options', defaultValue: 'fast', displayName: 'mode' });
	});

	it('sees through an alternative of null', () => {
		const field = fieldOf({ anyOf: [{ type: 'integer', minimum: 2 }, { type: 'null' }] });
		expect(field).toMatchObject({ type: 'number', displayName: 'field (whole number, from 2)' });
	});

	it('marks what is required', () => {
		expect(fieldOf({ type: 'string' }, true)?.required).toBe(true);
		expect(fieldOf({ type: 'string' })?.required).toBe(false);
	});

	it.each([
		[{ title: 'Field' }, 'Field'],
		[{ title: 'Number of things' }, 'Number of things [field]'],
		[{ description: 'What\n it is' }, 'field: What it is'],
		[{ type: 'number', minimum: 0, maximum: 1 }, 'field (from 0 to 1)'],
		[{ type: 'integer', exclusiveMinimum: 0 }, 'field (whole number, above 0)'],
		[{ type: 'number', maximum: 1, exclusiveMaximum: true }, 'field (below 1)'],
	])('names %j %s', (property, name) => {
		expect(fieldOf(property)?.displayName).toBe(name);
	});

	it('writes nested defaults as JSON', () => {
		expect(fieldOf({ type: 'array', default: ['a'] })?.defaultValue).toBe('["a"]');
	});

	it('keeps the order of the schema, or the one it states', () => {
		const order = (properties: object) =>
			mapperFields({ properties: properties as never }).map(({ id }) => id);
		expect(order({ b: {}, a: {} })).toEqual(['b', 'a']);
		expect(order({ b: { 'x-order': 1 }, a: { 'x-order': 0 } })).toEqual(['a', 'b']);
	});

	it('has the fields of openai/whisper', () => {
		const fields = mapperFields(KNOWN_SCHEMAS['openai/whisper'] ?? {});
		expect(fields.map(({ id, type, required }) => [id, type, required])).toEqual([
			['audio', 'string', true],
			['model', 'string', false],
			['diarize', 'boolean', false],
			['language', 'string', false],
			['speakers', 'number', false],
			['word_timestamp', 'boolean', false],
		]);
	});
});

describe('parseInputSchema', () => {
	const schema = { properties: { a: { type: 'string' } } };

	it.each([
		['as it is', schema],
		['as text', JSON.stringify(schema)],
		['wrapped', { input: schema }],
	])('takes a schema %s', (_, value) => {
		expect(parseInputSchema(value)).toEqual(schema);
	});

	it('takes a schema behind a reference', () => {
		const referring = { $ref: '#/$defs/Input', $defs: { Input: schema } };
		expect(parseInputSchema(referring)).toEqual(referring);
		expect(mapperFields(referring).map(({ id }) => id)).toEqual(['a']);
	});

	it.each(['', 'no json', '[]', '{}', '3', '{"type":"string"}'])('takes %j for none', (text) => {
		expect(parseInputSchema(text)).toBeUndefined();
	});
});
