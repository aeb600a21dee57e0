import { oldestThatWorks, versionsPage } from '../../../scripts/versions/table.ts';
import type { Seen } from '../../../scripts/versions/table.ts';

const CHECKS = ['Loads', 'Flux'];

const seen = (n8n: string, changes: Partial<Seen> = {}): Seen => ({
	n8n,
	node: '24.1.0',
	day: '2026-01-31',
	results: { Loads: null, Flux: null },
	...changes,
});

const rows = (page: string): string[] => page.split('\n').filter((line) => line.startsWith('| '));

it('has a row for each version, in the order of versions and not of text', () => {
	const page = versionsPage([seen('2.10.0'), seen('2.9.1'), seen('1.110.1')], CHECKS);
	expect(rows(page)).toEqual([
		'| n8n | Node | Loads | Flux | Seen |',
		'| --- | --- | --- | --- | --- |',
		'| 1.110.1 | 24.1.0 | yes | yes | 2026-01-31 |',
		'| 2.9.1 | 24.1.0 | yes | yes | 2026-01-31 |',
		'| 2.10.0 | 24.1.0 | yes | yes | 2026-01-31 |',
	]);
});

it('says below the table what went wrong, in one line that cannot break the table', () => {
	const results = { Loads: null, Flux: 'no\n  WebSocket | here' };
	const page = versionsPage([seen('1.110.1', { results })], CHECKS);
	expect(rows(page)[2]).toBe('| 1.110.1 | 24.1.0 | yes | **no** | 2026-01-31 |');
	expect(page).toContain('- **1.110.1**, Flux: no WebSocket \\| here\n');
});

it('claims nothing of a version that could not be run, and says why', () => {
	const page = versionsPage(
		[seen('2.41.3', { failure: 'pnpm ended with 1', results: {} })],
		CHECKS,
	);
	expect(rows(page)[2]).toBe('| 2.41.3 | 24.1.0 | - | - | 2026-01-31 |');
	expect(page).toContain('- **2.41.3** could not be run: pnpm ended with 1\n');
	expect(page).not.toContain('The oldest version');
});

it('says why a version stands for its neighbour', () => {
	const page = versionsPage([seen('2.11.4', { reason: '2.10.0 is not to be had' })], CHECKS);
	expect(page).toContain('- **2.11.4** was taken because 2.10.0 is not to be had.\n');
});

it('takes as the oldest one only a version that passed everything', () => {
	const some = { Loads: null, Flux: 'broken' };
	const all = [seen('2.10.0'), seen('1.9.0', { results: some }), seen('1.10.0', { results: {} })];
	expect(oldestThatWorks(all, CHECKS)).toBe('2.10.0');
	expect(oldestThatWorks(all, ['Loads'])).toBe('1.9.0');
});
