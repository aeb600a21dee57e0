import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

import type { INodeParameters } from 'n8n-workflow';

import { CloudswayApi } from '../../../credentials/CloudswayApi.credentials.ts';
import { Cloudsway } from '../../../nodes/Cloudsway/Cloudsway.node.ts';
import type { RequestRecord } from '../../../sandbox/core/exchange.ts';
import { startSandbox, type Sandbox } from '../../../sandbox/server.ts';
import { runNode, type InputItem, type RunOptions, type RunResult } from '../engine.ts';

export type Model = keyof Sandbox['cloudsway']['endpointPaths'];
export type CloudswayRun = Partial<Omit<RunOptions, 'nodeType' | 'parameters'>> & {
	/** An access key other than the sandbox's. */
	key?: string;
	/** Another service than the sandbox. */
	baseUrl?: string;
};

/** What is spoken in the recording of the tests. */
export const TEXT = 'one two three four five six';

export const item = (data: Buffer | Readable, fileName?: string, mimeType?: string): InputItem => ({
	binary: { data: { data, fileName, mimeType } },
});

/** The Cloudsway node with a sandbox that is started for the tests of a file, and cleared for each. */
export class CloudswayAccess {
	sandbox!: Sandbox;

	/** The recording that says `TEXT`. */
	wav!: Buffer;

	constructor() {
		beforeAll(async () => {
			this.sandbox = await startSandbox();
			this.wav = await readFile(join('sandbox', 'samples', 'phrase-16000-16bit.wav'));
		});
		afterAll(() => this.sandbox.close());
		beforeEach(() => this.sandbox.clear());
	}

	readonly run = (
		model: Model | 'other',
		parameters: INodeParameters = {},
		options: CloudswayRun = {},
	): Promise<RunResult> => {
		const { accessKey, endpointPaths, baseUrl: sandboxUrl } = this.sandbox.cloudsway;
		const { key = accessKey, baseUrl = sandboxUrl, ...rest } = options;
		return runNode({
			nodeType: new Cloudsway(),
			parameters: {
				endpointPath: endpointPaths[model === 'other' ? 'whisper-1' : model],
				model,
				...parameters,
			},
			credentials: {
				cloudswayApi: { type: new CloudswayApi(), data: { accessKey: key, baseUrl } },
			},
			items: [item(this.wav, 'phrase.wav')],
			...rest,
		});
	};

	readonly lastRequest = (): RequestRecord => {
		const request = this.sandbox.requests.at(-1);
		if (!request) throw new Error('No request arrived');
		return request;
	};
}
