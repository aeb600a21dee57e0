import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { makeDtmfWav } from '../sandbox/hearing/tones.ts';
import { startSandbox } from '../sandbox/server.ts';
import { buildPackage } from '../harness/build.ts';
import { jsonOf, type FullExecution, type WorkflowJson } from '../harness/client.ts';
import { prepareHost } from '../harness/host.ts';
import { N8n } from '../harness/n8n.ts';
import { packPackage } from '../harness/pack.ts';
import { FluxReceiver } from './fluxReceiver.ts';

/**
 * What transcribing with Flux costs, in a real n8n:
 * - `long`: one recording; wall time against audio/speed, and peak memory against a short one
 * - `many`: sessions at once; CPU time per hour of audio, and how late frames arrive
 * - `drops`: sessions that lose their connection at random moments; results against an undisturbed one
 *
 *     npm run bench -- flux --parts long,many,drops --minutes 10 --speed 1.25 --sessions 100
 */
const { values } = parseArgs({
	options: {
		parts: { type: 'string', default: 'long,many,drops' },
		minutes: { type: 'string', default: '10' },
		speed: { type: 'string', default: '1.25' },
		sessions: { type: 'string', default: '100' },
		seconds: { type: 'string', default: '60' },
		drops: { type: 'string', default: '20' },
	},
	args: process.argv.slice(3),
});
const speed = Number(values.speed);
const parts = values.parts.split(',');

const folder = mkdtempSync(path.join(os.tmpdir(), 'n8n-speech-bench-'));
const sandbox = await startSandbox();
const receiver = await FluxReceiver.start();

/** Recordings in a folder of their own; returns the pattern that finds them. */
function recordings(name: string, count: number, seconds: number): string {
	const own = path.join(folder, name);
	mkdirSync(own);
	const phrases = Array.from({ length: Math.floor(seconds / 4) }, (_, index) => ({
		keys: `${index % 10}${(index * 3) % 10}7`,
		start: index * 4 + 0.3,
	}));
	const wav = makeDtmfWav({ channels: [phrases], duration: seconds });
	for (let index = 0; index < count; index++) writeFileSync(path.join(own, `${index}.wav`), wav);
	return path.join(own, '*.wav');
}

const workflowOf = (files: string, pace: number): WorkflowJson => ({
	name: 'Flux',
	nodes: [
		{
			id: '00000000-0000-4000-8000-000000000001',
			name: 'Start',
			type: 'n8n-nodes-base.manualTrigger',
			typeVersion: 1,
			position: [0, 0],
			parameters: {},
		},
		{
			id: '00000000-0000-4000-8000-000000000002',
			name: 'Read',
			type: 'n8n-nodes-base.readWriteFile',
			typeVersion: 1,
			position: [220, 0],
			parameters: { operation: 'read', fileSelector: files, options: {} },
		},
		{
			id: '00000000-0000-4000-8000-000000000003',
			name: 'Flux',
			type: 'n8n-nodes-speech-inference.cloudflareWorkersAi',
			typeVersion: 1,
			position: [440, 0],
			parameters: {
				resource: 'audio',
				operation: 'transcribeFlux',
				options: { speed: pace, concurrency: 100 },
			},
			credentials: { cloudflareWorkersAiApi: { id: '', name: 'Cloudflare' } },
		},
	],
	connections: {
		Start: { main: [[{ node: 'Read', type: 'main', index: 0 }]] },
		Read: { main: [[{ node: 'Flux', type: 'main', index: 0 }]] },
	},
	settings: { executionOrder: 'v1' },
});

const host = await prepareHost({ say: (line) => console.log(line) });
await buildPackage();
const { tarball } = await packPackage(folder);

/** User and system time of a process, in seconds (proc(5): fields 14 and 15, in hundredths). */
function cpuSeconds(pid: number): number {
	const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
	const [user, system] = stat
		.slice(stat.lastIndexOf(')') + 2)
		.split(' ')
		.slice(11, 13);
	return (Number(user) + Number(system)) / 100;
}

interface Measured {
	execution: FullExecution;
	wallSeconds: number;
	cpuSeconds: number;
	peakMiB: number;
}

async function withN8n<T>(
	baseUrl: string,
	work: (run: (files: string, pace: number) => Promise<Measured>) => Promise<T>,
): Promise<T> {
	const n8n = await N8n.launch(host, { tarball, env: { N8N_RESTRICT_FILE_ACCESS_TO: folder } });
	const { accountId, apiToken } = sandbox.cloudflare;
	try {
		const credential = { accountId, apiToken, gatewayId: '', baseUrl };
		const id = await n8n.client.createCredential('cloudflareWorkersAiApi', credential);
		return await work(async (files, pace) => {
			const { pid } = n8n.program;
			n8n.program.resetPeakMemory();
			const before = cpuSeconds(pid);
			const started = performance.now();
			const workflow = await n8n.client.createWorkflow(workflowOf(files, pace), {
				cloudflareWorkersAiApi: id,
			});
			// Seldom: every look makes n8n read and send what it knows of the execution.
			const execution = await n8n.client.waitForExecution(
				await n8n.client.run(workflow.id, 'Start'),
				{ timeoutMs: 7_200_000, pollMs: 1_000 },
			);
			return {
				execution,
				wallSeconds: (performance.now() - started) / 1_000,
				cpuSeconds: cpuSeconds(pid) - before,
				peakMiB: n8n.program.peakMemoryKiB() / 1024,
			};
		});
	} finally {
		await n8n.dispose();
	}
}

async function long(): Promise<void> {
	const seconds = Number(values.minutes) * 60;
	await withN8n(sandbox.cloudflare.baseUrl, async (run) => {
		const short = await run(recordings('short', 1, 8), speed);
		const whole = await run(recordings('long', 1, seconds), speed);
		const [json] = jsonOf(whole.execution, 'Flux');
		const turns = Array.isArray(json?.segments) ? json.segments.length : 0;
		console.log(
			`long   ${whole.execution.status}: ${seconds} s of audio in ${whole.wallSeconds.toFixed(1)} s (audio/${speed} = ${(seconds / speed).toFixed(1)} s), ${turns} turns of ${Math.floor(seconds / 4)}; peak ${whole.peakMiB.toFixed(0)} MiB, with 8 s of audio ${short.peakMiB.toFixed(0)} MiB; CPU ${whole.cpuSeconds.toFixed(1)} s`,
		);
	});
}

async function many(): Promise<void> {
	const count = Number(values.sessions);
	const seconds = Number(values.seconds);
	await withN8n(receiver.baseUrl, async (run) => {
		const idle = await run(recordings('one', 1, seconds), speed);
		receiver.clear();
		const all = await run(recordings('many', count, seconds), speed);
		const late = receiver.lateness(speed);
		const at = (share: number) => (late[Math.floor(late.length * share)] ?? NaN).toFixed(1);
		const cpuPerHour = ((all.cpuSeconds - idle.cpuSeconds) * 3_600) / ((count - 1) * seconds);
		console.log(
			`many   ${all.execution.status}: ${receiver.sessions} sessions of ${seconds} s at once in ${all.wallSeconds.toFixed(1)} s; CPU ${cpuPerHour.toFixed(1)} s an hour of audio (beyond the ${idle.cpuSeconds.toFixed(1)} s of n8n with one session); frames late by ${at(0.5)} ms (median), ${at(0.99)} ms (99th percentile), ${late.at(-1)?.toFixed(1)} ms (worst); most audio within a second ${receiver.fastestSecond.toFixed(2)} s; peak ${all.peakMiB.toFixed(0)} MiB, one session ${idle.peakMiB.toFixed(0)} MiB`,
		);
	});
}

async function drops(): Promise<void> {
	const count = Number(values.drops);
	const seconds = 20;
	await withN8n(sandbox.cloudflare.baseUrl, async (run) => {
		const plain = await run(recordings('plain', 1, seconds), speed);
		const moments = Array.from({ length: count }, () => 0.08 + Math.random() * seconds);
		for (const dropAtSeconds of moments) {
			sandbox.faults.add({
				path: '/@cf/deepgram/flux',
				method: 'GET',
				fault: { kind: 'socket', dropAtSeconds },
			});
		}
		const before = sandbox.cloudflare.sessions.length;
		const dropped = await run(recordings('drops', count, seconds), speed);
		const comparable = (execution: FullExecution) =>
			jsonOf(execution, 'Flux').map((json) => JSON.stringify({ ...json, requestId: undefined }));
		const [expected] = comparable(plain.execution);
		const results = comparable(dropped.execution);
		const equal = results.filter((result) => result === expected).length;
		console.log(
			`drops  ${dropped.execution.status}: ${count} recordings of ${seconds} s dropped at ${moments.map((moment) => moment.toFixed(2)).join(', ')} s; ${sandbox.cloudflare.sessions.length - before} sessions; ${equal} of ${results.length} results equal to the undisturbed run`,
		);
		if (equal !== count) process.exitCode = 1;
	});
}

try {
	if (parts.includes('long')) await long();
	if (parts.includes('many')) await many();
	if (parts.includes('drops')) await drops();
} finally {
	await sandbox.close();
	await receiver.close();
	rmSync(folder, { recursive: true, force: true });
}
