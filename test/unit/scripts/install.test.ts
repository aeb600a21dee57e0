import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
	MARKER,
	fingerprint,
	install,
	installState,
	withLock,
	writeMarker,
} from '../../../scripts/install.cjs';
import type { InstallOptions } from '../../../scripts/install.cjs';

let folder: string;

const write = (file: string, text: string): void => writeFileSync(path.join(folder, file), text);

const manifest = (changes: Record<string, unknown> = {}): void =>
	write('package.json', JSON.stringify({ devDependencies: { a: '1', b: '2' }, ...changes }));

beforeEach(() => {
	folder = mkdtempSync(path.join(os.tmpdir(), 'install-test-'));
	manifest();
	write('pnpm-lock.yaml', 'lock');
	write('pnpm-workspace.yaml', 'overrides');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('fingerprint', () => {
	it('changes with the lock file, the overrides, the dependencies and the platform', () => {
		const prints = [fingerprint(folder, 'linux-x64'), fingerprint(folder, 'darwin-arm64')];
		write('pnpm-lock.yaml', 'other lock');
		prints.push(fingerprint(folder, 'linux-x64'));
		write('pnpm-workspace.yaml', 'other overrides');
		prints.push(fingerprint(folder, 'linux-x64'));
		manifest({ devDependencies: { a: '1', b: '3' } });
		prints.push(fingerprint(folder, 'linux-x64'));
		manifest({ devDependencies: { a: '1' }, dependencies: { b: '3' } });
		prints.push(fingerprint(folder, 'linux-x64'));
		expect(new Set(prints).size).toBe(prints.length);
	});

	it('does not change with what installs nothing: scripts, order of names', () => {
		const before = fingerprint(folder);
		manifest({ scripts: { test: 'jest' }, devDependencies: { b: '2', a: '1' } });
		expect(fingerprint(folder)).toBe(before);
	});

	it('does not take text moved from one file to the next for the same', () => {
		write('pnpm-lock.yaml', 'ab');
		write('pnpm-workspace.yaml', 'c');
		const before = fingerprint(folder);
		write('pnpm-lock.yaml', 'a');
		write('pnpm-workspace.yaml', 'bc');
		expect(fingerprint(folder)).not.toBe(before);
	});
});

describe('installState', () => {
	const done = (): void =>
		writeMarker(folder, { phase: 'done', fingerprint: fingerprint(folder), pnpm: '1' });

	it('is missing without node_modules', () => {
		expect(installState(folder)).toBe('missing');
	});

	it('is ready after an install from these files, changed after the lock changed', () => {
		done();
		expect(installState(folder)).toBe('ready');
		write('pnpm-lock.yaml', 'newer');
		expect(installState(folder)).toBe('changed');
	});

	it('is interrupted when the install began and did not end', () => {
		writeMarker(folder, { phase: 'installing', fingerprint: fingerprint(folder), pnpm: '1' });
		expect(installState(folder)).toBe('interrupted');
	});

	it('tells an install done by hand from a torso', () => {
		mkdirSync(path.join(folder, 'node_modules'));
		expect(installState(folder)).toBe('interrupted');
		write('node_modules/.modules.yaml', '');
		expect(installState(folder)).toBe('changed');
	});

	it('does not trust a marker that cannot be read', () => {
		done();
		write(MARKER, '{"phase":"done"');
		expect(installState(folder)).toBe('interrupted');
	});
});

describe('install', () => {
	const said: string[] = [];
	const calls: string[][] = [];

	/** Stands in for pnpm: makes a module, and ends with `status`. */
	const pnpm =
		(status: number | string = 0): InstallOptions['runCommand'] =>
		async (command, args, where) => {
			calls.push([command, ...args]);
			mkdirSync(path.join(where, 'node_modules', 'a'), { recursive: true });
			return await Promise.resolve(status);
		};

	const options = (changes: Partial<InstallOptions> = {}): InstallOptions => ({
		folder,
		what: 'the thing',
		effort: '5 MB, 3 s',
		pnpm: '10.0.0',
		say: (line) => said.push(line),
		lockFile: path.join(folder, '.cache', 'lock'),
		runCommand: pnpm(),
		...changes,
	});

	beforeEach(() => {
		said.length = 0;
		calls.length = 0;
	});

	it('says size and time, runs the pinned pnpm with the frozen lock, and is quiet the second time', async () => {
		await expect(install(options())).resolves.toBe(true);
		expect(said[0]).toBe('Installing the thing: 5 MB, 3 s');
		expect(calls[0]).toEqual(
			expect.arrayContaining(['npx', '--yes', 'pnpm@10.0.0', 'install', '--frozen-lockfile']),
		);
		said.length = 0;
		await expect(install(options())).resolves.toBe(false);
		expect(said).toEqual([]);
		expect(calls).toHaveLength(1);
		expect(existsSync(path.join(folder, '.cache', 'lock'))).toBe(false);
	});

	it('lets pnpm write a lock file where there is none, and is ready with that one', async () => {
		rmSync(path.join(folder, 'pnpm-lock.yaml'));
		const resolving: InstallOptions['runCommand'] = (...call) => {
			write('pnpm-lock.yaml', 'resolved');
			return pnpm()!(...call);
		};
		await install(options({ runCommand: resolving, production: true }));
		expect(calls[0]).toEqual(expect.arrayContaining(['--no-frozen-lockfile', '--prod']));
		expect(installState(folder)).toBe('ready');
	});

	it('leaves a marker of the beginning while pnpm runs', async () => {
		let during: string | undefined;
		await install(
			options({
				runCommand: (...call) => {
					during = installState(folder);
					return pnpm()!(...call);
				},
			}),
		);
		expect(during).toBe('interrupted');
		expect(installState(folder)).toBe('ready');
	});

	it.each([1, 'SIGINT'])(
		'does an install that ended with %s anew, from nothing',
		async (status) => {
			await expect(install(options({ runCommand: pnpm(status) }))).rejects.toThrow(
				`pnpm ended with ${status}`,
			);
			expect(installState(folder)).toBe('interrupted');
			write('node_modules/a/half', '');
			await expect(install(options())).resolves.toBe(true);
			expect(said).toContain('An earlier install of the thing was interrupted: starting again.');
			expect(existsSync(path.join(folder, 'node_modules', 'a', 'half'))).toBe(false);
			expect(installState(folder)).toBe('ready');
		},
	);

	it('speaks of the network when pnpm fails, and of npm when npx is not there', async () => {
		await expect(install(options({ runCommand: pnpm(1) }))).rejects.toThrow(/ENOTFOUND.*proxy/s);
		await expect(
			install(options({ runCommand: () => Promise.reject(new Error('spawn npx ENOENT')) })),
		).rejects.toThrow(/npx could not be started .*install Node 20/);
	});

	it('keeps the old modules for pnpm to update when only the lock changed', async () => {
		await install(options());
		write('node_modules/a/kept', '');
		write('pnpm-lock.yaml', 'newer');
		await expect(install(options())).resolves.toBe(true);
		expect(existsSync(path.join(folder, 'node_modules', 'a', 'kept'))).toBe(true);
	});

	it('installs once when two ask at the same time', async () => {
		let running = 0;
		let most = 0;
		const slow: InstallOptions['runCommand'] = async (...call) => {
			most = Math.max(most, ++running);
			await new Promise((resolve) => setTimeout(resolve, 200));
			running--;
			return await pnpm()!(...call);
		};
		const both = [options({ runCommand: slow }), options({ runCommand: slow })];
		await expect(Promise.all(both.map((one) => install(one)))).resolves.toEqual(
			expect.arrayContaining([true, false]),
		);
		expect(calls).toHaveLength(1);
		expect(most).toBe(1);
		expect(said).toContain('Another process is installing here; waiting for it …');
	});
});

describe('withLock', () => {
	it('takes over from a holder that is dead', async () => {
		const dead = spawn(process.execPath, ['-e', '0']);
		await once(dead, 'exit');
		const lock = path.join(folder, 'lock');
		writeFileSync(lock, `${os.hostname()}\n${dead.pid}\nsome-token\n`);
		const held = await withLock(lock, { say: () => undefined, pollMs: 10 }, () =>
			Promise.resolve(readFileSync(lock, 'utf8')),
		);
		expect(held).toContain(`\n${process.pid}\n`);
		expect(existsSync(lock)).toBe(false);
	});

	it('is given back when the work throws', async () => {
		const lock = path.join(folder, 'lock');
		const work = (): Promise<never> => Promise.reject(new Error('no space'));
		await expect(withLock(lock, { say: () => undefined }, work)).rejects.toThrow('no space');
		expect(existsSync(lock)).toBe(false);
	});
});
