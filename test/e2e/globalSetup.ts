import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { prepareHost } from '../../harness/host.ts';
import { N8n } from '../../harness/n8n.ts';
import { packPackage } from '../../harness/pack.ts';
import { packageRoot } from '../../harness/root.ts';
import { atEnd, endAll, shareWithTests } from './shared.ts';

/** One n8n with the packed package for all test files; they run one after the other (--runInBand). */
export default async function globalSetup(): Promise<void> {
	const say = (line: string): void => console.log(`[e2e] ${line}`);
	const output = path.join(packageRoot(), 'test', 'e2e', 'output');
	mkdirSync(output, { recursive: true });
	const work = mkdtempSync(path.join(os.tmpdir(), 'n8n-speech-e2e-'));
	atEnd(() => rmSync(work, { recursive: true, force: true }));
	for (const signal of ['SIGINT', 'SIGTERM'] as const) {
		// Jest ends without its tear-down; n8n, in a process group of its own, would go on.
		process.once(signal, () => void endAll().finally(() => process.exit(1)));
	}
	try {
		const host = await prepareHost({ say });
		const { tarball } = await packPackage(work);
		say(`starting n8n ${host.version} with ${path.basename(tarball)}`);
		const n8n = await N8n.launch(host, { tarball });
		atEnd(async () => {
			await n8n.stop();
			writeFileSync(path.join(output, 'n8n.log'), n8n.program.log);
			await n8n.dispose();
		});
		const { url, userFolder, owner } = n8n;
		shareWithTests({ host, tarball, url, userFolder, owner });
	} catch (error) {
		await endAll();
		throw error;
	}
}
