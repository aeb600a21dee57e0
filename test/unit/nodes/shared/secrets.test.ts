import { maskFor } from '../../../../nodes/shared/secrets.ts';

describe('maskFor', () => {
	const mask = maskFor({ key: 'sk/ab"c=123', name: 'visible', short: 'abc' }, ['key', 'short']);

	it('hides a secret plain, within JSON and percent-encoded', () => {
		const shown = mask(
			`a sk/ab"c=123 b ${JSON.stringify('sk/ab"c=123')} c ${encodeURIComponent('sk/ab"c=123')}`,
		);
		expect(shown).toBe('a ****** b "******" c ******');
	});

	it('leaves other fields and very short values alone', () => {
		expect(mask('visible abc')).toBe('visible abc');
	});
});
