import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startSandbox } from '../sandbox/server.ts';
import { buildPackage } from '../harness/build.ts';
import { jsonOf, withParameters } from '../harness/client.ts';
import { prepareHost } from '../harness/host.ts';
import { N8n } from '../harness/n8n.ts';
import { packPackage } from '../harness/pack.ts';
import { readExample } from '../harness/root.ts';
import { DEMO_SAMPLE, cloudswayAccess, sampleUrl } from '../harness/sandbox.ts';

const begun = Date.now();

const say = (line: string): void => {
	console.log(`[demo ${((Date.now() - begun) / 1000).toFixed(1).padStart(5)} s] ${line}`);
};

class Interrupted extends Error {}

/** Rejects at the first Ctrl-C or SIGTERM; a second one ends the program at once. */
const interruption = new Promise<never>((_resolve, reject) => {
	for (const signal of ['SIGINT', 'SIGTERM'] as const) {
		process.once(signal, () => {
			process.on(signal, () => process.exit(1));
			reject(new Interrupted(signal));
		});
	}
});
// Awaited in a race only; it may be lost before the race begins.
interruption.catch(() => undefined);

const cleanups: Array<() => Promise<void> | void> = [];

const cleanUp = async (): Promise<void> => {
	for (let cleanup = cleanups.pop(); cleanup !== undefined; cleanup = cleanups.pop()) {
		await cleanup();
	}
};

interface Shown {
	n8n: N8n;
	workflowId: string;
	/** Whether the transcript is what the recording says. */
	right: boolean;
}

const demo = async (): Promise<Shown> => {
	const host = await prepareHost({ say });
	say(`n8n ${host.version} is installed`);

	const work = mkdtempSync(path.join(os.tmpdir(), 'n8n-speech-demo-'));
	cleanups.push(() => rmSync(work, { recursive: true, force: true }));
	await buildPackage();
	const packed = await packPackage(work);
	say(`packed ${path.basename(packed.tarball)} (${(packed.size / 1024).toFixed(0)} kB)`);

	const sandbox = await startSandbox();
	cleanups.push(() => sandbox.close());
	const { credential, endpointPath } = cloudswayAccess(sandbox);
	say(`stand-in of the Cloudsway service listens on ${sandbox.baseUrl}`);

	const n8n = await N8n.prepare(host, { tarball: packed.tarball });
	cleanups.push(() => n8n.dispose());
	say('starting n8n with the package (about 10 s) …');
	await n8n.start();
	await n8n.client.setUpOwner(n8n.owner);

	const cloudswayApi = await n8n.client.createCredential('cloudswayApi', credential, 'Cloudsway');
	const recording = sampleUrl(sandbox);
	const example = withParameters(readExample('cloudsway-transcribe'), {
		'Download recording': { url: recording },
		Transcribe: { endpointPath },
	});
	const workflow = await n8n.client.createWorkflow(example, { cloudswayApi });
	say(`running the workflow '${workflow.name}' on ${recording}`);
	const executionId = await n8n.client.run(workflow.id, 'Start');
	const execution = await n8n.client.waitForExecution(executionId);
	const [transcript] = jsonOf(execution, 'Transcribe');
	const text = typeof transcript?.text === 'string' ? transcript.text : '(none)';
	say(`transcript: ${text}`);
	const right = text === DEMO_SAMPLE.text;
	if (!right) say(`the recording says: ${DEMO_SAMPLE.text}`);
	return { n8n, workflowId: workflow.id, right };
};

const stayOpen = async ({ n8n, workflowId }: Shown): Promise<void> => {
	say('n8n stays open for you:');
	console.log(
		[
			'',
			`    ${n8n.url}/workflow/${workflowId}`,
			`    e-mail    ${n8n.owner.email}`,
			`    password  ${n8n.owner.password}`,
			'',
			'Ctrl-C ends it and removes everything it made.',
		].join('\n'),
	);
	await interruption.catch(() => undefined);
};

const { values } = parseArgs({ options: { once: { type: 'boolean', default: false } } });
try {
	const shown = await Promise.race([demo(), interruption]);
	if (!values.once) await stayOpen(shown);
	process.exitCode = shown.right ? 0 : 1;
} catch (error) {
	if (error instanceof Interrupted) say(`interrupted (${error.message})`);
	else console.error(error instanceof Error ? error.message : error);
	process.exitCode = 1;
} finally {
	await cleanUp();
	say('ended; nothing is left running');
}
process.exit();
