import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { N8nClient } from '../../harness/client.ts';
import {
	PACKAGE_NAME,
	exampleNames,
	packageRoot,
	readExample,
	readManifest,
} from '../../harness/root.ts';
import { loggedIn, sharedN8n } from './shared.ts';

interface N8nSection {
	n8n: { nodes: string[]; credentials: string[] };
}

/** "dist/nodes/Cloudsway/Cloudsway.node.js" → "cloudsway" */
const registeredName = (file: string): string => {
	const base = path.basename(file).split('.')[0] ?? '';
	return base.charAt(0).toLowerCase() + base.slice(1);
};

const { n8n } = readManifest(packageRoot()) as N8nSection;

let client: N8nClient;

beforeAll(async () => {
	client = await loggedIn();
});

it('n8n offers every node that package.json registers, also as tools of an agent', async () => {
	const ours = (await client.nodeTypes()).filter((type) =>
		type.name.startsWith(`${PACKAGE_NAME}.`),
	);
	const names = ours.map((type) => type.name);
	for (const node of n8n.nodes.map(registeredName)) {
		expect(names).toContain(`${PACKAGE_NAME}.${node}`);
		if (!node.endsWith('Trigger')) expect(names).toContain(`${PACKAGE_NAME}.${node}Tool`);
	}
});

it('n8n offers every credential type, with a test', async () => {
	const types = await client.credentialTypes();
	for (const name of n8n.credentials.map(registeredName)) {
		const type = types.find((one) => one.name === name);
		expect(type?.displayName).toMatch(/ API$/);
		expect(type?.test).toBeDefined();
	}
});

it("serves the nodes' icons, for light and dark", async () => {
	const types = await client.nodeTypes();
	for (const node of n8n.nodes.map(registeredName)) {
		const { iconUrl } = types.find((type) => type.name === `${PACKAGE_NAME}.${node}`)!;
		const urls = typeof iconUrl === 'string' ? [iconUrl] : [iconUrl?.light, iconUrl?.dark];
		for (const url of urls) {
			const response = await client.call('GET', `/${url}`);
			expect(response.headers.get('content-type')).toContain('image/svg+xml');
			expect(await response.text()).toContain('<svg');
		}
	}
});

it('runs from the tarball alone: what it needs comes from n8n itself', () => {
	const { userFolder } = sharedN8n();
	const installed = path.join(userFolder, '.n8n', 'nodes', 'node_modules', PACKAGE_NAME);
	expect(readdirSync(installed).sort()).toEqual(['LICENSE', 'README.md', 'dist', 'package.json']);
	expect(existsSync(path.join(userFolder, 'node_modules'))).toBe(false);
});

it.each(exampleNames())('knows every node of the example %s', async (name) => {
	const known = (await client.nodeTypes()).map((type) => type.name);
	expect(known).toEqual(expect.arrayContaining(readExample(name).nodes.map((node) => node.type)));
});
