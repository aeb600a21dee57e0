import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { notesOf } from '../../../../scripts/release/changelog.ts';
import { derivedFiles } from '../../../../scripts/packages/derived.ts';
import { obstaclesTo } from '../../../../scripts/release/obstacles.ts';
import { packageRoot } from '../../../../harness/root.ts';

const RELEASE = { tag: 'v3.1.4', repository: 'speech-people/n8n-nodes-speech-inference' };

let root: string;

const change = (file: string, from: RegExp, to: string): void => {
	const text = readFileSync(path.join(root, file), 'utf8');
	const changed = text.replace(from, to);
	if (changed === text) throw new Error(`${file} has nothing like ${from}`);
	writeFileSync(path.join(root, file), changed);
};

const sync = (): void => {
	for (const { file, content } of derivedFiles(root)) {
		writeFileSync(path.join(root, file), content);
	}
};

beforeEach(() => {
	root = mkdtempSync(path.join(os.tmpdir(), 'release-test-'));
	const parts = [
		'package.json',
		'CHANGELOG.md',
		'LICENSE',
		'eslint.config.mjs',
		'examples',
		'nodes',
	];
	for (const part of parts) {
		cpSync(path.join(packageRoot(), part), path.join(root, part), { recursive: true });
	}
	for (const file of ['package.json', 'README.md', 'LICENSE', 'eslint.config.mjs']) {
		for (const name of ['cloudflare-workers-ai', 'cloudsway', 'connecte']) {
			const folder = path.join('packages', `n8n-nodes-${name}`);
			cpSync(path.join(packageRoot(), folder, file), path.join(root, folder, file));
		}
	}
	// What the owner does by hand, see docs/publishing.md.
	change('package.json', /"version": "[^"]+"/, '"version": "3.1.4"');
	change('package.json', /"author": \{[^}]*\}/, '"author": { "name": "A", "email": "a@b.org" }');
	change('package.json', /git\+https:[^"]+/, `git+https://github.com/${RELEASE.repository}.git`);
	change('CHANGELOG.md', /## Unreleased/, '## Unreleased\n\n## 3.1.4 - 2026-12-01\n\n- Faster.\n');
	sync();
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

it('lets a release pass that the owner prepared as the page says', () => {
	expect(obstaclesTo(RELEASE, root)).toEqual([]);
	expect(notesOf('3.1.4', root)).toMatch(/^- Faster\./);
});

it.each([
	['another version', 'package.json', /"3\.1\.4"/, '"3.1.5"', /has version 3\.1\.5/],
	[
		'an author nobody is',
		'package.json',
		/"email": "[^"]+"/,
		'"email": "owner@example.com"',
		/'author' is not filled in/,
	],
	[
		'a repository nobody has',
		'package.json',
		/speech-people/g,
		'_owner_',
		/'repository\.url' is not filled in; it must name speech-people/,
	],
	['the repository of another', 'package.json', /speech-people/g, 'others', /names others\//],
	[
		'a repository that is not on GitHub',
		'package.json',
		/git\+https:[^"]+/,
		'https://example.org/x',
		/provenance/,
	],
	['a changelog without the version', 'CHANGELOG.md', /## 3\.1\.4.*/, '', /has no section/],
] as const)('holds up %s', (_what, file, from, to, obstacle) => {
	change(file, from, to);
	expect(obstaclesTo(RELEASE, root).join('\n')).toMatch(obstacle);
});

it('holds up packages that do not say what the root says', () => {
	change('packages/n8n-nodes-connecte/package.json', /"engines"/, '"motors"');
	expect(obstaclesTo(RELEASE, root)).toEqual([
		'packages/n8n-nodes-connecte/package.json is out of date: run npm run packages:sync and commit',
	]);
});

it.each(['3.1.4', 'v3.1', 'v3.1.4-rc.1'])('takes no tag like %s', (tag) => {
	expect(obstaclesTo({ ...RELEASE, tag }, root)).toEqual([
		`The tag ${tag} is not v<major>.<minor>.<patch>`,
	]);
});
