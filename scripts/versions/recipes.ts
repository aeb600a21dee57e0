import { pinnedRecipe } from '../../harness/host.ts';
import type { HostRecipe } from '../../harness/host.ts';

/** A version of n8n that people have, and how it comes to be installed. */
export interface Version {
	recipe: HostRecipe;
	/** Version of Node that n8n's image of that version has; the tool chain's where it is left out. */
	node?: string;
	/** Why this version was taken and not the neighbour that was asked for first. */
	reason?: string;
}

interface Layout {
	overrides: Record<string, string>;
	/** Lines of pnpm-workspace.yaml besides the overrides. */
	settings: string[];
}

const workspaceOf = ({ overrides, settings }: Layout): string =>
	[
		'packages: []',
		'overrides:',
		...Object.entries(overrides).map(([name, version]) => `  '${name}': ${version}`),
		'autoInstallPeers: false',
		'strictPeerDependencies: false',
		'nodeLinker: isolated',
		...settings,
		'onlyBuiltDependencies:',
		'  - sqlite3',
		'',
	].join('\n');

/** Older n8n takes a later one from its maker's own site, which is no registry. */
const XLSX = { xlsx: '0.18.5' };

/** What n8n 2.x asks for in versions that are not to be had. */
const OVERRIDES_2 = {
	...XLSX,
	linkedom: '0.18.12',
	'@langchain/core': '1.2.8',
	'@langchain/langgraph-checkpoint': '1.1.5',
	'@langchain/protocol': '0.0.19',
};

/** n8n 1.x imports packages that it does not name: its image had them at the top of the tree. */
const LAYOUT_1: Layout = {
	overrides: { ...XLSX, '@langchain/langgraph-checkpoint': '1.0.0' },
	settings: ['shamefullyHoist: true', 'resolutionMode: time-based'],
};

const NODE_22 = '22.23.3';

const version1 = (n8n: string): Version => ({
	recipe: { n8n, workspace: workspaceOf(LAYOUT_1) },
	node: NODE_22,
});

/** `imported`: packages that this n8n imports itself and does not name; without them it does not start. */
const version2 = (
	n8n: string,
	{ reason, imported = [] }: { reason?: string; imported?: string[] } = {},
): Version => ({
	recipe: {
		n8n,
		workspace: workspaceOf({
			overrides: OVERRIDES_2,
			settings: [
				...(imported.length === 0 ? [] : ['publicHoistPattern:']),
				...imported.map((name) => `  - '${name}'`),
			],
		}),
	},
	reason,
});

/** From the oldest to the newest. */
export const versions = (): Version[] => [
	version1('1.110.1'),
	version1('1.123.81'),
	version2('2.11.4', {
		reason: '2.10.0 names @n8n/api-types 1.10.0, which is not to be had',
		imported: ['@langchain/core', 'csv-parse', 'multer'],
	}),
	version2('2.27.4', {
		reason: '2.28.6 names @n8n/api-types 1.28.4, which is not to be had',
		imported: ['@langchain/core', 'multer'],
	}),
	{ recipe: pinnedRecipe() },
	version2('2.41.3'),
];
