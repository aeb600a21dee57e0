import { join } from 'node:path';

import { startSandbox } from './server.ts';

const sandbox = await startSandbox({
	port: Number(process.env.SANDBOX_PORT ?? 3400),
	samplesDir: join(import.meta.dirname, 'samples'),
});
const { cloudflare, cloudsway, connecte } = sandbox;
console.log(`Sandbox: ${sandbox.baseUrl} (recordings: ${sandbox.baseUrl}/samples/phrase-16000-16bit.wav)

Cloudflare Workers AI API
  Base URL    ${cloudflare.baseUrl}
  Account ID  ${cloudflare.accountId}
  API Token   ${cloudflare.apiToken}

Cloudsway API
  Base URL    ${cloudsway.baseUrl}
  Access Key  ${cloudsway.accessKey}
  Endpoint paths
${Object.entries(cloudsway.endpointPaths)
	.map(([model, path]) => `    ${model.padEnd(30)} ${path}`)
	.join('\n')}

Connecte API
  Base URL    ${connecte.credential.baseUrl}
  API Token   ${connecte.credential.apiToken}
  How predictions go: POST ${sandbox.baseUrl}/connecte/control/plan

Faults: POST ${sandbox.baseUrl}/control/faults; what arrived: GET ${sandbox.baseUrl}/control/requests
Ctrl-C ends it.`);

const end = () => void sandbox.close().then(() => process.exit(0));
process.once('SIGINT', end);
process.once('SIGTERM', end);
