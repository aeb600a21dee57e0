import type { IExecuteFunctions, INode, INodeProperties } from 'n8n-workflow';

import {
	isOn,
	optionsOf,
	parametersOf,
	valuesIn,
	type FieldValues,
} from '../../../../nodes/shared/fieldValues.ts';
import { pathSegment } from '../../../../nodes/shared/fields.ts';

const node: INode = {
	id: '1',
	name: 'Test',
	type: 'test',
	typeVersion: 1,
	position: [0, 0],
	parameters: {},
};
const itemWith = (parameters: Record<string, unknown>) => ({
	context: {
		getNode: () => node,
		getNodeParameter: (name: string, _: number, fallback: unknown) => parameters[name] ?? fallback,
	} as Pick<IExecuteFunctions, 'getNode' | 'getNodeParameter'> as IExecuteFunctions,
	itemIndex: 3,
	signal: new AbortController().signal,
});
const item = itemWith({});
const field = (type: INodeProperties['type'], more: Partial<INodeProperties> = {}) =>
	({ displayName: 'Rate', name: 'rate', type, default: '', ...more }) as INodeProperties;

const choices = [
	{ name: 'Slow', value: 'slow' },
	{ name: 'Fast', value: 'fast' },
];
const share = field('number', { typeOptions: { minValue: 0, maxValue: 1 }, default: 0.7 });
const count = field('number', { typeOptions: { minValue: 1, numberPrecision: 0 }, default: 5 });
const speed = field('options', { options: choices, default: 'slow' });
const speeds = field('multiOptions', { options: choices, default: [] });
const people = field('fixedCollection', {
	options: [{ displayName: 'Person', name: 'person', values: [] }],
});

const READERS: Record<string, (values: FieldValues) => unknown> = {
	number: (values) => values.number(share),
	numberIfSet: (values) => values.numberIfSet(share),
	'numberIfSet (whole)': (values) => values.numberIfSet(count),
	isOn: (values) => values.isOn(field('boolean', { default: true })),
	switchIfSet: (values) => values.switchIfSet(field('boolean')),
	text: (values) => values.text(field('string', { default: 'usual' })),
	textIfSet: (values) => values.textIfSet(field('string')),
	choice: (values) => values.choice(speed),
	list: (values) => values.list(field('string', { default: [] })),
	'list (multiOptions)': (values) => values.list(speeds),
	entries: (values) => values.entries(people),
};
const read = (reader: string, value: unknown) =>
	READERS[reader]?.(valuesIn(item, { rate: value as string }));

describe('a field that is not set', () => {
	it.each([
		['number', 0.7],
		['numberIfSet', undefined],
		['isOn', true],
		['switchIfSet', undefined],
		['text', 'usual'],
		['textIfSet', undefined],
		['choice', 'slow'],
		['list', []],
		['list (multiOptions)', []],
		['entries', []],
	])('is to %s what the field says, or nothing', (reader, expected) => {
		for (const value of [undefined, null, '', ' \n']) {
			expect(read(reader, value)).toEqual(expected);
		}
	});
});

describe('a value of another form', () => {
	it.each([
		['number', '0.5', 0.5],
		['number', ' 5e-1 ', 0.5],
		['number', 0, 0],
		['numberIfSet (whole)', '7', 7],
		['switchIfSet', 'True', true],
		['switchIfSet', ' FALSE ', false],
		['switchIfSet', 1, true],
		['switchIfSet', '0', false],
		['switchIfSet', false, false],
		['textIfSet', 2024, '2024'],
		['textIfSet', true, 'true'],
		['textIfSet', ' x ', 'x'],
		['list', 'a', ['a']],
		['list', 5, ['5']],
		['list', ['a', 1, ' b ', ''], ['a', '1', 'b']],
		['list (multiOptions)', 'fast', ['fast']],
		['entries', { person: [{ name: 'a' }] }, [{ name: 'a' }]],
		['entries', [{ name: 'a' }], [{ name: 'a' }]],
		['entries', {}, []],
	])('is understood by %s: %j', (reader, value, expected) => {
		expect(read(reader, value)).toEqual(expected);
	});

	it.each([
		['number', 1.1, 'a number between 0 and 1, but is 1.1'],
		['number', -0.1, 'a number between 0 and 1, but is -0.1'],
		['number', NaN, 'a number between 0 and 1'],
		['number', Infinity, 'a number between 0 and 1'],
		['number', 'much', 'a number between 0 and 1, but is "much"'],
		['number', '0x1', 'a number between 0 and 1, but is "0x1"'],
		['number', true, 'a number between 0 and 1, but is true'],
		['number', {}, 'a number between 0 and 1, but is {}'],
		['number', [], 'a number between 0 and 1, but is []'],
		['numberIfSet (whole)', 1.5, 'a whole number of at least 1, but is 1.5'],
		['switchIfSet', 'yes', 'true or false, but is "yes"'],
		['isOn', 2, 'true or false, but is 2'],
		['isOn', {}, 'true or false, but is {}'],
		['textIfSet', { a: 1 }, 'text, but is {"a":1}'],
		['text', ['a'], 'text, but is ["a"]'],
		['choice', 'FAST', 'one of slow, fast, but is "FAST"'],
		['choice', ['fast'], 'one of slow, fast, but is ["fast"]'],
		['list', ['a', null], 'a list of texts, but is ["a",null]'],
		['list', [{ term: 'a' }], 'a list of texts, but is [{"term":"a"}]'],
		['list', { a: 1 }, 'a list of texts, but is {"a":1}'],
		['list (multiOptions)', 'slow,fast', 'one of slow, fast, but is "slow,fast"'],
		['list (multiOptions)', ['slow', 'other'], 'one of slow, fast, but is "other"'],
		['entries', 'a', 'an object with a list \'person\', but is "a"'],
		['entries', { wrong: [] }, 'an object with a list \'person\', but is {"wrong":[]}'],
		['entries', { person: [null] }, 'an object with a list \'person\', but is {"person":[null]}'],
	])('is refused by %s by name: %j', (reader, value, wanted) => {
		expect(() => read(reader, value)).toThrow(`'Rate' must be ${wanted}`);
	});

	it('is not repeated at length', () => {
		// A whole recording as text must not fill the execution's record.
		expect(() => read('number', 'x'.repeat(100_000))).toThrow(/^.{1,200}$/);
	});

	it('is no switch to a trigger, which cannot refuse its call', () => {
		expect([true, 'True', 1, false, 'false', 'yes', undefined, {}].map(isOn)).toEqual([
			...[true, true, true],
			...[false, false, false, false, false],
		]);
	});
});

describe('where values come from', () => {
	it('is the parameter of the name, or its default', () => {
		expect(parametersOf(itemWith({ rate: '0.2' })).number(share)).toBe(0.2);
		expect(parametersOf(item).number(share)).toBe(0.7);
	});

	it('is the collection of options', () => {
		expect(optionsOf(itemWith({ options: { rate: 0.2 } })).number(share)).toBe(0.2);
		expect(optionsOf(item).numberIfSet(share)).toBeUndefined();
		expect(() => optionsOf(itemWith({ options: 'rate' }))).toThrow(
			'\'Options\' must be a JSON object, but is "rate"',
		);
	});
});

describe('pathSegment', () => {
	it.each([
		['abc', 'abc'],
		[' a b ', 'a%20b'],
		['a/../b', 'a%2F..%2Fb'],
		['%2e%2e', '%252e%252e'],
		[17, '17'],
	])('encodes %j as %s', (value, expected) => {
		expect(pathSegment(item, 'Path', value)).toBe(expected);
	});

	it.each(['', '  ', '.', '..', 'https://host/a', undefined, null, {}, ['a']])(
		'refuses %j',
		(value) => {
			expect(() => pathSegment(item, 'Path', value)).toThrow("'Path'");
		},
	);
});
