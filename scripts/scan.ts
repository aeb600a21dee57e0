import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type * as EslintModule from 'eslint';
import {
	SOURCE_FILE_PATTERNS,
	buildScanConfig,
} from '@n8n/scan-community-package/scanner/scanner.mjs';
import { packPackage, unpack } from '../harness/pack.ts';
import { packageRoot } from '../harness/root.ts';

/** As n8n's scanner looks at a published tarball. */
const TARBALL_FILE_PATTERNS = ['**/*.js', 'package.json'];

/** All that a user downloads. */
const SHIPPED = /^(dist\/.+|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/;
const REQUIRED = ['package.json', 'README.md', 'LICENSE'];

// The scanner's own ESLint: its rules are pinned to that version.
const scannerRequire = createRequire(
	fileURLToPath(import.meta.resolve('@n8n/scan-community-package/scanner/scanner.mjs')),
);
const { ESLint } = scannerRequire('eslint') as typeof EslintModule;

/**
 * Lints like the scanner's `analyzePackage`, which is not called itself because it passes a folder
 * without files and does not count warnings. Gives the number of problems.
 */
const scan = async (title: string, folder: string, patterns: string[]): Promise<number> => {
	const files = globSync(patterns, { cwd: folder, exclude: ['node_modules/**'] });
	if (files.length === 0) {
		console.error(`${title}: no files found`);
		return 1;
	}
	const eslint = new ESLint({
		cwd: folder,
		allowInlineConfig: false,
		overrideConfigFile: true,
		overrideConfig: await buildScanConfig(),
	});
	const results = await eslint.lintFiles(files.map((file) => path.join(folder, file)));
	const problems = results.reduce((sum, one) => sum + one.errorCount + one.warningCount, 0);
	if (problems > 0) console.error(await (await eslint.loadFormatter('stylish')).format(results));
	console.log(`${title}: ${files.length} files, ${problems} problems`);
	return problems;
};

/** Gives the number of files that are in the tarball by accident or missing. */
const checkContents = (files: string[]): number => {
	const strays = files.filter((file) => !SHIPPED.test(file));
	const missing = REQUIRED.filter((file) => !files.includes(file));
	for (const file of strays) console.error(`tarball: ${file} is not meant to be shipped`);
	for (const file of missing) console.error(`tarball: ${file} is missing`);
	console.log(
		`tarball contents: ${files.length} files, ${strays.length + missing.length} problems`,
	);
	return strays.length + missing.length;
};

const root = packageRoot();
const work = mkdtempSync(path.join(os.tmpdir(), 'n8n-speech-scan-'));
try {
	const packed = await packPackage(work, root);
	const unpacked = path.join(work, 'package');
	await unpack(packed.tarball, unpacked);
	const problems =
		(await scan('source tree', root, SOURCE_FILE_PATTERNS)) +
		(await scan('tarball', unpacked, TARBALL_FILE_PATTERNS)) +
		checkContents(packed.files);
	process.exitCode = problems === 0 ? 0 : 1;
} finally {
	rmSync(work, { recursive: true, force: true });
}
