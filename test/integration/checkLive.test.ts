import { freePort } from '../../harness/ports.ts';
import { startSandbox } from '../../sandbox/server.ts';
import type { Sandbox } from '../../sandbox/server.ts';
import { readAccess } from '../../scripts/live/access.ts';
import { runChecks } from '../../scripts/live/check.ts';
import type { CheckedFinding, Verdict } from '../../scripts/live/check.ts';
import { checksFor, costsOf, runServices } from '../../scripts/live/live.ts';
import { masked, reportOf } from '../../scripts/live/report.ts';

let sandbox: Sandbox;
let webhookPort: number;

beforeAll(async () => {
	sandbox = await startSandbox();
	webhookPort = await freePort();
});

afterAll(() => sandbox.close());

beforeEach(() => sandbox.clear());

const allKeys = (): Record<string, string> => {
	const { baseUrl, cloudflare, cloudsway, connecte } = sandbox;
	const paths = cloudsway.endpointPaths;
	return {
		CLOUDFLARE_ACCOUNT_ID: cloudflare.accountId,
		CLOUDFLARE_API_TOKEN: cloudflare.apiToken,
		CLOUDFLARE_BASE_URL: cloudflare.baseUrl,
		CLOUDSWAY_ACCESS_KEY: cloudsway.accessKey,
		CLOUDSWAY_BASE_URL: cloudsway.baseUrl,
		CLOUDSWAY_PATH_WHISPER: paths['whisper-1'],
		CLOUDSWAY_PATH_MINI: paths.MaaS_GP_4o_mini_transcribe,
		CLOUDSWAY_PATH_FULL: paths.MaaS_GP_4o_transcribe,
		CLOUDSWAY_PATH_DIARIZE: paths.MaaS_GP_4o_transcribe_diarize,
		CONNECTE_API_TOKEN: connecte.credential.apiToken,
		CONNECTE_BASE_URL: connecte.credential.baseUrl,
		CONNECTE_AUDIO_URL: `${baseUrl}/samples/phrase-16000-16bit.wav`,
		CONNECTE_WEBHOOK_URL: `http://127.0.0.1:${webhookPort}/hook`,
		CONNECTE_WEBHOOK_PORT: String(webhookPort),
	};
};

/** Runs the checks whose names match. */
const check = async (name: RegExp): Promise<CheckedFinding[]> => {
	const checks = checksFor(readAccess(allKeys()), { limits: false, callbackMs: 1_000 }).flatMap(
		(one) => one.checks,
	);
	const chosen = checks.filter((one) => name.test(one.name));
	expect(chosen).not.toEqual([]);
	return await runChecks(chosen, () => undefined);
};

const withVerdict = (findings: CheckedFinding[], verdict: Verdict): string[] =>
	findings
		.filter((one) => one.verdict === verdict)
		.map(({ check: { name }, details }) => `${name}: ${details.join('; ')}`);

it('finds the sandbox to be as documented, and reports it without a key', async () => {
	const access = readAccess(allKeys());
	expect(access.missing).toEqual([]);
	const services = await runServices(checksFor(access, { limits: false }), () => undefined);
	const findings = services.flatMap((one) => one.findings);
	expect(withVerdict(findings, 'differs')).toEqual([]);
	expect(withVerdict(findings, 'not checked')).toEqual([]);
	const report = reportOf(
		{ date: new Date(0), version: '1.2.3', missing: [] },
		services,
		access.secrets,
	);
	expect(report).toContain('## check:live of 1970-01-01, version 1.2.3');
	expect(report).toMatch(/Webhook-URL: called back; X-Webhook-URL: called back/);
	for (const { service } of services) expect(report).toContain(`### ${service}`);
	for (const secret of access.secrets) expect(report).not.toContain(secret);
}, 120_000);

describe('a service that differs', () => {
	it('is told by the field that is missing, new or of another type', async () => {
		const body = JSON.stringify({
			data: [{ id: 7, created: '1', object: 'model', owned_by: 'system', price: 1 }],
			object: 'list',
		});
		sandbox.faults.add({ path: '/v1/models', fault: { kind: 'status', status: 200, body } });
		expect(withVerdict(await check(/^models$/), 'differs')).toEqual([
			"models: /data/[] has 'price', which is not documented; /data/[]/id must be string",
		]);
	});

	it('is told by its status and the beginning of its answer', async () => {
		sandbox.faults.add({
			path: 'audio/transcriptions',
			fault: { kind: 'status', status: 503, body: '{"error":{"message":"overloaded"}}' },
		});
		const [finding] = await check(/^whisper-1: srt$/);
		expect(finding?.verdict).toBe('differs');
		expect(finding?.details).toEqual([
			'status 503 instead of 200: {"error":{"message":"overloaded"}}',
		]);
	});

	it('is told where a stream ends without its last event, or has one nobody knows', async () => {
		const error = { after: 1, data: '{"type":"transcript.text.sung","text":"la"}' };
		sandbox.faults.add({ path: 'audio/transcriptions', fault: { kind: 'events', error } });
		const [finding] = await check(/^MaaS_GP_4o_mini_transcribe: streamed/);
		expect(finding?.details).toEqual([
			'no event transcript.text.done',
			"event of type 'transcript.text.sung', which is not documented",
		]);
	});

	it('is told by what Flux says beyond its protocol', async () => {
		sandbox.cloudflare.quirks = { strangers: true, withoutType: true, withoutWordTimes: true };
		const [finding] = await check(/^Flux: handshake with every field/);
		expect(finding?.verdict).toBe('differs');
		expect(finding?.details).toEqual(
			expect.arrayContaining([
				"a message of type 'undefined' without event",
				"the event 'TurnMused'",
				'a message is no JSON object',
				expect.stringMatching(/^0 of \d+ turn messages have a 'type', 0 of \d+ words have times$/),
			]),
		);
	});

	it('is told where Flux does not answer the handshake as it should', async () => {
		const fault = { kind: 'status', status: 403, body: '{"error":"who are you"}' } as const;
		sandbox.faults.add({ path: '/flux', fault });
		const [finding] = await check(/^Flux: handshake with every field/);
		expect(finding?.details[0]).toBe('status 403 instead of 101: {"error":"who are you"}');
	});

	it('is told by statuses that are written otherwise', async () => {
		sandbox.connecte.setPlan({ statusCase: 'title' });
		const [finding] = await check(/^openai\/whisper, ASYNC/);
		expect(finding?.details).toContain(
			'/status is none of pending, queued, starting, processing, succeeded, failed, canceled',
		);
	});

	it('is told where the connection breaks', async () => {
		sandbox.faults.add({ path: '/predictions', fault: { kind: 'reset', when: 'before' } });
		const [finding] = await check(/^a prediction that does not exist/);
		expect(finding?.verdict).toBe('differs');
		expect(finding?.details[0]).toMatch(/^no answer: /);
	});
});

it.each([
	['webhook-url', 'Webhook-URL: called back', 'X-Webhook-URL: not called back'],
	['x-webhook-url', 'Webhook-URL: not called back', 'X-Webhook-URL: called back'],
] as const)('finds out that only %s counts', async (webhookHeader, ...details) => {
	sandbox.connecte.setPlan({ webhookHeader });
	const [finding] = await check(/^which header/);
	expect(finding).toMatchObject({ verdict: 'answered', details });
});

it('asks about limits only where that is wanted, since it costs', async () => {
	const checksOf = (limits: boolean) =>
		checksFor(readAccess(allKeys()), { limits }).flatMap(({ checks }) => checks);
	const added = checksOf(true).filter(
		({ name }) => !checksOf(false).some((one) => one.name === name),
	);
	expect(added.map(({ name }) => name)).toContain(
		'MaaS_GP_4o_transcribe: is a recording of 1,410 s, 23 MB taken?',
	);
	const size = added.find(({ name }) => name.startsWith('whisper-1: is a recording of 26 MB'));
	await runChecks([size!], () => undefined);
	expect(sandbox.requests[0]?.file).toMatchObject({ size: 136 * 192_000 + 44 });
});

it('says what it costs before anything is sent', () => {
	const costs = costsOf(checksFor(readAccess(allKeys()), { limits: true })).join('\n');
	expect(costs).toMatch(/Cloudflare Workers AI: \d+ checks, \d+ s of sound; price: \$0\.0077/);
	// 136 s and 1,410 s of silence for each of three models, and some seconds of tones.
	expect(Number(/Cloudsway: \d+ checks, (\d+) s/.exec(costs)?.[1])).toBeGreaterThan(3 * 1_546);
	expect(sandbox.requests).toEqual([]);
});

it('names each key that is missing, and what it leaves unchecked', async () => {
	const access = readAccess({ CONNECTE_API_TOKEN: 'token', CLOUDSWAY_ACCESS_KEY: ' ' });
	expect(access.missing).toEqual(
		expect.arrayContaining([
			'CLOUDFLARE_API_TOKEN: no check of Cloudflare Workers AI',
			'CLOUDSWAY_ACCESS_KEY: no check of Cloudsway',
			'CONNECTE_AUDIO_URL: no prediction of Connecte',
		]),
	);
	expect(checksFor(access, { limits: false }).map(({ service }) => service)).toEqual(['Connecte']);
	const withoutAudio = { ...allKeys(), CONNECTE_AUDIO_URL: '' };
	const checks = checksFor(readAccess(withoutAudio), { limits: false }).flatMap(
		(one) => one.checks,
	);
	const findings = await runChecks(
		checks.filter(({ name }) => name.startsWith('openai/whisper')),
		() => undefined,
	);
	expect(withVerdict(findings, 'not checked')).toHaveLength(2);
	expect(sandbox.requests).toEqual([]);
});

it('masks a key however it is written', () => {
	const key = 'k"y/+7 ä';
	const forms = [
		key,
		encodeURIComponent(key),
		JSON.stringify({ key }),
		btoa('k"y/+7'),
		'Bearer abc.def',
	];
	const text = masked(forms.join('\n'), [key, 'k"y/+7']);
	expect(text).toBe('***\n***\n{"key":"***"}\n***\nBearer ***');
});
