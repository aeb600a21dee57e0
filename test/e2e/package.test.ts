import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { N8nClient } from '../../harness/client.ts';
import { N8n } from '../../harness/n8n.ts';
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

const PROBE = 'n8n-nodes-probe';

/** A node whose description tells which modules were found by `require` when n8n loaded it. */
const probeNode = (names: string[]): string => `
const found = ${JSON.stringify(names)}.filter((name) => {
	try {
		return require.resolve(name) !== undefined;
	} catch {
		return false;
	}
});
exports.Probe = class {
	description = {
		displayName: 'Probe',
		name: 'probe',
		group: ['transform'],
		version: 1,
		description: JSON.stringify(found),
		defaults: { name: 'Probe' },
		inputs: ['main'],
		outputs: ['main'],
		properties: [],
	};
};
`;

/** Which of the modules a community package finds: asked of one that the running n8n has loaded. */
const foundInN8n = async (names: string[]): Promise<string[]> => {
	const probing = await N8n.prepare(sharedN8n().host);
	try {
		const folder = path.join(probing.userFolder, '.n8n', 'nodes', 'node_modules', PROBE);
		mkdirSync(folder, { recursive: true });
		const manifest = { name: PROBE, version: '1.0.0', n8n: { nodes: ['Probe.node.js'] } };
		writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest));
		writeFileSync(path.join(folder, 'Probe.node.js'), probeNode(names));
		await probing.start();
		await probing.client.setUpOwner(probing.owner);
		const types = await probing.client.nodeTypes();
		const probe = types.find((type) => type.name === `${PROBE}.probe`);
		if (probe === undefined) throw new Error(`n8n did not load it:\n${probing.program.log}`);
		return JSON.parse(probe.description) as string[];
	} finally {
		await probing.dispose();
	}
};

let client: N8nClient;

beforeAll(async () => {
	client = await loggedIn();
});

it("is laid out as n8n's image: packages find n8n's direct dependencies, and no form-data or axios", async () => {
	// n8n-workflow and lodash show that the probe finds what there is; in a hoisted tree it finds all four.
	const names = ['n8n-workflow', 'lodash', 'form-data', 'axios'];
	expect(await foundInN8n(names)).toEqual(['n8n-workflow', 'lodash']);
}, 120_000);

it('n8n offers every node that package.json registers, also as tools of an agent', async () => {
	const ours = (await client.nodeTypes()).filter((type) =>
		type.name.startsWith(`${PACKAGE_NAME}.`),
	);
	const names = ours.map((type) => type.name);
	expect(n8n.nodes).toHaveLength(4);
	for (const node of n8n.nodes.map(registeredName)) {
		expect(names).toContain(`${PACKAGE_NAME}.${node}`);
		if (!node.endsWith('Trigger')) expect(names).toContain(`${PACKAGE_NAME}.${node}Tool`);
	}
});

it('n8n offers every credential type, with a test', async () => {
	const types = await client.credentialTypes();
	expect(n8n.credentials).toHaveLength(3);
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
