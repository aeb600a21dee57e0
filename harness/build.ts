import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from './root.ts';

const run = promisify(execFile);

/** Builds dist; rejects with the compiler's own lines where it does not compile. */
export const buildPackage = async (root = packageRoot()): Promise<void> => {
	const gulp = path.join(root, 'node_modules', 'gulp', 'bin', 'gulp.js');
	try {
		await run(process.execPath, [gulp, 'build', '--silent'], { cwd: root });
	} catch (error) {
		const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
		throw new Error(`The package does not build:\n${stdout}${stderr}`, { cause: error });
	}
};
