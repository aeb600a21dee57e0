import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../harness/root.ts';
import { repositoryOf, servicePackages, wholePackage } from './manifest.ts';
import type { PublishedPackage } from './manifest.ts';
import { moveWorkflows, movesBetween } from './move.ts';

/** Content that a file has to have, since another file says so. */
export interface DerivedFile {
	/** From the repository's root. */
	file: string;
	content: string;
}

const json = (value: unknown): string => `${JSON.stringify(value, null, '\t')}\n`;

const read = (root: string, file: string): string => readFileSync(path.join(root, file), 'utf8');

/** What a service's package.json takes from that of the root. */
const manifestOf = (
	service: PublishedPackage,
	whole: PublishedPackage,
	directory: string,
): string => {
	const { version, license, author, engines, peerDependencies, repository, n8n } = whole.manifest;
	return json({
		...service.manifest,
		version,
		license,
		author,
		homepage: `https://github.com/${repositoryOf(whole)}/tree/main/${directory}#readme`,
		repository: { ...repository, directory },
		engines,
		peerDependencies,
		n8n: {
			...service.manifest.n8n,
			n8nNodesApiVersion: n8n.n8nNodesApiVersion,
			strict: n8n.strict,
		},
	});
};

/** A workflow between the README's lines `<!-- example NAME -->` and `<!-- /example -->`. */
const EXAMPLE = /(<!-- example (\S+) -->\n)[\s\S]*?(<!-- \/example -->)/g;

const readmeWithExamples = (
	readme: string,
	service: PublishedPackage,
	whole: PublishedPackage,
	root: string,
): string =>
	readme.replace(EXAMPLE, (_block, begin: string, name: string, end: string) => {
		const workflow = read(root, `examples/${name}.json`);
		const moved = moveWorkflows(workflow, movesBetween([whole], [service]));
		return `${begin}\`\`\`json\n${moved}\`\`\`\n${end}`;
	});

const codexWithHomepage = (codex: string, { manifest }: PublishedPackage): string =>
	codex.replace(
		/("primaryDocumentation": \[\s*\{ "url": ")[^"]*/,
		(_match, begin: string) => begin + manifest.homepage,
	);

/**
 * All that is said twice in this repository because npm, n8n or GitHub look for it in several places:
 * its one source is the package.json in the root (author, repository, version), LICENSE and examples/.
 */
export const derivedFiles = (root = packageRoot()): DerivedFile[] => {
	const whole = wholePackage(root);
	const homepage = `https://github.com/${repositoryOf(whole)}#readme`;
	const derived: DerivedFile[] = [
		{
			file: 'package.json',
			content: read(root, 'package.json').replace(
				/("homepage": ")[^"]*/,
				(_match, begin: string) => begin + homepage,
			),
		},
	];
	for (const file of globSync('nodes/**/*.node.json', { cwd: root })) {
		const content = codexWithHomepage(read(root, file), {
			...whole,
			manifest: { ...whole.manifest, homepage },
		});
		derived.push({ file, content });
	}
	for (const service of servicePackages(root)) {
		const directory = `packages/${path.basename(service.folder)}`;
		derived.push(
			{ file: `${directory}/package.json`, content: manifestOf(service, whole, directory) },
			{ file: `${directory}/LICENSE`, content: read(root, 'LICENSE') },
			{ file: `${directory}/eslint.config.mjs`, content: read(root, 'eslint.config.mjs') },
			{
				file: `${directory}/README.md`,
				content: readmeWithExamples(read(root, `${directory}/README.md`), service, whole, root),
			},
		);
	}
	return derived;
};

/** The derived files whose content is another. */
export const outdatedFiles = (root = packageRoot()): DerivedFile[] =>
	derivedFiles(root).filter(({ file, content }) => read(root, file) !== content);
