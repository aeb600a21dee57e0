import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { install, runStep, withLock } from '../scripts/install.cjs';
import type { InstallOptions } from '../scripts/install.cjs';
import { unpack } from './pack.ts';
import { packageRoot, readManifest } from './root.ts';

/** An installed n8n with the Node it needs. */
export interface Host {
	/** Folder whose node_modules/n8n is n8n. */
	folder: string;
	version: string;
	/** Path of the Node binary. */
	node: string;
	/** Path of n8n's start script. */
	n8n: string;
}

/** What decides the content of a host. */
export interface HostRecipe {
	/** Version of n8n. */
	n8n: string;
	/** Checksum of n8n's tarball as in a lock file (`sha512-…`); not checked where it is left out. */
	integrity?: string;
	/** Text of pnpm-workspace.yaml. */
	workspace: string;
	/** Text of pnpm-lock.yaml; pnpm resolves the versions itself where it is left out. */
	lock?: string;
}

export interface HostOptions {
	say: (line: string) => void;
	recipe?: HostRecipe;
	/** Path of the Node binary that n8n shall run with; the tool chain's where it is left out. */
	node?: string;
	/** The user's cache folder. */
	cache?: string;
	/** See `InstallOptions.runCommand`. */
	runCommand?: InstallOptions['runCommand'];
}

/** `$XDG_CACHE_HOME`, or `~/.cache` where that is not set to an absolute path (as its specification says). */
export const userCache = (): string => {
	const configured = process.env.XDG_CACHE_HOME;
	return configured !== undefined && path.isAbsolute(configured)
		? configured
		: path.join(os.homedir(), '.cache');
};

/** Where this package's hosts live in the user's cache folder. */
export const hostsFolder = (cache = userCache()): string =>
	path.join(cache, 'n8n-nodes-speech-inference');

/** The n8n that demo, benches and end-to-end tests run in, as pinned in harness/host. */
export const pinnedRecipe = (): HostRecipe => {
	const file = (name: string): string => path.join(packageRoot(), 'harness', 'host', name);
	const read = (name: string): string => readFileSync(file(name), 'utf8');
	const { n8n, integrity } = JSON.parse(read('host.json')) as Record<'n8n' | 'integrity', string>;
	return {
		n8n,
		integrity,
		workspace: read('pnpm-workspace.yaml'),
		lock: existsSync(file('pnpm-lock.yaml')) ? read('pnpm-lock.yaml') : undefined,
	};
};

/** Where a host lives in the cache: its name changes with each part of the recipe. */
export const hostFolder = (recipe: HostRecipe, cache = userCache()): string => {
	const { n8n, integrity, workspace, lock } = recipe;
	const parts = JSON.stringify([n8n, integrity, workspace, lock]);
	const key = createHash('sha256').update(parts).digest('hex').slice(0, 12);
	return path.join(hostsFolder(cache), `n8n-${n8n}-${key}`);
};

/** The version that package.json pins in `packageManager` ("pnpm@10.34.9"). */
export const pinnedPnpm = (): string => {
	const pnpm = readManifest(packageRoot())
		.packageManager?.replace(/^pnpm@/, '')
		.replace(/\+.*$/, '');
	if (pnpm === undefined) throw new Error('package.json pins no pnpm in packageManager');
	return pnpm;
};

const integrityOf = (file: string): string =>
	`sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`;

/**
 * Makes n8n's tarball the root of a pnpm tree, as n8n's image is built: its own package.json, without
 * what is only for developing n8n, decides what lies in its node_modules. Renamed into place at the end,
 * so that what lies there is whole.
 */
const unpackN8n = async (
	recipe: HostRecipe,
	target: string,
	{ say, runCommand }: Pick<HostOptions, 'say' | 'runCommand'>,
): Promise<void> => {
	const { n8n, integrity, workspace, lock } = recipe;
	const download = `${target}.download`;
	rmSync(download, { recursive: true, force: true });
	mkdirSync(download, { recursive: true });
	say(`Downloading n8n ${n8n} …`);
	const pack = ['pack', `n8n@${n8n}`, '--pack-destination', download, '--silent'];
	await runStep(`n8n ${n8n}`, ['npm', ...pack], download, runCommand);
	const tarball = path.join(download, `n8n-${n8n}.tgz`);
	const found = integrityOf(tarball);
	if (integrity !== undefined && found !== integrity) {
		throw new Error(
			`The registry's n8n ${n8n} is not the expected one: its checksum is ${found} instead of ${integrity}. Check the output of \`npm config get registry\`.`,
		);
	}
	const unpacked = path.join(download, 'n8n');
	await unpack(tarball, unpacked);
	const manifest = readManifest(unpacked);
	delete manifest.devDependencies;
	delete manifest.scripts;
	writeFileSync(
		path.join(unpacked, 'package.json'),
		`${JSON.stringify(manifest, undefined, '\t')}\n`,
	);
	writeFileSync(path.join(unpacked, 'pnpm-workspace.yaml'), workspace);
	if (lock !== undefined) writeFileSync(path.join(unpacked, 'pnpm-lock.yaml'), lock);
	renameSync(unpacked, target);
	rmSync(download, { recursive: true, force: true });
};

/**
 * Gives the n8n of a recipe, installing it once into the user's cache folder and laid out as in n8n's
 * Docker image: an isolated pnpm tree with n8n as its root, in which a community package finds n8n's
 * direct dependencies and nothing else.
 * Says size and time before the download. An interrupted install is done anew.
 */
export const prepareHost = async ({
	say,
	recipe = pinnedRecipe(),
	node = path.join(packageRoot(), 'node_modules', 'node', 'bin', 'node'),
	cache = userCache(),
	runCommand,
}: HostOptions): Promise<Host> => {
	const folder = hostFolder(recipe, cache);
	const root = path.join(folder, 'node_modules', 'n8n');
	if (!existsSync(root)) {
		await withLock(`${folder}.unpack.lock`, { say }, async () => {
			if (!existsSync(root)) await unpackN8n(recipe, root, { say, runCommand });
		});
	}
	await install({
		folder: root,
		what: `n8n ${recipe.n8n} into ${folder}`,
		effort: 'about 1.9 GB on disk, 1 to 4 minutes; this happens once, later runs use it again.',
		pnpm: pinnedPnpm(),
		production: true,
		say,
		lockFile: `${folder}.lock`,
		runCommand,
	});
	return { folder, version: recipe.n8n, node, n8n: path.join(root, 'bin', 'n8n') };
};
