import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../harness/root.ts';

/** What the packaging reads of a package.json and writes into it. */
export interface PackageManifest {
	name: string;
	version: string;
	description: string;
	license: string;
	author: { name: string; email: string };
	homepage: string;
	repository: { type: string; url: string; directory?: string };
	engines: Record<string, string>;
	peerDependencies: Record<string, string>;
	n8n: {
		n8nNodesApiVersion: number;
		strict: boolean;
		/** Paths such as `dist/credentials/CloudswayApi.credentials.js`. */
		credentials: string[];
		/** Paths such as `dist/nodes/Cloudsway/Cloudsway.node.js`. */
		nodes: string[];
	};
	[key: string]: unknown;
}

export interface PublishedPackage {
	/** Folder with its package.json. */
	folder: string;
	manifest: PackageManifest;
}

export const readPackage = (folder: string): PublishedPackage => ({
	folder,
	manifest: JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as PackageManifest,
});

/** The package with every service, whose folder is the repository's root. */
export const wholePackage = (root = packageRoot()): PublishedPackage => readPackage(root);

/** The packages of one service each, in packages/. */
export const servicePackages = (root = packageRoot()): PublishedPackage[] =>
	readdirSync(path.join(root, 'packages'))
		.sort()
		.map((name) => readPackage(path.join(root, 'packages', name)));

/** All that is published from this repository, the whole package first. */
export const publishedPackages = (root = packageRoot()): PublishedPackage[] => [
	wholePackage(root),
	...servicePackages(root),
];

/** "dist/nodes/Cloudsway/Cloudsway.node.js" → "cloudsway", as n8n calls the node or credential. */
export const registeredName = (file: string): string => {
	const base = path.basename(file).split('.')[0] ?? '';
	return base.charAt(0).toLowerCase() + base.slice(1);
};

/** `owner/name` of the GitHub repository that package.json names. @throws where it names none */
export const repositoryOf = ({ manifest }: PublishedPackage): string => {
	const match = /^git\+https:\/\/github\.com\/([^/]+\/[^/]+?)\.git$/.exec(manifest.repository.url);
	if (match?.[1] === undefined) {
		throw new Error(
			`${manifest.name}: 'repository.url' must be git+https://github.com/<owner>/<name>.git, which npm provenance is checked against`,
		);
	}
	return match[1];
};
