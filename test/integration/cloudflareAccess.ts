import { CloudflareWorkersAiApi } from '../../credentials/CloudflareWorkersAiApi.credentials.ts';
import { CloudflareWorkersAi } from '../../nodes/CloudflareWorkersAi/CloudflareWorkersAi.node.ts';
import type { Sandbox } from '../../sandbox/server.ts';
import { runNode, type RunOptions, type RunResult } from './engine.ts';

export type CloudflareRun = Partial<Omit<RunOptions, 'nodeType'>> & {
	/** Fields of the credential that differ from the sandbox's. */
	credential?: Record<string, string>;
};

/** Runs an operation of the Cloudflare node against the sandbox. */
export async function runCloudflare(
	{ cloudflare }: Sandbox,
	operation: string,
	{ credential = {}, parameters = {}, ...rest }: CloudflareRun = {},
): Promise<RunResult> {
	const { accountId, apiToken, baseUrl } = cloudflare;
	const data = { accountId, apiToken, gatewayId: '', baseUrl, ...credential };
	return await runNode({
		nodeType: new CloudflareWorkersAi(),
		parameters: { resource: 'audio', operation, ...parameters },
		credentials: { cloudflareWorkersAiApi: { type: new CloudflareWorkersAiApi(), data } },
		...rest,
	});
}
