import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { install } from '../scripts/install.cjs';
import type { InstallOptions } from '../scripts/install.cjs';
import { packageRoot, readManifest } from './root.ts';

const HOST_FILES = ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml'];

/** An installed n8n with the Node it needs. */
export interface Host {
	/** Folder that holds its node_modules. */
	folder: string;
	version: string;
	/** Path of the Node 24 binary. */
	node: string;
	/** Path of n8n's start script. */
	n8n: string;
}

export interface HostOptions {
	say: (line: string) => void;
	/** Folder with the host's package.json, lock file and workspace file. */
	source?: string;
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

const pinnedVersion = (source: string): string => {
	const manifest = readManifest(source) as { dependencies?: Record<string, string> };
	const version = manifest.dependencies?.n8n;
	if (version === undefined) throw new Error(`${source}/package.json names no n8n version`);
	return version;
};

/** Where the host described by `source` lives in the cache: its name changes with each of its files. */
export const hostFolder = (source: string, cache: string): string => {
	const hash = createHash('sha256');
	for (const file of HOST_FILES) hash.update(readFileSync(path.join(source, file))).update('\0');
	const key = hash.digest('hex').slice(0, 12);
	return path.join(cache, 'n8n-nodes-speech-inference', `n8n-${pinnedVersion(source)}-${key}`);
};

/**
 * Gives the n8n of harness/host, installing it once into the user's cache folder.
 * Says size and time before the download. An interrupted install is done anew.
 */
export const prepareHost = async ({
	say,
	source = path.join(packageRoot(), 'harness', 'host'),
	cache = userCache(),
	runCommand,
}: HostOptions): Promise<Host> => {
	const folder = hostFolder(source, cache);
	const version = pinnedVersion(source);
	mkdirSync(folder, { recursive: true });
	for (const file of HOST_FILES) copyFileSync(path.join(source, file), path.join(folder, file));
	const pnpm = readManifest(packageRoot())
		.packageManager?.replace(/^pnpm@/, '')
		.replace(/\+.*$/, '');
	if (pnpm === undefined) throw new Error('package.json pins no pnpm in packageManager');
	await install({
		folder,
		what: `n8n ${version} into ${folder}`,
		effort: 'about 1.9 GB on disk, 1 to 4 minutes; this happens once, later runs use it again.',
		pnpm,
		say,
		lockFile: `${folder}.lock`,
		runCommand,
	});
	const modules = path.join(folder, 'node_modules');
	return {
		folder,
		version,
		node: path.join(modules, 'node', 'bin', 'node'),
		n8n: path.join(modules, 'n8n', 'bin', 'n8n'),
	};
};
