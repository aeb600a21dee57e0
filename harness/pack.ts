import { execFile } from 'node:child_process';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { extract } from 'tar';
import { packageRoot, readManifest } from './root.ts';

const run = promisify(execFile);

interface PackReport {
	filename: string;
	size: number;
	files: Array<{ path: string; size: number }>;
}

/** A tarball as `npm publish` would upload it. */
export interface PackedPackage {
	tarball: string;
	/** Compressed size in bytes. */
	size: number;
	/** Paths inside the package. */
	files: string[];
}

/** Packs the built tree into `target` (dist must be built before). */
export const packPackage = async (target: string, root = packageRoot()): Promise<PackedPackage> => {
	mkdirSync(target, { recursive: true });
	const { stdout } = await run(
		'npm',
		['pack', '--json', '--ignore-scripts', '--pack-destination', target],
		{ cwd: root, shell: process.platform === 'win32' },
	);
	const [report] = JSON.parse(stdout) as PackReport[];
	if (report === undefined) throw new Error('npm pack reported no package');
	return {
		tarball: path.join(target, report.filename),
		size: report.size,
		files: report.files.map((file) => file.path),
	};
};

/** Unpacks a tarball into `target`, without npm's top folder. */
export const unpack = async (tarball: string, target: string): Promise<void> => {
	rmSync(target, { recursive: true, force: true });
	mkdirSync(target, { recursive: true });
	await extract({ file: tarball, cwd: target, strip: 1 });
};

/**
 * Puts the packed package where n8n looks for community packages, in place of an older one. It gets no
 * node_modules of its own: what it needs at run time must come from n8n, as on a user's machine.
 */
export const installIntoUserFolder = async (tarball: string, userFolder: string): Promise<void> => {
	const modules = path.join(userFolder, '.n8n', 'nodes', 'node_modules');
	const unpacked = path.join(modules, '.unpacked');
	await unpack(tarball, unpacked);
	const { name } = readManifest(unpacked);
	if (name === undefined) throw new Error(`${tarball} has no name`);
	rmSync(path.join(modules, name), { recursive: true, force: true });
	renameSync(unpacked, path.join(modules, name));
};
