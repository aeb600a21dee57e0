import { readFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../harness/root.ts';

/**
 * What CHANGELOG.md says of a version, without its heading.
 * @throws where it has no section for it, or an empty one
 */
export const notesOf = (version: string, root = packageRoot()): string => {
	const sections = readFileSync(path.join(root, 'CHANGELOG.md'), 'utf8').split(/^## /m).slice(1);
	const section = sections.find((text) => {
		const [name = ''] = text.split(/\s/, 1);
		return name.replace(/^\[|\]$/g, '') === version;
	});
	const notes = section?.slice(section.indexOf('\n')).trim();
	if (notes === undefined || notes === '') {
		throw new Error(`CHANGELOG.md has no section '## ${version} - <date>', or nothing in it`);
	}
	return notes;
};
