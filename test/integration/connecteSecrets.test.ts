import { createServer, type Server } from 'node:http';

import type { IDataObject, INodeParameters } from 'n8n-workflow';

import { listen } from '../listen.ts';
import { ConnecteApi } from '../../credentials/ConnecteApi.credentials.ts';
import { Connecte } from '../../nodes/Connecte/Connecte.node.ts';
import { runNode, type RunResult } from './engine.ts';

const SIGNATURE = '0123456789abcdef0123456789abcdef';

/** A service that repeats the webhook's address wherever it can. */
let server: Server;
let baseUrl: string;
/** The address of the last request, as the service got it. */
let webhookUrl = '';
/** What the service answers to a request that creates. */
let created: { status: number; prediction: string };

beforeAll(async () => {
	server = createServer((request, response) => {
		webhookUrl = String(request.headers['webhook-url'] ?? webhookUrl);
		const { status, prediction } =
			request.method === 'POST' ? created : { status: 200, prediction: 'succeeded' };
		request.resume();
		response.writeHead(status, { 'content-type': 'application/json' }).end(
			JSON.stringify({
				id: 'p1',
				status: prediction,
				webhook: webhookUrl,
				error: prediction === 'failed' ? `No answer of ${encodeURIComponent(webhookUrl)}` : null,
				output: { calls: [`POST ${webhookUrl}`], resume: resumeUrl },
			}),
		);
	});
	baseUrl = await listen(server);
});
afterAll(() => {
	server.close();
});

/** As n8n writes the address of a waiting execution; the service has it of an earlier request. */
const resumeUrl = `https://n8n.example/webhook-waiting/1/connecte?signature=${SIGNATURE}`;

const run = async (
	answer: typeof created,
	parameters: INodeParameters = {},
): Promise<RunResult> => {
	created = answer;
	return await runNode({
		nodeType: new Connecte(),
		credentials: {
			connecteApi: {
				type: new ConnecteApi(),
				data: { apiToken: 'the-api-token', webhookSecret: 'a-long-webhook-secret', baseUrl },
			},
		},
		parameters: {
			model: 'a/b',
			inputMode: 'json',
			inputJson: '{}',
			waitForCompletion: 'no',
			options: { webhookUrl: 'http://127.0.0.1:5678/webhook/1?from=test' },
			...parameters,
		},
	});
};

const expectHidden = ({ items, error }: RunResult): IDataObject => {
	const token = new URL(webhookUrl).searchParams.get('connecte_token') ?? '';
	expect(token.length).toBeGreaterThan(100);
	const shown = JSON.stringify([items, error, error?.context, error?.cause]);
	expect(shown).not.toContain(token);
	expect(shown).not.toContain(SIGNATURE);
	return items[0]?.json ?? {};
};

const HIDDEN_URL = 'http://127.0.0.1:5678/webhook/1?from=test&connecte_token=******';

it('puts out no token that the service repeats in its answer', async () => {
	const json = expectHidden(await run({ status: 200, prediction: 'succeeded' }));
	expect(json).toMatchObject({
		webhook: HIDDEN_URL,
		output: { calls: [`POST ${HIDDEN_URL}`], resume: resumeUrl.replace(SIGNATURE, '******') },
	});
});

it.each([
	['poll', { waitForCompletion: 'poll', options: { webhookUrl: 'https://a.example/' } }],
	['get', { operation: 'get', predictionId: 'p1' }],
] as Array<[string, INodeParameters]>)(
	'puts out no token of an earlier request (%s)',
	async (_, parameters) => {
		const json = expectHidden(await run({ status: 200, prediction: 'pending' }, parameters));
		expect(json.webhook).toContain('connecte_token=******');
	},
);

it('has no token in the error of a prediction that failed', async () => {
	const result = await run({ status: 200, prediction: 'failed' });
	expectHidden(result);
	expect(result.error?.description).toContain('connecte_token%3D******');
});

it('has no token in the error of a request that was refused', async () => {
	const result = await run({ status: 400, prediction: 'failed' });
	expectHidden(result);
	expect(result.error?.message).toContain('refused the request');
	expect(JSON.stringify(result.error)).toContain('******');
});
