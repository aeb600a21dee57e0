import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { IDataObject } from 'n8n-workflow';
import { jsonOf, withParameters } from '../../harness/client.ts';
import type { WorkflowJson } from '../../harness/client.ts';
import { N8n } from '../../harness/n8n.ts';
import { installIntoUserFolder } from '../../harness/pack.ts';
import { packageRoot, readExample } from '../../harness/root.ts';
import { DEMO_SAMPLE, cloudswayAccess, sampleUrl } from '../../harness/sandbox.ts';
import { startSandbox } from '../../sandbox/server.ts';
import type { Sandbox } from '../../sandbox/server.ts';
import { registeredName } from '../../scripts/packages/manifest.ts';
import type { PublishedPackage } from '../../scripts/packages/manifest.ts';
import { moveWorkflows, movesBetween } from '../../scripts/packages/move.ts';
import { packAll } from '../../scripts/packages/packAll.ts';
import type { PackedService } from '../../scripts/packages/packAll.ts';
import { sharedN8n } from './shared.ts';

const run = promisify(execFile);

const SERVICES = ['n8n-nodes-cloudflare-workers-ai', 'n8n-nodes-cloudsway', 'n8n-nodes-connecte'];

let work: string;
let packed: PackedService[];
let sandbox: Sandbox;

beforeAll(async () => {
	work = mkdtempSync(path.join(os.tmpdir(), 'n8n-speech-packages-'));
	packed = await packAll(path.join(work, 'packed'));
	sandbox = await startSandbox();
}, 240_000);

afterAll(async () => {
	await sandbox.close();
	rmSync(work, { recursive: true, force: true });
});

const packageNamed = (name: string): PackedService => {
	const found = packed.find((one) => one.name === name);
	if (found === undefined) throw new Error(`${name} was not packed`);
	return found;
};

/** The example with its nodes from a package of one service. */
const moved = (workflow: WorkflowJson, services: readonly PublishedPackage[]): WorkflowJson => {
	const moves = movesBetween(packed.slice(0, 1), services);
	return JSON.parse(moveWorkflows(JSON.stringify(workflow), moves)) as WorkflowJson;
};

/** For each service a workflow of examples/, what its credential holds, and what must come out. */
const trials = () => {
	const { credential: cloudsway, endpointPath } = cloudswayAccess(sandbox);
	const { accountId, apiToken, baseUrl } = sandbox.cloudflare;
	const url = sampleUrl(sandbox);
	const audio = { id: '1', name: 'audio', value: url, type: 'string' };
	return {
		'n8n-nodes-cloudsway': {
			workflow: withParameters(readExample('cloudsway-transcribe'), {
				'Download recording': { url },
				Transcribe: { endpointPath },
			}),
			type: 'cloudswayApi',
			data: cloudsway as IDataObject,
			node: 'Transcribe',
			result: { text: DEMO_SAMPLE.text, service: 'cloudsway' },
		},
		'n8n-nodes-cloudflare-workers-ai': {
			workflow: withParameters(readExample('cloudflare-nova3'), {
				'Download recording': { url },
			}),
			type: 'cloudflareWorkersAiApi',
			data: { accountId, apiToken, baseUrl } as IDataObject,
			node: 'Transcribe',
			result: { service: 'cloudflare' },
		},
		'n8n-nodes-connecte': {
			workflow: withParameters(readExample('connecte-webhook-resume'), {
				Recording: { assignments: { assignments: [audio] }, options: {} },
			}),
			type: 'connecteApi',
			data: sandbox.connecte.credential as IDataObject,
			node: 'Use the text',
			result: { text: DEMO_SAMPLE.text },
		},
	} as const;
};

type Service = keyof ReturnType<typeof trials>;

const typesOf = ({ manifest: { name, n8n } }: PublishedPackage): string[] =>
	n8n.nodes.map((file) => `${name}.${registeredName(file)}`);

const ours = /^n8n-nodes-(speech-inference|cloudflare-workers-ai|cloudsway|connecte)\./;

/** The node types of our packages that n8n offers, but for the tools it makes of them. */
const offered = async (n8n: N8n): Promise<string[]> =>
	(await n8n.client.nodeTypes())
		.map(({ name }) => name)
		.filter((name) => ours.test(name) && !name.endsWith('Tool'))
		.sort();

describe.each(SERVICES)('%s alone', (name) => {
	let n8n: N8n;

	beforeAll(async () => {
		n8n = await N8n.launch(sharedN8n().host, { tarball: packageNamed(name).tarball });
	}, 120_000);

	afterAll(() => n8n.dispose());

	it('is offered by n8n with its nodes, their tools, credentials and icons, and no others', async () => {
		const one = packageNamed(name);
		expect(await offered(n8n)).toEqual(typesOf(one).sort());
		const types = await n8n.client.nodeTypes();
		for (const type of typesOf(one)) {
			const { iconUrl } = types.find((other) => other.name === type)!;
			const urls = typeof iconUrl === 'string' ? [iconUrl] : [iconUrl?.light, iconUrl?.dark];
			for (const url of urls) {
				const icon = await n8n.client.call('GET', `/${url}`);
				expect(await icon.text()).toContain('<svg');
			}
			if (!type.endsWith('Trigger')) {
				expect(types.map((other) => other.name)).toContain(`${type}Tool`);
			}
		}
		const credentials = (await n8n.client.credentialTypes()).map((type) => type.name);
		expect(credentials).toEqual(
			expect.arrayContaining(one.manifest.n8n.credentials.map(registeredName)),
		);
	});

	it('runs an example, with a credential whose test passes', async () => {
		const { workflow, type, data, node, result } = trials()[name as Service];
		expect(await n8n.client.testCredential(type, data)).toMatchObject({ status: 'OK' });
		const credential = await n8n.client.createCredential(type, data);
		const own = moved(workflow, [packageNamed(name)]);
		expect(own.nodes.map((one) => one.type)).toContain(typesOf(packageNamed(name))[0]);
		const execution = await n8n.client.runToEnd(own, { [type]: credential });
		expect(execution.status).toBe('success');
		expect(jsonOf(execution, node)).toMatchObject([result]);
	});
});

describe('all four together', () => {
	let n8n: N8n;

	beforeAll(async () => {
		const [whole, ...services] = packed;
		n8n = await N8n.prepare(sharedN8n().host, { tarball: whole?.tarball });
		for (const { tarball } of services) await installIntoUserFolder(tarball, n8n.userFolder);
		await n8n.start();
		await n8n.client.setUpOwner(n8n.owner);
	}, 120_000);

	afterAll(() => n8n.dispose());

	it('are offered side by side', async () => {
		expect(await offered(n8n)).toEqual(packed.flatMap(typesOf).sort());
	});

	it.each(SERVICES)(
		'the whole and %s do the same with one credential',
		async (name) => {
			const { workflow, type, data, node, result } = trials()[name as Service];
			expect(await n8n.client.testCredential(type, data)).toMatchObject({ status: 'OK' });
			const credential = await n8n.client.createCredential(type, data);
			for (const one of [workflow, moved(workflow, [packageNamed(name)])]) {
				const execution = await n8n.client.runToEnd(one, { [type]: credential });
				expect(jsonOf(execution, node)).toMatchObject([result]);
			}
		},
		120_000,
	);

	it('workflows go over from the whole to the others as the README says, and run', async () => {
		const { workflow, type, data, node, result } = trials()['n8n-nodes-cloudsway'];
		const credential = await n8n.client.createCredential(type, data);
		const stored = await n8n.client.createWorkflow(workflow, { [type]: credential });
		const folder = path.join(work, 'workflows');
		const command = async (...args: string[]): Promise<void> => {
			const program = await n8n.startCommand(args);
			while (program.ended === undefined) await sleep(100);
			expect({ ended: program.ended, log: program.log }).toMatchObject({ ended: 0 });
		};
		await command('export:workflow', '--backup', `--output=${folder}`);
		const files = readdirSync(folder).map((file) => path.join(folder, file));
		const script = path.join(packageRoot(), 'scripts', 'packages', 'moveFiles.ts');
		await run(process.execPath, [script, 'services', ...files], { cwd: packageRoot() });
		await command('import:workflow', '--separate', `--input=${folder}`);
		const response = await n8n.client.call('GET', `/rest/workflows/${stored.id}`);
		const { data: after } = (await response.json()) as { data: WorkflowJson };
		const withoutType = (one: WorkflowJson): unknown[] =>
			one.nodes.map((each) => ({ ...each, type: undefined }));
		expect(after.nodes.map((one) => one.type)).toContain('n8n-nodes-cloudsway.cloudsway');
		expect(withoutType(after)).toEqual(withoutType(stored));
		const execution = await n8n.client.waitForExecution(await n8n.client.run(stored.id, 'Start'));
		expect(jsonOf(execution, node)).toMatchObject([result]);
	}, 180_000);
});
