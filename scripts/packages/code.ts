import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import typescript from 'typescript';

/** Relative paths that a compiled file requires, as they are written in it. */
const relativeRequires = (file: string): string[] =>
	typescript
		.preProcessFile(readFileSync(file, 'utf8'), true, true)
		.importedFiles.map(({ fileName }) => fileName)
		.filter((specifier) => specifier.startsWith('.'));

/**
 * The compiled files that `entries` need to run, the entries among them: whatever Node would load by
 * following their `require` calls inside the package.
 * @throws where a required file does not exist
 */
export const requiredFiles = (entries: readonly string[]): string[] => {
	const found = new Set<string>();
	const open = [...entries];
	for (let file = open.pop(); file !== undefined; file = open.pop()) {
		if (found.has(file)) continue;
		found.add(file);
		if (!file.endsWith('.js')) continue;
		const { resolve } = createRequire(file);
		open.push(...relativeRequires(file).map((specifier) => resolve(specifier)));
	}
	return [...found].sort();
};
