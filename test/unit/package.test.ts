import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import ts from 'typescript';

import { packPackage, unpack } from '../../harness/pack.ts';

/**
 * What n8n's Docker image offers to community packages is n8n's direct dependencies, and which these
 * are changes from version to version. So the package keeps to these two.
 */
const OFFERED = ['crypto', 'n8n-workflow'];

const folder = mkdtempSync(path.join(tmpdir(), 'package-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('requires nothing but n8n-workflow, crypto and files of its own, in every file of the tarball', async () => {
	const packed = await packPackage(folder);
	const unpacked = path.join(folder, 'package');
	await unpack(packed.tarball, unpacked);
	const scripts = packed.files.filter((file) => file.endsWith('.js'));
	const shipped = new Set(packed.files);
	const used = new Set<string>();
	for (const file of scripts) {
		const source = readFileSync(path.join(unpacked, file), 'utf8');
		// Finds import, import() and require() alike.
		for (const { fileName } of ts.preProcessFile(source, true, true).importedFiles) {
			if (!fileName.startsWith('.')) {
				used.add(fileName);
				expect(`${file}: ${fileName}`).toMatch(new RegExp(`: (${OFFERED.join('|')})$`));
				continue;
			}
			const target = path.posix.join(path.posix.dirname(file), fileName);
			const isShipped = [target, `${target}.js`, `${target}/index.js`].some((one) =>
				shipped.has(one),
			);
			expect({ file, fileName, isShipped }).toEqual({ file, fileName, isShipped: true });
		}
	}
	// So that a reader of requires that finds none would not pass.
	expect([...used].sort()).toEqual(OFFERED);
});
