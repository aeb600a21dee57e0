import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { buildPackage } from '../harness/build.ts';
import type { WorkflowJson } from '../harness/client.ts';
import { prepareHost } from '../harness/host.ts';
import { N8n } from '../harness/n8n.ts';
import { packPackage } from '../harness/pack.ts';

/**
 * Peak memory of n8n while one workflow reads a file into the binary store and uploads it whole: by
 * nothing (the baseline), by n8n's HTTP Request node, by n8n's OpenAI node and by this package. Each
 * runs in an n8n of its own, all in turn as often as `--runs` says; the peak is that of the run alone,
 * after n8n's start, and the medians are told at the end. `--only` leaves out the others.
 *
 *     npm run bench -- upload --mib 300 --runs 3 --only Cloudsway,Nova-3
 */
const { values } = parseArgs({
	options: {
		mib: { type: 'string', default: '300' },
		runs: { type: 'string', default: '1' },
		only: { type: 'string' },
	},
	args: process.argv.slice(3),
});
const runs = Number(values.runs);
const only = values.only?.split(',');
const size = Number(values.mib) * 1024 * 1024;

const folder = mkdtempSync(path.join(os.tmpdir(), 'n8n-speech-bench-'));
const file = path.join(folder, 'recording.wav');
const handle = await open(file, 'w');
await handle.truncate(size);
await handle.close();

/** In the forms that all of them take. */
const answer = {
	text: 'received',
	data: [],
	success: true,
	result: { results: { channels: [{ alternatives: [{ transcript: 'received', words: [] }] }] } },
};

let received = 0;
const server = createServer((request, response) => {
	request.on('data', (piece: Buffer) => (received += piece.length));
	request.on('end', () => response.end(JSON.stringify(answer)));
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

type Node = WorkflowJson['nodes'][number];

const step = (type: string, typeVersion: number, parameters: Node['parameters']): Node => ({
	id: '00000000-0000-4000-8000-000000000003',
	name: 'Upload',
	type,
	typeVersion,
	position: [440, 0],
	parameters,
});

const uploads: Record<string, Node> = {
	'no operation': step('n8n-nodes-base.noOp', 1, {}),
	'HTTP Request': step('n8n-nodes-base.httpRequest', 4.2, {
		method: 'POST',
		url: `${url}/audio/transcriptions`,
		sendBody: true,
		contentType: 'multipart-form-data',
		bodyParameters: {
			parameters: [{ parameterType: 'formBinaryData', name: 'file', inputDataFieldName: 'data' }],
		},
		options: {},
	}),
	OpenAI: {
		...step('@n8n/n8n-nodes-langchain.openAi', 1.8, {
			resource: 'audio',
			operation: 'transcribe',
			binaryPropertyName: 'data',
			options: {},
		}),
		credentials: { openAiApi: { id: '', name: 'OpenAI' } },
	},
	Cloudsway: {
		...step('n8n-nodes-speech-inference.cloudsway', 1, {
			endpointPath: 'bench',
			model: 'other',
			options: { longRecordings: 'send' },
		}),
		credentials: { cloudswayApi: { id: '', name: 'Cloudsway' } },
	},
	'Nova-3': {
		...step('n8n-nodes-speech-inference.cloudflareWorkersAi', 1, { operation: 'transcribeNova3' }),
		credentials: { cloudflareWorkersAiApi: { id: '', name: 'Cloudflare' } },
	},
};

const workflowOf = (upload: Node): WorkflowJson => ({
	name: 'Upload',
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
			parameters: { operation: 'read', fileSelector: file, options: {} },
		},
		upload,
	],
	connections: {
		Start: { main: [[{ node: 'Read', type: 'main', index: 0 }]] },
		Read: { main: [[{ node: 'Upload', type: 'main', index: 0 }]] },
	},
	settings: { executionOrder: 'v1' },
});

const host = await prepareHost({ say: (line) => console.log(line) });
await buildPackage();
const { tarball } = await packPackage(folder);
const BASELINE = 'no operation';
const chosen = Object.entries(uploads).filter(
	([name]) => name === BASELINE || (only?.includes(name) ?? true),
);

/** Peak memory of one run in an n8n of its own, in MiB. */
const measure = async (name: string, upload: Node): Promise<number> => {
	const n8n = await N8n.launch(host, { tarball, env: { N8N_RESTRICT_FILE_ACCESS_TO: folder } });
	try {
		const credentials = {
			openAiApi: await n8n.client.createCredential('openAiApi', { apiKey: 'bench-key', url }),
			cloudswayApi: await n8n.client.createCredential('cloudswayApi', {
				accessKey: 'bench-key',
				baseUrl: url,
			}),
			cloudflareWorkersAiApi: await n8n.client.createCredential('cloudflareWorkersAiApi', {
				accountId: 'bench',
				apiToken: 'bench-key',
				baseUrl: url,
			}),
		};
		received = 0;
		n8n.program.resetPeakMemory();
		const execution = await n8n.client.runToEnd(workflowOf(upload), credentials);
		const peak = n8n.program.peakMemoryKiB() / 1024;
		console.log(
			`${name.padEnd(14)} ${execution.status.padEnd(8)} peak ${peak.toFixed(0)} MiB, sent ${(received / 1024 / 1024).toFixed(1)} MiB`,
		);
		return peak;
	} finally {
		await n8n.dispose();
	}
};

const medianOf = (values: number[]): number =>
	values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

const peaks = new Map<string, number[]>(chosen.map(([name]) => [name, []]));
try {
	for (let run = 0; run < runs; run++) {
		for (const [name, upload] of chosen) peaks.get(name)?.push(await measure(name, upload));
	}
	const base = medianOf(peaks.get(BASELINE) ?? []);
	for (const [name, values] of peaks) {
		const growth = medianOf(values) - base;
		console.log(
			`${name.padEnd(14)} median of ${values.length}: ${growth.toFixed(0).padStart(5)} MiB`,
		);
	}
} finally {
	server.close();
	rmSync(folder, { recursive: true, force: true });
}
