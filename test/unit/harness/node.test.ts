import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { prepareNode } from '../../../harness/node.ts';

let cache: string;

beforeEach(() => {
	cache = mkdtempSync(path.join(os.tmpdir(), 'node-test-'));
});

afterEach(() => rmSync(cache, { recursive: true, force: true }));

it('installs a Node of each version once', async () => {
	const installed: unknown[] = [];
	const prepare = (version: string) =>
		prepareNode(version, {
			say: () => undefined,
			cache,
			runCommand: (_command, _args, folder) => {
				const manifest = readFileSync(path.join(folder, 'package.json'), 'utf8');
				installed.push((JSON.parse(manifest) as { dependencies: unknown }).dependencies);
				return Promise.resolve(0);
			},
		});
	const node = await prepare('22.1.0');
	expect(await prepare('22.1.0')).toBe(node);
	expect(await prepare('20.2.0')).not.toBe(node);
	expect(installed).toEqual([{ node: '22.1.0' }, { node: '20.2.0' }]);
});
