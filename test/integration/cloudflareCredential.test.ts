import { createServer, type Server } from 'node:http';

import { CloudflareWorkersAiApi } from '../../credentials/CloudflareWorkersAiApi.credentials.ts';
import { startSandbox, type Sandbox } from '../../sandbox/server.ts';
import { close, listen } from '../listen.ts';
import { testCredential } from './engine.ts';

let sandbox: Sandbox;
let website: Server;
let websiteUrl: string;

beforeAll(async () => {
	sandbox = await startSandbox();
	website = createServer((_request, response) => {
		response.writeHead(200, { 'content-type': 'text/html' }).end('<title>Welcome</title>');
	});
	websiteUrl = await listen(website);
});
afterAll(async () => {
	await close(website);
	await sandbox.close();
});
beforeEach(() => sandbox.clear());

async function tested(changes: Record<string, string> = {}) {
	const { accountId, apiToken, baseUrl } = sandbox.cloudflare;
	const data = { accountId, apiToken, gatewayId: '', baseUrl, ...changes };
	return await testCredential(new CloudflareWorkersAiApi(), data);
}

describe('the test of the Cloudflare credential', () => {
	it('passes for a token, account and permission that fit, and asks the search for models', async () => {
		expect(await tested()).toMatchObject({ status: 'OK' });
		const [request] = sandbox.requests;
		expect(request?.path).toContain('/ai/models/search?search=flux&per_page=1');
		expect(request?.headers).not.toHaveProperty('cf-aig-gateway-id');
	});

	it('passes with slashes and spaces that pasting adds', async () => {
		const { accountId, apiToken, baseUrl } = sandbox.cloudflare;
		const pasted = {
			accountId: ` ${accountId}`,
			apiToken: `${apiToken} `,
			baseUrl: `${baseUrl}//`,
		};
		expect(await tested(pasted)).toMatchObject({ status: 'OK' });
	});

	it('sends the gateway where there is one', async () => {
		expect(await tested({ gatewayId: 'my-gateway' })).toMatchObject({ status: 'OK' });
		expect(sandbox.requests[0]?.headers['cf-aig-gateway-id']).toBe('my-gateway');
	});

	it.each([
		['token', { apiToken: 'wrong-token' }],
		['account', { accountId: 'f'.repeat(32) }],
	])('fails for a wrong %s', async (_what, changes) => {
		expect(await tested(changes)).toMatchObject({ status: 'Error' });
	});

	it.each([
		[400, "'API Token'"],
		[401, "'API Token'"],
		[403, 'Workers AI - Read'],
		[404, "'Account ID'"],
	])('says for status %i what to check', async (status, advice) => {
		// Twice, since n8n asks a second time after a 401.
		sandbox.faults.add({ times: 2, fault: { kind: 'status', status, body: '{"success":false}' } });
		expect((await tested()).message).toContain(advice);
	});

	it.each(['api.cloudflare.com/client/v4', 'ftp://api.cloudflare.com'])(
		'names the base URL %s, which is no web address',
		async (baseUrl) => {
			expect((await tested({ baseUrl })).message).toContain("'Base URL' is not a web address");
		},
	);

	it('fails for another web site, naming the base URL', async () => {
		expect(await tested({ baseUrl: websiteUrl })).toEqual({
			status: 'Error',
			message: expect.stringContaining("'Base URL'") as string,
		});
	});

	it('fails for an answer that says it has not succeeded', async () => {
		const body = JSON.stringify({ success: false, errors: [{ code: 10000, message: 'No' }] });
		sandbox.faults.add({ fault: { kind: 'status', status: 200, body } });
		expect(await tested()).toMatchObject({ status: 'Error' });
	});

	it('fails for a host that does not answer', async () => {
		expect(await tested({ baseUrl: 'http://127.0.0.1:9' })).toMatchObject({ status: 'Error' });
	});
});
