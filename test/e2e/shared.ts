import { N8nClient } from '../../harness/client.ts';
import type { Owner } from '../../harness/client.ts';
import type { Host } from '../../harness/host.ts';

/** What every test file needs to reach the one n8n, or to start one of its own from the same tarball. */
export interface SharedN8n {
	host: Host;
	tarball: string;
	url: string;
	userFolder: string;
	owner: Owner;
}

const VARIABLE = 'N8N_SPEECH_E2E';

const cleanups: Array<() => Promise<void> | void> = [];

/** Runs at the end of the whole run, in reverse order. */
export const atEnd = (cleanup: () => Promise<void> | void): void => {
	cleanups.push(cleanup);
};

export const endAll = async (): Promise<void> => {
	for (let cleanup = cleanups.pop(); cleanup !== undefined; cleanup = cleanups.pop())
		await cleanup();
};

/** Jest gives the environment, and nothing else, from its set-up to the test files. */
export const shareWithTests = (shared: SharedN8n): void => {
	process.env[VARIABLE] = JSON.stringify(shared);
};

export const sharedN8n = (): SharedN8n => {
	const text = process.env[VARIABLE];
	if (text === undefined)
		throw new Error('No n8n was started: run the tests with npm run test:e2e');
	return JSON.parse(text) as SharedN8n;
};

/** A client of the shared n8n, logged in as its owner. */
export const loggedIn = async (): Promise<N8nClient> => {
	const { url, owner } = sharedN8n();
	const client = new N8nClient(url);
	await client.login(owner);
	return client;
};
