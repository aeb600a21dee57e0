import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { buildPackage } from '../../harness/build.ts';
import { hostFolder, hostsFolder, prepareHost } from '../../harness/host.ts';
import { N8n } from '../../harness/n8n.ts';
import { prepareNode } from '../../harness/node.ts';
import { packPackage } from '../../harness/pack.ts';
import { packageRoot } from '../../harness/root.ts';
import { startSandbox } from '../../sandbox/server.ts';
import { CHECKS, credentialData } from './checks.ts';
import { versions } from './recipes.ts';
import type { Version } from './recipes.ts';
import { versionsPage } from './table.ts';
import type { Seen } from './table.ts';

/**
 * Runs the packed package in several versions of n8n, one after the other, and writes what was seen to
 * docs/versions.md.
 *
 *     npm run test:versions                        all of them
 *     npm run test:versions -- 1.123.81 2.28.6     these; the others keep what was seen before
 *     npm run test:versions -- --remove            removes each n8n (about 2 GB) after its turn
 */
const { values, positionals } = parseArgs({
	options: { remove: { type: 'boolean', default: false } },
	allowPositionals: true,
});

const PAGE = path.join(packageRoot(), 'docs', 'versions.md');
const CACHE = path.join(packageRoot(), '.cache', 'versions');
const CHECK_NAMES = CHECKS.map(({ name }) => name);

const say = (line: string): void => console.log(`[versions] ${line}`);

const readSeen = (): Seen[] => {
	try {
		return JSON.parse(readFileSync(path.join(CACHE, 'seen.json'), 'utf8')) as Seen[];
	} catch {
		return [];
	}
};

const MAX_MESSAGE_CHARS = 500;

/** What went wrong, without the folders and the registry of this machine. */
const messageOf = (error: unknown): string =>
	(error instanceof Error ? error.message : String(error))
		.replaceAll(hostsFolder(), '…')
		.replaceAll(os.tmpdir(), '…')
		.replaceAll(packageRoot(), '.')
		.replace(/ while fetching it from \S+/, '')
		.slice(0, MAX_MESSAGE_CHARS);

/** What ended an install or n8n: its own line of it where there is one, and not the whole log. */
const failureOf = (error: unknown, { problem }: Installer): string => {
	const message = error instanceof Error ? error.message : String(error);
	return messageOf(
		problem ?? message.split('\n').find((line) => /^\w*Error: /.test(line)) ?? error,
	);
};

/** A line of pnpm that names what is wrong, for instance a version that is not to be had. */
const PROBLEM = /^\s*E[A-Z_]{3,}\s/;

/** Runs npm and pnpm as an install does, and keeps what they say is wrong. */
class Installer {
	problem: string | undefined;

	readonly runCommand = async (
		command: string,
		args: string[],
		folder: string,
	): Promise<number | NodeJS.Signals> => {
		const child = spawn(command, args, {
			cwd: folder,
			stdio: ['ignore', 'pipe', 'inherit'],
			shell: process.platform === 'win32',
		});
		createInterface({ input: child.stdout }).on('line', (line) => {
			console.log(line);
			if (PROBLEM.test(line)) this.problem ??= line.trim();
		});
		const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals];
		return code ?? signal;
	};
}

const runChecks = async (n8n: N8n): Promise<Seen['results']> => {
	const sandbox = await startSandbox();
	try {
		const { client } = n8n;
		const credentials: Record<string, { id: string; name: string }> = {};
		for (const [type, data] of Object.entries(credentialData(sandbox))) {
			credentials[type] = await client.createCredential(type, data).catch(() => ({
				// Where the package does not load there is no such type; the checks say so.
				id: '',
				name: type,
			}));
		}
		const results: Seen['results'] = {};
		for (const { name, run } of CHECKS) {
			sandbox.clear();
			results[name] = await run({ n8n, client, sandbox, credentials }).then(() => null, messageOf);
			say(`  ${name}: ${results[name] ?? 'yes'}`);
		}
		return results;
	} finally {
		await sandbox.close();
	}
};

const see = async ({ recipe, node, reason }: Version, tarball: string): Promise<Seen> => {
	const seen: Seen = {
		n8n: recipe.n8n,
		node: node ?? process.versions.node,
		day: new Date().toISOString().slice(0, 10),
		reason,
		results: {},
	};
	const installer = new Installer();
	const { runCommand } = installer;
	let n8n: N8n | undefined;
	try {
		const host = await prepareHost({
			say,
			recipe,
			node: node === undefined ? undefined : await prepareNode(node, { say, runCommand }),
			runCommand,
		});
		say(`n8n ${recipe.n8n} on Node ${seen.node}`);
		n8n = await N8n.launch(host, { tarball });
		seen.results = await runChecks(n8n);
	} catch (error) {
		seen.failure = failureOf(error, installer);
		say(`  ${seen.failure}`);
	} finally {
		if (n8n !== undefined) writeFileSync(path.join(CACHE, `${recipe.n8n}.log`), n8n.program.log);
		await n8n?.dispose();
	}
	return seen;
};

const asked = versions().filter(
	({ recipe }) => positionals.length === 0 || positionals.includes(recipe.n8n),
);
if (asked.length < positionals.length || asked.length === 0) {
	const known = versions().map(({ recipe }) => recipe.n8n);
	console.error(`Unknown version; known are: ${known.join(', ')}`);
	process.exit(2);
}

let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
	// The install under way is ended by the same signal; n8n ends with this program.
	process.once(signal, () => {
		interrupted = true;
		process.once(signal, () => process.exit(1));
	});
}

mkdirSync(CACHE, { recursive: true });
const work = mkdtempSync(path.join(os.tmpdir(), 'n8n-speech-versions-'));
let seen = readSeen();
try {
	await buildPackage();
	const { tarball } = await packPackage(work);
	for (const version of asked) {
		const one = await see(version, tarball);
		if (interrupted) break;
		seen = [...seen.filter(({ n8n }) => n8n !== one.n8n), one];
		writeFileSync(path.join(CACHE, 'seen.json'), JSON.stringify(seen, undefined, '\t'));
		writeFileSync(PAGE, versionsPage(seen, CHECK_NAMES));
		if (values.remove) rmSync(hostFolder(version.recipe), { recursive: true, force: true });
	}
} finally {
	rmSync(work, { recursive: true, force: true });
}
console.log(versionsPage(seen, CHECK_NAMES));
process.exitCode = asked.every(({ recipe }) =>
	seen.some(
		({ n8n, results }) =>
			n8n === recipe.n8n && CHECK_NAMES.every((check) => results[check] === null),
	),
)
	? 0
	: 1;
process.exit();
