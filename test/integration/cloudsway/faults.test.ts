import { startSandbox } from '../../../sandbox/server.ts';
import { CloudswayAccess, item, TEXT } from './access.ts';

const cloudsway = new CloudswayAccess();

describe('transcribe: faults', () => {
	const answer = (status: number, headers = {}, body = '{"error":{"message":"Try <later>"}}') => ({
		fault: { kind: 'status' as const, status, headers, body },
	});

	it.each([
		[401, 'refused the key', "'Access Key'"],
		[403, 'refused access', 'whitelist'],
		[404, 'does not know', "'Endpoint Path'"],
		[413, 'too large', '25 MB'],
		[400, 'refused the request', 'Check the parameters'],
		[500, 'could not process', 'Look at the usage in the Cloudsway console before'],
		[502, 'could not process', 'is billed, is not known'],
		[302, 'redirect', "'Base URL'"],
	])('status %i says what happened and how to go on', async (status, message, advice) => {
		cloudsway.sandbox.faults.add(answer(status, { location: 'https://elsewhere.example' }));
		const { error } = await cloudsway.run('whisper-1');
		expect(error?.message).toContain(message);
		expect(error?.message).toContain(`(${status})`);
		expect(error?.description).toContain(advice);
		expect(error?.description).toContain('Cloudsway says: Try &lt;later&gt;.');
		expect(error?.httpCode).toBe(String(status));
		expect(error?.context?.itemIndex).toBe(0);
		expect(cloudsway.sandbox.requests).toHaveLength(1);
	});

	it.each([
		[429, {}],
		[429, { 'retry-after': '0' }],
		[503, { 'retry-after': new Date(Date.now() + 1_000).toUTCString() }],
	])('status %i with %j is tried again, with the whole file', async (status, headers) => {
		cloudsway.sandbox.faults.add(answer(status, headers));
		const { items } = await cloudsway.run('whisper-1');
		expect(items[0]?.json.text).toBe(TEXT);
		expect(cloudsway.sandbox.requests.map((request) => request.status)).toEqual([status, 200]);
	});

	it('says how often it tried', async () => {
		cloudsway.sandbox.faults.add({ ...answer(429, { 'retry-after': '0' }), times: 9 });
		const { error } = await cloudsway.run('whisper-1');
		expect(cloudsway.sandbox.requests).toHaveLength(4);
		expect(error?.description).toContain('Tried 4 times.');
		expect(error?.failure).toMatchObject({ cause: 'rate-limited', retryAfterMs: 0 });
	});

	it('does not wait for minutes', async () => {
		cloudsway.sandbox.faults.add(answer(429, { 'retry-after': '3600' }));
		const { error } = await cloudsway.run('whisper-1');
		expect(cloudsway.sandbox.requests).toHaveLength(1);
		expect(error?.description).toContain('It asks to wait 60 minutes.');
		expect(error?.failure).toMatchObject({ retryAfterMs: 3_600_000 });
	});

	it.each([500, 503])('status %i alone is not tried again: the job may be done', async (status) => {
		cloudsway.sandbox.faults.add(answer(status));
		expect((await cloudsway.run('whisper-1')).error).toBeDefined();
		expect(cloudsway.sandbox.requests).toHaveLength(1);
	});

	it.each(['before', 'during', 'after'] as const)(
		'a connection reset %s the body is an error, and nothing is sent twice',
		async (when) => {
			cloudsway.sandbox.faults.add({ fault: { kind: 'reset', when } });
			const { error } = await cloudsway.run('whisper-1');
			expect(error?.message).toContain('was broken off before its answer came');
			expect(error?.description).toContain('is billed, is not known');
			expect(cloudsway.sandbox.requests).toHaveLength(1);
		},
	);

	it('is tried again where no connection can be made, and then says so', async () => {
		const closed = await startSandbox();
		await closed.close();
		const { baseUrl } = closed.cloudsway;
		const { error } = await cloudsway.run('whisper-1', {}, { baseUrl });
		expect(error?.message).toContain('could not be reached');
		expect(error?.description).toMatch(/ECONNREFUSED.*'Base URL'.*Tried 4 times/s);
	}, 20_000);

	it.each(['not a url', 'ftp://host', ''])("a base URL '%s' is named", async (baseUrl) => {
		const { error } = await cloudsway.run('whisper-1', {}, { baseUrl });
		expect(error?.message).toContain("'Base URL'");
	});

	it.each([
		['never answers', { kind: 'silence' as const }],
		['answers too slowly', { kind: 'drip' as const, ms: 100 }],
	])('a service that %s ends the item when its time is up', async (_, fault) => {
		cloudsway.sandbox.faults.add({ fault });
		const { error, durationMs } = await cloudsway.run('whisper-1', { options: { timeout: 1 } });
		expect(error?.message).toContain('did not answer within 1 s');
		expect(error?.description).toContain("'Timeout'");
		expect(durationMs).toBeLessThan(4_000);
	});

	it('reads an answer that comes before the upload is done', async () => {
		cloudsway.sandbox.faults.add({
			fault: { kind: 'early', status: 413, body: '{"error":"too big"}' },
		});
		const big = Buffer.alloc(40 * 1024 * 1024);
		const { error } = await cloudsway.run(
			'whisper-1',
			{ options: { longRecordings: 'send' } },
			{ items: [item(big, 'a.wav')] },
		);
		expect(error?.message).toMatch(/too large \(413\)|broken off/);
	});

	it('takes a web page for no transcript', async () => {
		cloudsway.sandbox.faults.add(answer(200, {}, '<!doctype html><title>Sign in</title>'));
		const { error } = await cloudsway.run('whisper-1', { responseFormat: 'text' });
		expect(error?.message).toContain('holds no transcript');
		expect(error?.description).toContain('Sign in');
	});

	it('never shows the key, even when the service does', async () => {
		const { error } = await cloudsway.run('whisper-1', {}, { key: 'wrong-key-0123456789' });
		expect(error?.description).toContain('The access key ****** is not valid');
		expect(JSON.stringify(error)).not.toContain('wrong-key-0123456789');
		cloudsway.sandbox.faults.add(
			answer(302, { location: 'https://x.example/?k=sandbox-access-key' }),
		);
		const redirected = await cloudsway.run('whisper-1');
		expect(redirected.error?.description).toContain('https://x.example/?k=******');
		cloudsway.sandbox.faults.add(
			answer(200, { 'x-request-id': 'sandbox-access-key' }, '{"text":""}'),
		);
		expect((await cloudsway.run('whisper-1')).items[0]?.json.requestId).toBe('******');
		cloudsway.sandbox.faults.add(answer(200, {}, '{"text":"key sandbox-access-key here"}'));
		const { items } = await cloudsway.run('whisper-1', { simplify: false });
		expect(items[0]?.json.text).toBe('key ****** here');
	});
});
