import { packageRoot } from '../../harness/root.ts';
import { outdatedFiles } from '../packages/derived.ts';
import { publishedPackages, repositoryOf, wholePackage } from '../packages/manifest.ts';
import { notesOf } from './changelog.ts';

export interface Release {
	/** Such as `v1.2.3`. */
	tag: string;
	/** `owner/name` of the GitHub repository that releases. */
	repository: string;
}

/** Domains and names that belong to nobody: what stands in package.json until the owner fills it in. */
const UNFILLED = /@example\.com$|^_owner_\/|to be filled in/i;

const messageOf = (check: () => unknown): string[] => {
	try {
		check();
		return [];
	} catch (error) {
		return [error instanceof Error ? error.message : String(error)];
	}
};

/** Why the release cannot be made from what lies here; empty where it can. */
export const obstaclesTo = ({ tag, repository }: Release, root = packageRoot()): string[] => {
	const whole = wholePackage(root);
	const { author } = whole.manifest;
	const version = /^v(\d+\.\d+\.\d+)$/.exec(tag)?.[1];
	// npm gives whatever is published to everybody who installs, unless it is told another name for it.
	if (version === undefined) return [`The tag ${tag} is not v<major>.<minor>.<patch>`];
	const obstacles = publishedPackages(root)
		.filter(({ manifest }) => manifest.version !== version)
		.map(({ manifest }) => `${manifest.name} has version ${manifest.version}, the tag says ${tag}`);
	if ([author.name, author.email].some((text) => UNFILLED.test(text))) {
		obstacles.push("package.json: 'author' is not filled in; n8n and npm show it to users");
	}
	obstacles.push(...messageOf(() => notesOf(version, root)));
	const wrongRepository = messageOf(() => {
		const named = repositoryOf(whole);
		if (named.toLowerCase() === repository.toLowerCase()) return;
		throw new Error(
			UNFILLED.test(named)
				? `package.json: 'repository.url' is not filled in; it must name ${repository}`
				: `package.json: 'repository.url' names ${named}, but ${repository} releases; npm refuses the provenance then`,
		);
	});
	// What the packages must say follows from the repository: no use in comparing with a wrong one.
	if (wrongRepository.length > 0) return [...obstacles, ...wrongRepository];
	for (const { file } of outdatedFiles(root)) {
		obstacles.push(`${file} is out of date: run npm run packages:sync and commit`);
	}
	return obstacles;
};
