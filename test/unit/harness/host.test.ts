import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { installState } from '../../../scripts/install.cjs';
import { hostFolder, prepareHost, userCache } from '../../../harness/host.ts';

const REAL_HOST = path.join(__dirname, '..', '..', '..', 'harness', 'host');

let work: string;
let source: string;
let cache: string;

beforeEach(() => {
	work = mkdtempSync(path.join(os.tmpdir(), 'host-test-'));
	source = path.join(work, 'source');
	cache = path.join(work, 'cache');
	mkdirSync(source);
	for (const file of ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml']) {
		copyFileSync(path.join(REAL_HOST, file), path.join(source, file));
	}
});

afterEach(() => rmSync(work, { recursive: true, force: true }));

describe('hostFolder', () => {
	it('names the n8n version and changes with each file', () => {
		const names = [hostFolder(source, cache)];
		for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml']) {
			writeFileSync(path.join(source, file), `${file} changed`);
			names.push(hostFolder(source, cache));
		}
		writeFileSync(path.join(source, 'package.json'), '{"dependencies":{"n8n":"9.8.7"}}');
		names.push(hostFolder(source, cache));
		expect(new Set(names).size).toBe(4);
		expect(path.basename(names[0]!)).toMatch(/^n8n-2\.41\.1-[0-9a-f]{12}$/);
		expect(path.basename(names[3]!)).toMatch(/^n8n-9\.8\.7-[0-9a-f]{12}$/);
	});
});

describe('prepareHost', () => {
	it('installs once, says size and time before, and uses it again', async () => {
		const said: string[] = [];
		let installs = 0;
		const prepare = () =>
			prepareHost({
				say: (line) => said.push(line),
				source,
				cache,
				runCommand: (_command, _args, where) => {
					expect(said.join('\n')).toMatch(/1\.9 GB.*minutes/);
					expect(existsSync(path.join(where, 'pnpm-lock.yaml'))).toBe(true);
					installs++;
					return Promise.resolve(0);
				},
			});
		const host = await prepare();
		expect(host.version).toBe('2.41.1');
		expect(host.n8n.startsWith(host.folder)).toBe(true);
		expect(await prepare()).toEqual(host);
		expect(installs).toBe(1);
	});

	it('leaves no ready host behind when the install was interrupted', async () => {
		const prepare = (status: number | string) =>
			prepareHost({
				say: () => undefined,
				source,
				cache,
				runCommand: () => Promise.resolve(status),
			});
		await expect(prepare('SIGTERM')).rejects.toThrow('SIGTERM');
		expect(installState(hostFolder(source, cache))).toBe('interrupted');
		await prepare(0);
		expect(installState(hostFolder(source, cache))).toBe('ready');
	});
});

describe('userCache', () => {
	const before = process.env.XDG_CACHE_HOME;

	afterEach(() => {
		if (before === undefined) delete process.env.XDG_CACHE_HOME;
		else process.env.XDG_CACHE_HOME = before;
	});

	it('is XDG_CACHE_HOME where that is an absolute path, else ~/.cache', () => {
		process.env.XDG_CACHE_HOME = work;
		expect(userCache()).toBe(work);
		process.env.XDG_CACHE_HOME = 'relative';
		expect(userCache()).toBe(path.join(os.homedir(), '.cache'));
		delete process.env.XDG_CACHE_HOME;
		expect(userCache()).toBe(path.join(os.homedir(), '.cache'));
	});
});
