import fc from 'fast-check';

import { maskedJson, maskFor, PieceMask } from '../../../../../nodes/shared/http/secrets.ts';

const SECRET = 'sk/ab"c=123';
const mask = maskFor(
	{ key: SECRET, name: 'visible', short: 'k-4711', shortest: 'abc' },
	{ secretFields: ['key', 'short', 'shortest'], secretPatterns: [/(?<=token=)\w+/g] },
	['of-this-request'],
);

describe('maskFor', () => {
	it('hides a secret plain, within JSON and percent-encoded', () => {
		const shown = mask(`a ${SECRET} b ${JSON.stringify(SECRET)} c ${encodeURIComponent(SECRET)}`);
		expect(shown).toBe('a ****** b "******" c ******');
	});

	it('leaves other fields and very short values alone', () => {
		expect(mask('visible abc')).toBe('visible abc');
	});

	it('hides a short secret where it is no part of a longer word', () => {
		expect(mask('k-4711, "k-4711" xk-4711 k-47110')).toBe('******, "******" xk-4711 k-47110');
	});

	it('hides what looks like a secret, and what the request carries besides', () => {
		expect(mask('?token=unknown&a=1 of-this-request')).toBe('?token=******&a=1 ******');
	});
});

describe('maskedJson', () => {
	it('hides a secret anywhere in a value', () => {
		expect(maskedJson({ a: [{ b: `x${SECRET}y` }], c: 1 }, mask)).toEqual({
			a: [{ b: 'x******y' }],
			c: 1,
		});
	});

	it('leaves the names of fields alone, which a secret may be', () => {
		const common = maskFor({ key: 'status01' }, { secretFields: ['key'] });
		expect(maskedJson({ status01: 'status01 ok', list: [null, true] }, common)).toEqual({
			status01: '****** ok',
			list: [null, true],
		});
	});
});

describe('PieceMask', () => {
	it('shows what the whole text shows, and never the secret, however it is cut', () => {
		const text = fc
			.array(fc.constantFrom(SECRET, 'sk/', 'sk/ab"c', 'plain ', '123'), { maxLength: 8 })
			.map((parts) => parts.join(''));
		fc.assert(
			fc.property(text, fc.array(fc.nat({ max: 40 }), { maxLength: 8 }), (whole, cuts) => {
				const pieces = new PieceMask(mask);
				const ends = [...cuts.sort((a, b) => a - b), whole.length];
				const shown = ends.map((end, index) => pieces.push(whole.slice(ends[index - 1] ?? 0, end)));
				expect(shown.join('') + pieces.end()).toBe(mask(whole));
			}),
		);
	});

	it('holds nothing back that cannot begin a secret', () => {
		expect(new PieceMask(mask).push('some text')).toBe('some text');
	});
});
