import { ConnecteApi } from '../../credentials/ConnecteApi.credentials.ts';
import { Connecte } from '../../nodes/Connecte/Connecte.node.ts';
import { startSandbox, type Sandbox } from '../../sandbox/server.ts';
import { runNode } from './engine.ts';

let sandbox: Sandbox;
beforeAll(async () => {
	sandbox = await startSandbox();
});
afterAll(() => sandbox.close());

// In a file of its own: what the service asks for holds for all that use the credential.
it('leaves the service alone as long as it asks, for all items of the credential', async () => {
	const headers = { 'retry-after': '120' };
	const busy = { kind: 'status' as const, status: 429, headers };
	sandbox.faults.add({ method: 'GET', times: 99, fault: busy });
	const { error } = await runNode({
		nodeType: new Connecte(),
		credentials: {
			connecteApi: { type: new ConnecteApi(), data: { ...sandbox.connecte.credential } },
		},
		items: Array.from({ length: 5 }, () => ({})),
		continueOnFail: true,
		parameters: {
			model: 'sandbox/echo',
			inputJson: { text: 'a', plan: { durationMs: 60_000 } } as never,
			waitForCompletion: 'poll',
			options: { pollInterval: 0.1, maxWait: 4 },
		},
	});
	expect(error).toBeUndefined();
	const asked = sandbox.requests.filter(({ method }) => method === 'GET');
	// Once each, at the same time, and once each when the time is up; every 0.1 s would be 200 times.
	expect(asked.length).toBeLessThanOrEqual(10);
}, 20_000);
