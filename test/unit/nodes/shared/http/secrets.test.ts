import fc from 'fast-check';

import { maskedJson, maskFor, PieceMask } from '../../../../../nodes/shared/http/secrets.ts';

const SECRET = 'sk/ab"c=123';
const mask = maskFor({ key: SECRET, name: 'visible', short: 'abc' }, ['key', 'short']);

describe('maskFor', () => {
	it('hides a secret plain, within JSON and percent-encoded', () => {
		const shown = mask(`a ${SECRET} b ${JSON.stringify(SECRET)} c ${encodeURIComponent(SECRET)}`);
		expect(shown).toBe('a ****** b "******" c ******');
	});

	it('leaves other fields and very short values alone', () => {
		expect(mask('visible abc')).toBe('visible abc');
	});
});

describe('maskedJson', () => {
	it('hides a secret anywhere in a value', () => {
		expect(maskedJson({ a: [{ b: `x${SECRET}y` }], c: 1 }, mask)).toEqual({
			a: [{ b: 'x******y' }],
			c: 1,
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
