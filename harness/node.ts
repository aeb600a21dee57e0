import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { install } from '../scripts/install.cjs';
import { hostsFolder, pinnedPnpm } from './host.ts';
import type { HostOptions } from './host.ts';

/** Gives the path of a Node of that version, installed once into the user's cache folder. */
export const prepareNode = async (
	version: string,
	{ say, cache, runCommand }: Pick<HostOptions, 'say' | 'cache' | 'runCommand'>,
): Promise<string> => {
	const folder = path.join(hostsFolder(cache), `node-${version}`);
	mkdirSync(folder, { recursive: true });
	const manifest = { name: 'node-of-a-host', private: true, dependencies: { node: version } };
	writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest));
	writeFileSync(
		path.join(folder, 'pnpm-workspace.yaml'),
		'packages: []\nonlyBuiltDependencies:\n  - node\n',
	);
	await install({
		folder,
		what: `Node ${version}`,
		effort: 'about 120 MB on disk.',
		pnpm: pinnedPnpm(),
		say,
		lockFile: `${folder}.lock`,
		runCommand,
	});
	return path.join(folder, 'node_modules', 'node', 'bin', 'node');
};
