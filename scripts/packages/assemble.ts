import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { ICredentialType, INodeType } from 'n8n-workflow';
import { packageRoot } from '../../harness/root.ts';
import { requiredFiles } from './code.ts';
import { registeredName } from './manifest.ts';
import type { PublishedPackage } from './manifest.ts';

interface Codex {
	node: string;
	resources: { primaryDocumentation: Array<{ url: string }> };
	[key: string]: unknown;
}

const load = createRequire(import.meta.url);

/** The class of a compiled node or credential, found as n8n finds it: its name is the file's. */
const instanceOf = <T>(file: string): T => {
	const name = path.basename(file).split('.')[0] ?? '';
	const Class = (load(file) as Record<string, new () => T>)[name];
	if (Class === undefined) throw new Error(`${file} exports no class ${name}`);
	return new Class();
};

/** Files that an `icon` names, beside the compiled file that has it. */
const iconFiles = (icon: INodeType['description']['icon'], file: string): string[] =>
	(typeof icon === 'object' ? [icon.light, icon.dark] : [icon ?? '']).map((reference) =>
		path.resolve(path.dirname(file), reference.replace(/^file:/, '')),
	);

/** @throws where a node uses a credential that the package does not register */
const checkCredentials = (
	{ manifest }: PublishedPackage,
	nodes: INodeType[],
	credentials: ICredentialType[],
): void => {
	const names = credentials.map(({ name }) => name);
	for (const { description } of nodes) {
		for (const { name } of description.credentials ?? []) {
			if (!names.includes(name)) {
				throw new Error(
					`${manifest.name}: node '${description.name}' uses credential '${name}', which n8n.credentials does not register`,
				);
			}
		}
	}
};

/** n8n's codex file of a node, speaking of the package it is published in. */
const codexFor = ({ manifest }: PublishedPackage, file: string): string => {
	const codex = JSON.parse(readFileSync(file, 'utf8')) as Codex;
	codex.node = `${manifest.name}.${registeredName(file)}`;
	codex.resources.primaryDocumentation = [{ url: manifest.homepage }];
	return `${JSON.stringify(codex, null, '\t')}\n`;
};

/**
 * Makes the `dist` of a package of one service out of the repository's built `dist`: its nodes and
 * credentials, the code they require, their icons and their codex files. Gives the paths in `dist`.
 * @throws where package.json registers what was not built, or a credential is missing
 */
export const assemble = (one: PublishedPackage, root = packageRoot()): string[] => {
	const { folder, manifest } = one;
	const dist = path.join(root, 'dist');
	const target = path.join(folder, 'dist');
	const nodes = manifest.n8n.nodes.map((file) => path.join(root, file));
	const credentials = manifest.n8n.credentials.map((file) => path.join(root, file));
	for (const file of [...nodes, ...credentials]) {
		if (!existsSync(file)) {
			throw new Error(
				`${manifest.name}: ${path.relative(root, file)} is registered, but not built`,
			);
		}
	}
	const nodeTypes = nodes.map((file) => instanceOf<INodeType>(file));
	const credentialTypes = credentials.map((file) => instanceOf<ICredentialType>(file));
	checkCredentials(one, nodeTypes, credentialTypes);
	const icons = [
		...nodes.flatMap((file, index) => iconFiles(nodeTypes[index]?.description.icon, file)),
		...credentials.flatMap((file, index) => iconFiles(credentialTypes[index]?.icon, file)),
	];
	const codexes = nodes.map((file) => file.replace(/\.js$/, '.json'));
	rmSync(target, { recursive: true, force: true });
	const place = (file: string): string => {
		const inDist = path.relative(dist, file);
		mkdirSync(path.dirname(path.join(target, inDist)), { recursive: true });
		return path.join(target, inDist);
	};
	const files = [...new Set([...requiredFiles([...nodes, ...credentials]), ...icons])];
	for (const file of files) copyFileSync(file, place(file));
	for (const file of codexes) writeFileSync(place(file), codexFor(one, file));
	return [...files, ...codexes].map((file) => path.relative(dist, file)).sort();
};
