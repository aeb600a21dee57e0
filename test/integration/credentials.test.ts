import { createServer, type Server } from 'node:http';

import type { ICredentialType, INodeParameters, INodeType } from 'n8n-workflow';

import { listen } from '../listen.ts';
import { CloudflareWorkersAiApi } from '../../credentials/CloudflareWorkersAiApi.credentials.ts';
import { CloudswayApi } from '../../credentials/CloudswayApi.credentials.ts';
import { ConnecteApi } from '../../credentials/ConnecteApi.credentials.ts';
import { CloudflareWorkersAi } from '../../nodes/CloudflareWorkersAi/CloudflareWorkersAi.node.ts';
import { Cloudsway } from '../../nodes/Cloudsway/Cloudsway.node.ts';
import { Connecte } from '../../nodes/Connecte/Connecte.node.ts';
import { makeDtmfWav } from '../../sandbox/hearing/tones.ts';
import { runNode } from './engine.ts';

/** What arrived, as `<first part of the path> <Authorization>`. */
const seen: string[] = [];
let server: Server;
let baseUrl: string;

beforeAll(async () => {
	server = createServer((request, response) => {
		seen.push(`${request.url?.split('/')[1]} ${request.headers.authorization}`);
		request.resume().on('end', () => {
			response.writeHead(418, { 'content-type': 'application/json' }).end('{}');
		});
	});
	baseUrl = await listen(server);
});
afterAll(() => {
	server.close();
});
beforeEach(() => {
	seen.length = 0;
});

const audio = {
	data: {
		data: makeDtmfWav({ channels: [[{ keys: '1' }]] }),
		fileName: 'one.wav',
		mimeType: 'audio/wav',
	},
};

type Case = [string, INodeType, ICredentialType, keyField: string, INodeParameters];
const cases: Case[] = [
	[
		'Cloudsway',
		new Cloudsway(),
		new CloudswayApi(),
		'accessKey',
		{ endpointPath: 'path', model: 'whisper-1' },
	],
	[
		'Cloudflare, Nova-3',
		new CloudflareWorkersAi(),
		new CloudflareWorkersAiApi(),
		'apiToken',
		{ operation: 'transcribeNova3' },
	],
	[
		'Connecte, get',
		new Connecte(),
		new ConnecteApi(),
		'apiToken',
		{ operation: 'get', predictionId: 'p1' },
	],
	[
		'Connecte, create',
		new Connecte(),
		new ConnecteApi(),
		'apiToken',
		{ operation: 'create', model: 'a/b', inputMode: 'json', inputJson: '{}' },
	],
];

it.each(cases)(
	'%s sends each item to its own address with its own key',
	async (_, nodeType, type, keyField, parameters) => {
		const numbers = [0, 1, 2, 3, 4, 5];
		await runNode({
			nodeType,
			parameters,
			credentials: {
				[type.name]: {
					type,
					data: {
						accountId: 'account',
						baseUrl: `=${baseUrl}/host-{{ $json.number }}`,
						[keyField]: '=key-of-{{ $json.number }}',
					},
				},
			},
			items: numbers.map((number) => ({ json: { number }, binary: audio })),
			continueOnFail: true,
		});
		// The address and the key come from one credential: no item's key may reach another's address.
		expect([...seen].sort()).toEqual(
			numbers.map((number) => `host-${number} Bearer key-of-${number}`),
		);
	},
);

it.each([new CloudswayApi(), new CloudflareWorkersAiApi(), new ConnecteApi()])(
	'$displayName brings its way of authenticating as a property, which n8n lists for other nodes',
	async (type: ICredentialType) => {
		// n8n copies a credential type's own properties; a method of the class is not among them.
		const { authenticate } = { ...type };
		if (typeof authenticate !== 'function') throw new Error('It is no function');
		const request = { url: 'https://example.com', headers: { 'X-Kept': 'yes' } };
		const pasted = { accessKey: ' key ', apiToken: ' key ' };
		expect(await authenticate(pasted, request)).toMatchObject({
			headers: { Authorization: 'Bearer key', 'X-Kept': 'yes' },
		});
	},
);
