import type { IDataObject, INodeParameters, INodeType } from 'n8n-workflow';

import { CloudflareWorkersAiApi } from '../../credentials/CloudflareWorkersAiApi.credentials.ts';
import { CloudswayApi } from '../../credentials/CloudswayApi.credentials.ts';
import { CloudflareWorkersAi } from '../../nodes/CloudflareWorkersAi/CloudflareWorkersAi.node.ts';
import { Cloudsway } from '../../nodes/Cloudsway/Cloudsway.node.ts';
import { startSandbox, type Sandbox } from '../../sandbox/server.ts';
import { runNode } from './engine.ts';

/** What an item holds of a binary file that n8n has deleted meanwhile. */
const GONE: IDataObject = {
	id: 'filesystem-v2:workflows/workflow1/executions/1/binary_data/00000000-0000-0000-0000-000000000000',
	data: 'filesystem-v2',
	fileName: 'call.wav',
	mimeType: 'audio/wav',
	fileExtension: 'wav',
};

let sandbox: Sandbox;
beforeAll(async () => {
	sandbox = await startSandbox();
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.clear());

const missing = '={{ $json.file }}';
const speakers = {
	speaker: [{ name: 'agent', referenceType: 'binary', reference: missing }],
};

it.each<[string, INodeType, INodeParameters]>([
	['Flux', new CloudflareWorkersAi(), { operation: 'transcribeFlux', binaryPropertyName: missing }],
	[
		'Nova-3',
		new CloudflareWorkersAi(),
		{ operation: 'transcribeNova3', binaryPropertyName: missing },
	],
	[
		'Cloudsway',
		new Cloudsway(),
		{ endpointPath: 'path', model: 'other', binaryPropertyName: missing },
	],
	[
		"Cloudsway's sample of a speaker",
		new Cloudsway(),
		{ endpointPath: 'path', model: 'other', options: { knownSpeakers: speakers } as never },
	],
])(
	"%s says that the input's file is gone, and nothing is sent",
	async (_, nodeType, parameters) => {
		const { accountId, apiToken, baseUrl } = sandbox.cloudflare;
		const { accessKey, baseUrl: cloudswayUrl } = sandbox.cloudsway;
		const { error } = await runNode({
			nodeType,
			parameters,
			credentials: {
				cloudflareWorkersAiApi: {
					type: new CloudflareWorkersAiApi(),
					data: { accountId, apiToken, gatewayId: '', baseUrl },
				},
				cloudswayApi: { type: new CloudswayApi(), data: { accessKey, baseUrl: cloudswayUrl } },
			},
			items: [
				{
					json: { file: GONE },
					binary: { data: { data: Buffer.from('RIFF'), fileName: 'a.wav' } },
				},
			],
		});
		expect(error?.message).toContain("The input's file 'call.wav' is not in n8n's binary store");
		expect(error?.description).toContain('Run the node that supplies it again');
		expect(error?.description).not.toContain('Base URL');
		expect(sandbox.requests).toEqual([]);
	},
);
