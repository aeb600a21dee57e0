import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ESLint as NodeEslint } from 'eslint';
import type * as EslintModule from 'eslint';
import type FastGlob from 'fast-glob';
import {
	SOURCE_FILE_PATTERNS,
	buildScanConfig,
	findPackageRoot,
} from '@n8n/scan-community-package/scanner/scanner.mjs';
import { unpack } from '../harness/pack.ts';
import { packageRoot } from '../harness/root.ts';
import { packAll } from './packages/packAll.ts';
import type { PackedService } from './packages/packAll.ts';

/** As n8n's scanner looks at a published tarball. */
const TARBALL_FILE_PATTERNS = ['**/*.js', 'package.json'];

/** All that a user downloads. */
const SHIPPED = /^(dist\/.+|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/;
const REQUIRED = ['package.json', 'README.md', 'LICENSE'];

// The scanner's own ESLint and way to find files: its rules are pinned to that version, and it follows
// the links by which the packages of one service hold the common source.
const scannerRequire = createRequire(
	fileURLToPath(import.meta.resolve('@n8n/scan-community-package/scanner/scanner.mjs')),
);
const { ESLint: ScannerEslint } = scannerRequire('eslint') as typeof EslintModule;
const glob = scannerRequire('fast-glob') as typeof FastGlob;

/** Lints the files that match; gives the number of problems, warnings among them. */
const lint = async (
	title: string,
	eslint: NodeEslint,
	folder: string,
	patterns: string[],
): Promise<number> => {
	const files = glob.sync(patterns, { cwd: folder, absolute: true, ignore: ['node_modules/**'] });
	const sources = files.filter((file) => /\.[jt]s$/.test(file));
	if (sources.length === 0) {
		console.error(`${title}: no code found`);
		return 1;
	}
	const results = await eslint.lintFiles(files);
	const problems = results.reduce((sum, one) => sum + one.errorCount + one.warningCount, 0);
	if (problems > 0) console.error(await (await eslint.loadFormatter('stylish')).format(results));
	console.log(`${title}: ${files.length} files, ${problems} problems`);
	return problems;
};

/**
 * Lints like the scanner's `analyzePackage`, which is not called itself because it passes a folder
 * without files and does not count warnings.
 */
const scan = async (title: string, folder: string, patterns: string[]): Promise<number> =>
	await lint(
		title,
		new ScannerEslint({
			cwd: folder,
			allowInlineConfig: false,
			overrideConfigFile: true,
			overrideConfig: await buildScanConfig(),
		}),
		folder,
		patterns,
	);

/**
 * Lints the source with the rules of `n8n-node lint`, which does not follow links itself; in the root,
 * where there are none, `npm run lint` is the check.
 */
const lintAsNode = async (title: string, folder: string): Promise<number> =>
	await lint(
		title,
		new NodeEslint({ cwd: folder, overrideConfigFile: path.join(folder, 'eslint.config.mjs') }),
		folder,
		['package.json', '{nodes,credentials}/**/*.ts'],
	);

/** Gives the number of files that are in the tarball by accident or missing. */
const checkContents = (title: string, files: string[]): number => {
	const strays = files.filter((file) => !SHIPPED.test(file));
	const missing = REQUIRED.filter((file) => !files.includes(file));
	for (const file of strays) console.error(`${title}: ${file} is not meant to be shipped`);
	for (const file of missing) console.error(`${title}: ${file} is missing`);
	return strays.length + missing.length;
};

/** Looks at a package as n8n does: its source where the scanner finds it in a clone, and its tarball. */
const scanPackage = async (
	{ name, tarball, files, size, folder }: PackedService,
	work: string,
): Promise<number> => {
	const source = findPackageRoot(packageRoot(), name);
	if (source === null) {
		console.error(`${name}: the scanner finds no package.json with this name in the source`);
		return 1;
	}
	const unpacked = path.join(work, name);
	await unpack(tarball, unpacked);
	console.log(`${name}: ${files.length} files in a tarball of ${(size / 1024).toFixed(1)} kB`);
	return (
		(await scan('  source, as the scanner', source, SOURCE_FILE_PATTERNS)) +
		(folder === packageRoot() ? 0 : await lintAsNode('  source, as n8n-node lint', source)) +
		(await scan('  tarball, as the scanner', unpacked, TARBALL_FILE_PATTERNS)) +
		checkContents('  tarball', files)
	);
};

const work = mkdtempSync(path.join(os.tmpdir(), 'n8n-speech-scan-'));
try {
	let problems = 0;
	for (const packed of await packAll(path.join(work, 'packed'))) {
		problems += await scanPackage(packed, work);
	}
	process.exitCode = problems === 0 ? 0 : 1;
} finally {
	rmSync(work, { recursive: true, force: true });
}
