import { startSandbox, type Sandbox } from '../../sandbox/server.ts';
import { runCloudflare, type CloudflareRun } from './cloudflareAccess.ts';

let sandbox: Sandbox;

beforeAll(async () => {
	sandbox = await startSandbox();
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.clear());

const run = (options?: CloudflareRun) => runCloudflare(sandbox, 'runFlux', options);

const envelope = (...errors: Array<{ code?: number; message: string }>) =>
	JSON.stringify({ result: null, success: false, errors, messages: [] });

const lastRequest = () => {
	const request = sandbox.requests.at(-1);
	if (!request) throw new Error('No request arrived');
	const { searchParams } = new URL(request.path, sandbox.baseUrl);
	return { ...request, query: [...searchParams] };
};

describe('the request', () => {
	it('has the required fields only, as strings, where nothing else is set', async () => {
		const { items, error } = await run();
		expect(error).toBeUndefined();
		const { headers, json, method, path, query } = lastRequest();
		expect(method).toBe('POST');
		expect(path).toContain(`/accounts/${sandbox.cloudflare.accountId}/ai/run/@cf/deepgram/flux`);
		expect(json).toEqual({ encoding: 'linear16', sample_rate: '16000' });
		expect(query).toEqual([]);
		expect(headers['content-type']).toBe('application/json');
		expect(headers).not.toHaveProperty('cf-aig-gateway-id');
		expect(items).toEqual([
			{
				json: expect.objectContaining({ received: json, keyterms: [] }) as object,
				pairedItem: { item: 0 },
			},
		]);
	});

	it('has every documented field', async () => {
		sandbox.cloudflare.newFluxFields = ['new_field'];
		const { error } = await run({
			credential: { gatewayId: 'my-gateway' },
			parameters: {
				sampleRate: 8_000,
				options: {
					eotThreshold: 0.8,
					eagerEotThreshold: 0.8,
					eotTimeoutMs: 700,
					keyterms: ['Workers AI'],
					mipOptOut: false,
					tag: 'label',
					tags: ['team:support', 'a/b@c'],
					queueRequest: false,
					contentType: 'application/json; charset=utf-8',
					additionalBody: '{ "new_field": "1", "tag": "other" }',
				},
			},
		});
		expect(error).toBeUndefined();
		const { headers, json, query } = lastRequest();
		expect(json).toEqual({
			encoding: 'linear16',
			sample_rate: '8000',
			eot_threshold: '0.8',
			eager_eot_threshold: '0.8',
			eot_timeout_ms: '700',
			mip_opt_out: 'false',
			tag: 'other',
			keyterm: 'Workers AI',
			new_field: '1',
		});
		expect(query).toEqual([
			['tags', 'team:support,a/b@c'],
			['queueRequest', 'false'],
		]);
		expect(headers['content-type']).toBe('application/json; charset=utf-8');
		expect(headers['cf-aig-gateway-id']).toBe('my-gateway');
	});

	it('has several key terms in the query string', async () => {
		const { items } = await run({ parameters: { options: { keyterms: ['n8n', 'a & b'] } } });
		const { json, query } = lastRequest();
		expect(json).not.toHaveProperty('keyterm');
		expect(query).toEqual([
			['keyterm', 'n8n'],
			['keyterm', 'a & b'],
		]);
		expect(items[0]?.json.keyterms).toEqual(['n8n', 'a & b']);
	});

	it('can be queued', async () => {
		const { items } = await run({ parameters: { options: { queueRequest: true } } });
		expect(items[0]?.json).toMatchObject({ status: 'queued', model: '@cf/deepgram/flux' });
	});

	it('is made with each item’s own parameters, in order', async () => {
		const { items } = await run({
			items: [8_000, 16_000, 24_000].map((rate) => ({ json: { rate } })),
			parameters: { sampleRate: '={{ $json.rate }}' },
		});
		const rates = items.map(({ json }) => (json.received as { sample_rate: string }).sample_rate);
		expect(rates).toEqual(['8000', '16000', '24000']);
		expect(items.map(({ pairedItem }) => pairedItem)).toEqual([0, 1, 2].map((item) => ({ item })));
	});
});

describe('parameters that Cloudflare would refuse', () => {
	it.each<[string, object, RegExp]>([
		['eotThreshold', { eotThreshold: 0.95 }, /'End of Turn Threshold' must be .* 0\.5 and 0\.9/],
		['eagerEotThreshold', { eagerEotThreshold: 0.2 }, /'Eager End of Turn Threshold' must be/],
		[
			'eager above eot',
			{ eagerEotThreshold: 0.6, eotThreshold: 0.5 },
			/\(0\.6\) is above .*\(0\.5 set\)/,
		],
		['eager above the default', { eagerEotThreshold: 0.8 }, /is above .*\(0\.7 by default\)/],
		['eotTimeoutMs', { eotTimeoutMs: 1.5 }, /'End of Turn Timeout' must be a whole number/],
		['a long key term', { keyterms: ['a'.repeat(101)] }, /'Key Terms' has more than 100/],
		['many key terms', { keyterms: Array.from({ length: 101 }, String) }, /at most 100 terms/],
		['many tags', { tags: ['a', 'b', 'c', 'd', 'e', 'f'] }, /at most 5 tags/],
		['a tag’s form', { tags: ['a,b'] }, /'a,b'/],
		['a body that is none', { additionalBody: '[1]' }, /'Additional Body' is not a JSON object/],
	])('are not sent: %s', async (_what, options, message) => {
		const { error } = await run({ parameters: { options: options as never } });
		expect(error?.message).toMatch(message);
		expect(error?.message).toContain('[item 0]');
		expect(error?.description).toBeTruthy();
		expect(sandbox.requests).toEqual([]);
	});

	it('are data with Continue On Fail, and the other items go on', async () => {
		const { items } = await run({
			items: [{ json: { rate: 'fast' } }, { json: { rate: 16_000 } }],
			parameters: { sampleRate: '={{ $json.rate }}' },
			continueOnFail: true,
		});
		expect(items[0]?.json.error).toMatch(/'Sample Rate' must be a whole number/);
		expect(items[1]?.json).toHaveProperty('received');
	});
});

describe('what Cloudflare refuses', () => {
	it.each<[number, string, object, RegExp]>([
		[401, 'a wrong token', { apiToken: 'wrong-token-here' }, /code 10000\).*'API Token'/],
		[404, 'a wrong account', { accountId: 'f'.repeat(32) }, /code 7003\).*'Account ID'/],
	])(
		'is an error with code and advice: %i for %s',
		async (status, _what, credential, description) => {
			const { error } = await run({ credential: credential as Record<string, string> });
			expect(error?.message).toContain(`(${status})`);
			expect(error?.description).toMatch(description);
			expect(JSON.stringify(error)).not.toContain('wrong-token-here');
			expect(sandbox.requests).toHaveLength(1);
		},
	);

	it.each<[number, number, RegExp]>([
		[400, 5007, /does not know the model/],
		[400, 5004, /does not take one of the values/],
		[400, 3003, /misses headers or a body/],
		[413, 3006, /smaller file/],
		[408, 3007, /Try again/],
		[408, 3008, /Try again/],
		[403, 5018, /'Account ID'/],
		[403, 3041, /'Account ID'/],
		[403, 5016, /terms/],
		[403, 3023, /blocked/],
		[404, 7000, /'Base URL'/],
		[404, 3042, /does not offer this model/],
	])('has advice for status %i and code %i', async (status, code, advice) => {
		sandbox.faults.add({
			fault: { kind: 'status', status, body: envelope({ code, message: 'Said so' }) },
		});
		const { error } = await run();
		expect(error?.httpCode).toBe(String(status));
		expect(error?.description).toContain(`Cloudflare says: Said so (code ${code}).`);
		expect(error?.description).toMatch(advice);
		expect(sandbox.requests).toHaveLength(1);
	});

	it('is an error also inside a 200', async () => {
		const body = envelope(
			{ code: 5004, message: 'Invalid <b>data</b>' },
			{ message: 'and no code' },
		);
		sandbox.faults.add({ fault: { kind: 'status', status: 200, body } });
		const { error, items } = await run();
		expect(items).toEqual([]);
		expect(error?.description).toContain(
			'Cloudflare says: Invalid &lt;b&gt;data&lt;/b&gt; (code 5004); and no code.',
		);
	});

	it('is shown with the token masked', async () => {
		const message = `Bad token ${sandbox.cloudflare.apiToken}`;
		sandbox.faults.add({
			fault: { kind: 'status', status: 403, body: envelope({ code: 9109, message }) },
		});
		const { error } = await run();
		expect(error?.description).toContain('Bad token ******');
		expect(JSON.stringify(error)).not.toContain(sandbox.cloudflare.apiToken);
	});

	it('is not tried again when the daily quota is used up', async () => {
		const body = envelope({ code: 3036, message: 'You have used up your daily free allocation' });
		sandbox.faults.add({ times: 9, fault: { kind: 'status', status: 429, body } });
		const { error } = await run();
		expect(sandbox.requests).toHaveLength(1);
		expect(error?.message).toContain('quota');
		expect(error?.description).toMatch(/code 3036\).*00:00 UTC/);
		expect(error?.failure).toEqual({ cause: 'quota-exhausted' });
	});

	it.each([429, 200, 500])(
		'is tried again for lack of capacity (3040 with status %i)',
		async (status) => {
			const body = envelope({ code: 3040, message: 'Capacity temporarily exceeded' });
			const headers = { 'retry-after': '0' };
			sandbox.faults.add({ times: 2, fault: { kind: 'status', status, body, headers } });
			const { error, items } = await run();
			expect(error).toBeUndefined();
			expect(items).toHaveLength(1);
			expect(sandbox.requests).toHaveLength(3);
		},
	);

	it('puts out that there is no result, where Cloudflare says so', async () => {
		const body = JSON.stringify({ success: true, result: null, errors: [], messages: [] });
		sandbox.faults.add({ fault: { kind: 'status', status: 200, body } });
		expect((await run()).items[0]?.json).toEqual({ result: null });
	});

	it('is an error that names the base URL where the answer is no envelope', async () => {
		sandbox.faults.add({
			fault: { kind: 'status', status: 200, body: '<html><title>Hello</title></html>' },
		});
		const { error } = await run();
		expect(error?.message).toContain("Cloudflare's answer holds no result");
		expect(error?.description).toContain("'Base URL'");
	});
});
