import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { WorkflowJson } from './client.ts';

export const PACKAGE_NAME = 'n8n-nodes-speech-inference';

interface Manifest {
	name?: string;
	packageManager?: string;
	devDependencies?: Record<string, string>;
	scripts?: Record<string, string>;
}

/** Reads a package.json. */
export const readManifest = (folder: string): Manifest =>
	JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as Manifest;

/** The package's root folder: the nearest one above the working folder whose package.json has its name. */
export const packageRoot = (): string => {
	for (let folder = process.cwd(); ; folder = path.dirname(folder)) {
		const here = existsSync(path.join(folder, 'package.json')) ? readManifest(folder) : undefined;
		if (here?.name === PACKAGE_NAME) return folder;
		if (folder === path.dirname(folder)) {
			throw new Error(`${process.cwd()} is not inside the ${PACKAGE_NAME} repository`);
		}
	}
};

/** Names of the workflows in examples/, without their ending. */
export const exampleNames = (): string[] =>
	readdirSync(path.join(packageRoot(), 'examples'))
		.filter((file) => file.endsWith('.json'))
		.map((file) => path.basename(file, '.json'));

/** A workflow of examples/. */
export const readExample = (name: string): WorkflowJson =>
	JSON.parse(
		readFileSync(path.join(packageRoot(), 'examples', `${name}.json`), 'utf8'),
	) as WorkflowJson;
