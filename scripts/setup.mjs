// Runs on the machine's own Node (20 or later) before anything is installed: no dependencies here.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { install } from './install.cjs';

const OLDEST_NODE = 20;

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** The version that package.json pins in `packageManager` ("pnpm@10.34.9"). */
const pinnedPnpm = () => {
	const { packageManager } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
	return packageManager.replace(/^pnpm@/, '').replace(/\+.*$/, '');
};

try {
	if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
		throw new Error(
			`This is Node ${process.versions.node}; Node ${OLDEST_NODE} or later is needed: https://nodejs.org`,
		);
	}
	await install({
		folder: root,
		what: 'the tool chain',
		effort: 'about 850 MB in node_modules, 20 to 60 s with a fast connection.',
		pnpm: pinnedPnpm(),
		say: (line) => console.log(`[setup] ${line}`),
		lockFile: path.join(root, '.cache', 'setup.lock'),
	});
} catch (error) {
	console.error(`[setup] ${error.message}`);
	process.exitCode = 1;
}
