import fc from 'fast-check';
import type { IExecuteFunctions } from 'n8n-workflow';

import {
	readFluxParameters,
	runRequest,
	socketQuery,
} from '../../../../../nodes/CloudflareWorkersAi/flux/parameters.ts';
import { checkFluxFields, checkTags } from '../../../../../sandbox/cloudflare/fluxFields.ts';

function itemWith(options: object, more: Record<string, unknown> = {}) {
	const values: Record<string, unknown> = { options, ...more };
	const context = {
		getNode: () => ({ name: 'Cloudflare Workers AI', type: 'test', typeVersion: 1 }),
		getNodeParameter: (name: string, _item: number, fallback: unknown) => values[name] ?? fallback,
	};
	const { signal } = new AbortController();
	return { context: context as unknown as IExecuteFunctions, itemIndex: 0, signal };
}

const read = (options: object, more?: Record<string, unknown>) =>
	readFluxParameters(itemWith(options, more));

describe('readFluxParameters', () => {
	it('leaves out what the user did not set', () => {
		expect(read({})).toEqual({ encoding: 'linear16', sampleRate: 16_000, keyterms: [] });
		const empty = { keyterms: ['', ' '], tags: [], tag: ' ', eotThreshold: '', eotTimeoutMs: null };
		expect(read(empty)).toEqual(read({}));
	});

	it('takes numbers as an expression gives them, as text too', () => {
		const given = { eotThreshold: '0.65', eotTimeoutMs: '800' };
		expect(read(given, { sampleRate: '44100' })).toMatchObject({
			sampleRate: 44_100,
			eotThreshold: 0.65,
			eotTimeoutMs: 800,
		});
	});

	it('takes thresholds at their limits', () => {
		const highest = { eotThreshold: 0.9, eagerEotThreshold: 0.9 };
		expect(read(highest)).toMatchObject(highest);
		const lowest = { eotThreshold: 0.5, eagerEotThreshold: 0.3 };
		expect(read(lowest)).toMatchObject(lowest);
		expect(read({ eagerEotThreshold: 0.7 })).not.toHaveProperty('eotThreshold');
	});

	it.each([
		[{ eotThreshold: 0.49 }, {}],
		[{ eotThreshold: 0.91 }, {}],
		[{ eagerEotThreshold: 0.29 }, {}],
		[{ eagerEotThreshold: 0.71 }, {}],
		[{ eagerEotThreshold: 0.6, eotThreshold: 0.5 }, {}],
		[{ eotTimeoutMs: 499 }, {}],
		[{ eotTimeoutMs: 60_001 }, {}],
		[{ eotThreshold: NaN }, {}],
		[{ tags: ['ä'] }, {}],
		[{ tags: ['a'.repeat(51)] }, {}],
		[{}, { sampleRate: 16 }],
		[{}, { sampleRate: 16_000.5 }],
		[{}, { encoding: 'opus' }],
	])('refuses %j with %j', (options, more) => {
		expect(() => read(options, more)).toThrow(/'/);
	});

	it('counts the characters of a key term as people do', () => {
		expect(read({ keyterms: ['👍'.repeat(100)] }).keyterms).toHaveLength(1);
		expect(() => read({ keyterms: ['👍'.repeat(101)] })).toThrow(/more than 100 characters/);
	});

	it('yields only what the service takes, whatever is set', () => {
		const options = fc.record(
			{
				eotThreshold: fc.double({ min: 0.45, max: 0.95, noNaN: true }),
				eagerEotThreshold: fc.double({ min: 0.25, max: 0.95, noNaN: true }),
				eotTimeoutMs: fc.integer({ min: -5_000, max: 70_000 }),
				keyterms: fc.array(fc.string({ maxLength: 120, unit: 'grapheme' }), { maxLength: 110 }),
				mipOptOut: fc.boolean(),
				tag: fc.string(),
				tags: fc.array(fc.stringMatching(/^[A-Za-z0-9:\-./@ ]{0,55}$/), { maxLength: 6 }),
			},
			{ requiredKeys: [] },
		);
		let accepted = 0;
		fc.assert(
			fc.property(options, (given) => {
				let parameters;
				try {
					parameters = read(given);
				} catch {
					return;
				}
				accepted++;
				const query = socketQuery(parameters, 8_000);
				checkTags(query.get('tags'));
				query.delete('tags');
				checkFluxFields([...query]);
				const { body, query: runQuery } = runRequest(parameters, {});
				checkTags(runQuery.get('tags'));
				runQuery.delete('tags');
				checkFluxFields([...Object.entries(body), ...runQuery]);
			}),
			{ numRuns: 500 },
		);
		expect(accepted).toBeGreaterThan(20);
	});
});

describe('the two ways to send key terms and tags', () => {
	const parameters = read({ keyterms: ['n8n', 'a & b'], tags: ['x', 'y:z'], tag: 'label' });

	it('socketQuery repeats key terms, and has the rate of the audio', () => {
		expect(socketQuery(parameters, 44_100).toString()).toBe(
			'encoding=linear16&sample_rate=44100&tag=label&keyterm=n8n&keyterm=a+%26+b&tags=x%2Cy%3Az',
		);
	});

	it('runRequest has one key term in the body, several in the query', () => {
		const several = runRequest(parameters, { queueRequest: true });
		expect(several.query.toString()).toBe(
			'keyterm=n8n&keyterm=a+%26+b&tags=x%2Cy%3Az&queueRequest=true',
		);
		expect(several.body).toEqual({ encoding: 'linear16', sample_rate: '16000', tag: 'label' });
		const single = runRequest(read({ keyterms: ['n8n'] }), {
			additionalBody: { sample_rate: '8000' },
		});
		expect(single.query.toString()).toBe('');
		expect(single.body).toEqual({ encoding: 'linear16', sample_rate: '8000', keyterm: 'n8n' });
	});
});
