import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { assemble } from '../../../../scripts/packages/assemble.ts';
import { wholePackage } from '../../../../scripts/packages/manifest.ts';
import type { PublishedPackage } from '../../../../scripts/packages/manifest.ts';

let root: string;
let service: PublishedPackage;

const put = (file: string, text: string): void => {
	mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
	writeFileSync(path.join(root, file), text);
};

beforeEach(() => {
	root = mkdtempSync(path.join(os.tmpdir(), 'assemble-test-'));
	put(
		'dist/nodes/Echo/Echo.node.js',
		`const { say } = require('../shared/say');
		exports.Echo = class { description = {
			name: 'echo', say,
			icon: { light: 'file:../../icons/echo.svg', dark: 'file:echo.dark.svg' },
			credentials: [{ name: 'echoApi' }],
		} };`,
	);
	put(
		'dist/nodes/Echo/Echo.node.json',
		'{ "node": "whole.echo", "codexVersion": "1.0", "resources": { "primaryDocumentation": [] } }',
	);
	put('dist/nodes/Echo/echo.dark.svg', '<svg id="dark"/>');
	put('dist/icons/echo.svg', '<svg id="light"/>');
	put('dist/icons/other.svg', '<svg id="other"/>');
	put('dist/nodes/shared/say.js', 'exports.say = 1;');
	put('dist/nodes/shared/other.js', 'exports.other = 1;');
	put(
		'dist/credentials/EchoApi.credentials.js',
		`exports.EchoApi = class { name = 'echoApi'; icon = 'file:../icons/echo.svg'; };`,
	);
	const { manifest } = wholePackage();
	service = {
		folder: path.join(root, 'packages', 'n8n-nodes-echo'),
		manifest: {
			...manifest,
			name: 'n8n-nodes-echo',
			homepage: 'https://example.com/echo',
			n8n: {
				...manifest.n8n,
				nodes: ['dist/nodes/Echo/Echo.node.js'],
				credentials: ['dist/credentials/EchoApi.credentials.js'],
			},
		},
	};
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

it('takes the code, icons and codex files the package needs, and nothing else', () => {
	put('packages/n8n-nodes-echo/dist/stale.js', 'left from an earlier build');
	expect(assemble(service, root)).toEqual([
		'credentials/EchoApi.credentials.js',
		'icons/echo.svg',
		'nodes/Echo/Echo.node.js',
		'nodes/Echo/Echo.node.json',
		'nodes/Echo/echo.dark.svg',
		'nodes/shared/say.js',
	]);
	expect(existsSync(path.join(service.folder, 'dist', 'stale.js'))).toBe(false);
});

it('lets the codex file speak of the package it is published in', () => {
	assemble(service, root);
	const file = path.join(service.folder, 'dist', 'nodes', 'Echo', 'Echo.node.json');
	expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
		node: 'n8n-nodes-echo.echo',
		codexVersion: '1.0',
		resources: { primaryDocumentation: [{ url: 'https://example.com/echo' }] },
	});
});

it('refuses a package whose node uses a credential it does not bring', () => {
	service.manifest.n8n.credentials = [];
	expect(() => assemble(service, root)).toThrow("node 'echo' uses credential 'echoApi'");
});

it('refuses a package that registers what was not built', () => {
	service.manifest.n8n.nodes.push('dist/nodes/Echo/EchoTrigger.node.js');
	expect(() => assemble(service, root)).toThrow('EchoTrigger.node.js is registered, but not built');
});
