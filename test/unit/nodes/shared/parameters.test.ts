import type { IExecuteFunctions, INode } from 'n8n-workflow';

import {
	isOn,
	listOf,
	nonEmpty,
	numberWithin,
	pathSegment,
} from '../../../../nodes/shared/parameters.ts';

const node: INode = {
	id: '1',
	name: 'Test',
	type: 'test',
	typeVersion: 1,
	position: [0, 0],
	parameters: {},
};
const context = { getNode: () => node } as Pick<IExecuteFunctions, 'getNode'> as IExecuteFunctions;
const item = { context, itemIndex: 3, signal: new AbortController().signal };

describe('numberWithin', () => {
	const limits = { min: 0, max: 1 };

	it.each([
		[0.5, 0.5],
		['0.5', 0.5],
		[0, 0],
		[undefined, undefined],
		[null, undefined],
		['', undefined],
	])('reads %j as %s', (value, expected) => {
		expect(numberWithin(item, 'Rate', value, limits)).toBe(expected);
	});

	it.each([1.1, -0.1, NaN, Infinity, 'much', true, {}])('refuses %j by name', (value) => {
		expect(() => numberWithin(item, 'Rate', value, limits)).toThrow(
			"'Rate' must be a number between 0 and 1",
		);
	});

	it('refuses fractions where it wants whole numbers', () => {
		const whole = { min: 1, max: Infinity, integer: true };
		expect(() => numberWithin(item, 'Rate', 1.5, whole)).toThrow(
			'a whole number of at least 1, but is 1.5',
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

	it.each(['', '  ', '.', '..', 'https://host/a', undefined, null])('refuses %j', (value) => {
		expect(() => pathSegment(item, 'Path', value)).toThrow("'Path'");
	});
});

describe('values that expressions give in other types', () => {
	it('are read as text', () => {
		expect([2024, true, ' x ', '', ' ', null, undefined, {}].map(nonEmpty)).toEqual([
			'2024',
			'true',
			'x',
			undefined,
			undefined,
			undefined,
			undefined,
			undefined,
		]);
	});

	it('are read as lists', () => {
		expect([['a', 1], 'a', '', undefined, 5].map(listOf)).toEqual([['a', '1'], ['a'], [], [], []]);
	});

	it('are read as switches', () => {
		expect([true, 'true', false, 'false', undefined, 1].map(isOn)).toEqual([
			true,
			true,
			false,
			false,
			false,
			false,
		]);
	});
});
