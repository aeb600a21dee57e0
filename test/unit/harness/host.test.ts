import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { create } from 'tar';

import { hostFolder, pinnedRecipe, prepareHost, userCache } from '../../../harness/host.ts';
import type { HostRecipe } from '../../../harness/host.ts';
import type { InstallOptions } from '../../../scripts/install.cjs';

type RunCommand = NonNullable<InstallOptions['runCommand']>;

let work: string;
let cache: string;
let tarball: Buffer;
let recipe: HostRecipe;

/** A tarball as the registry has it: all lies in the folder `package`. */
const packed = (manifest: object): Buffer => {
	const folder = path.join(work, 'package');
	mkdirSync(path.join(folder, 'bin'), { recursive: true });
	writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest));
	writeFileSync(path.join(folder, 'bin', 'n8n'), '');
	const file = path.join(work, 'n8n.tgz');
	create({ cwd: work, file, gzip: true, sync: true }, ['package']);
	return readFileSync(file);
};

beforeEach(() => {
	work = mkdtempSync(path.join(os.tmpdir(), 'host-test-'));
	cache = path.join(work, 'cache');
	tarball = packed({
		name: 'n8n',
		dependencies: { luxon: '3' },
		devDependencies: { axios: '1' },
		scripts: { preinstall: 'exit 1' },
	});
	recipe = {
		n8n: '9.8.7',
		integrity: `sha512-${createHash('sha512').update(tarball).digest('base64')}`,
		workspace: 'nodeLinker: isolated\n',
		lock: 'lockfileVersion: 9\n',
	};
});

afterEach(() => rmSync(work, { recursive: true, force: true }));

const commands: string[][] = [];

/** Stands in for npm and pnpm: `npm pack` puts the tarball there, pnpm ends with `status`. */
const registry =
	(status: number | string = 0): RunCommand =>
	(command, args, where) => {
		commands.push([command, ...args]);
		if (command !== 'npm') return Promise.resolve(status);
		writeFileSync(path.join(where, 'n8n-9.8.7.tgz'), tarball);
		return Promise.resolve(0);
	};

beforeEach(() => {
	commands.length = 0;
});

const pnpmCalls = (): string[][] => commands.filter(([command]) => command === 'npx');

describe('hostFolder', () => {
	it('names the n8n version and changes with each part of the recipe', () => {
		const recipes: HostRecipe[] = [
			recipe,
			{ ...recipe, n8n: '9.8.8' },
			{ ...recipe, integrity: 'sha512-other' },
			{ ...recipe, workspace: 'nodeLinker: hoisted\n' },
			{ ...recipe, lock: undefined },
		];
		const names = recipes.map((one) => hostFolder(one, cache));
		expect(new Set(names).size).toBe(recipes.length);
		expect(path.basename(names[0]!)).toMatch(/^n8n-9\.8\.7-[0-9a-f]{12}$/);
	});
});

describe('pinnedRecipe', () => {
	it("is laid out as n8n's image: an isolated tree from a lock file, n8n known by its checksum", () => {
		const { n8n, integrity, workspace, lock } = pinnedRecipe();
		expect(n8n).toMatch(/^\d+\.\d+\.\d+$/);
		expect(integrity).toMatch(/^sha512-/);
		expect(workspace).toMatch(/^nodeLinker: isolated$/m);
		expect(workspace).not.toMatch(/hoist.*true/i);
		// The root of the tree is n8n itself, so the lock lists n8n's dependencies and not n8n.
		const direct = [...(lock ?? '').matchAll(/^ {6}(\S+):$/gm)].map(([, name]) => name);
		expect(direct).toContain('n8n-workflow');
		expect(direct).not.toContain('n8n');
	});
});

describe('prepareHost', () => {
	const said: string[] = [];
	const prepare = (runCommand: RunCommand, changes: Partial<HostRecipe> = {}) =>
		prepareHost({
			say: (line) => said.push(line),
			recipe: { ...recipe, ...changes },
			cache,
			runCommand,
		});
	const root = (): string => path.join(hostFolder(recipe, cache), 'node_modules', 'n8n');

	beforeEach(() => {
		said.length = 0;
	});

	it('installs once, says size and time before, and uses it again', async () => {
		const host = await prepare((command, ...rest) => {
			if (command === 'npx') expect(said.join('\n')).toMatch(/GB.*minutes/);
			return registry()(command, ...rest);
		});
		expect(host.version).toBe('9.8.7');
		expect(existsSync(host.n8n)).toBe(true);
		const before = commands.length;
		expect(await prepare(registry())).toEqual(host);
		expect(commands).toHaveLength(before);
	});

	it('makes n8n the root of a tree without what is only for developing it', async () => {
		await prepare(registry());
		expect(JSON.parse(readFileSync(path.join(root(), 'package.json'), 'utf8'))).toEqual({
			name: 'n8n',
			dependencies: { luxon: '3' },
		});
		expect(readFileSync(path.join(root(), 'pnpm-workspace.yaml'), 'utf8')).toBe(recipe.workspace);
		expect(pnpmCalls()).toHaveLength(1);
		expect(pnpmCalls()[0]).toEqual(expect.arrayContaining(['--prod', '--frozen-lockfile']));
	});

	it('lets pnpm resolve the versions where no lock file is given', async () => {
		await prepare(registry(), { lock: undefined });
		expect(pnpmCalls()[0]).toContain('--no-frozen-lockfile');
	});

	it('refuses a tarball with another checksum, and leaves nothing of it', async () => {
		tarball = packed({ name: 'n8n', dependencies: { evil: '1' } });
		await expect(prepare(registry())).rejects.toThrow(/not the expected one: its checksum is/);
		expect(existsSync(root())).toBe(false);
		expect(pnpmCalls()).toEqual([]);
	});

	it('says what npm ended with when n8n cannot be downloaded, and downloads it anew', async () => {
		await expect(prepare(() => Promise.resolve(1))).rejects.toThrow(/npm ended with 1/);
		await expect(prepare(registry())).resolves.toMatchObject({ version: '9.8.7' });
	});

	it('does an interrupted install anew, without downloading n8n again', async () => {
		await expect(prepare(registry('SIGTERM'))).rejects.toThrow('pnpm ended with SIGTERM');
		writeFileSync(path.join(root(), 'node_modules', 'half'), '');
		await prepare(registry());
		expect(said.join('\n')).toContain('was interrupted: starting again');
		expect(existsSync(path.join(root(), 'node_modules', 'half'))).toBe(false);
		expect(commands.filter(([command]) => command === 'npm')).toHaveLength(1);
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
