import type { IDataObject } from 'n8n-workflow';

import { CloudswayApi } from '../../../credentials/CloudswayApi.credentials.ts';
import { testCredential } from '../engine.ts';
import { CloudswayAccess } from './access.ts';

const cloudsway = new CloudswayAccess();

describe('the test of the Cloudsway credential', () => {
	const test = (data: IDataObject) =>
		testCredential(new CloudswayApi(), {
			...cloudsway.sandbox.cloudsway,
			endpointPaths: '',
			...data,
		} as never);

	it('passes with a good key, with or without a slash at the end of the address', async () => {
		expect((await test({})).status).toBe('OK');
		expect((await test({ baseUrl: `${cloudsway.sandbox.cloudsway.baseUrl}/` })).status).toBe('OK');
	});

	it.each([
		[401, "'Access Key'"],
		[403, 'whitelist'],
		[404, "'Base URL'"],
	])('says for status %i what to check', async (status, advice) => {
		// Twice, since n8n asks a second time after a 401.
		cloudsway.sandbox.faults.add({ times: 2, fault: { kind: 'status', status, body: '{}' } });
		expect((await test({})).message).toContain(advice);
	});

	it('names a base URL that is no web address', async () => {
		const { message } = await test({ baseUrl: 'genaiapi.cloudsway.net' });
		expect(message).toContain("'Base URL' is not a web address");
	});

	it.each([
		['a bad key', () => ({ accessKey: 'wrong' })],
		['another host', () => ({ baseUrl: cloudsway.sandbox.baseUrl })],
		[
			'a host that serves pages',
			() => ({ baseUrl: `${cloudsway.sandbox.baseUrl}/samples/phrase-16000-16bit.wav?` }),
		],
		['an unreachable host', () => ({ baseUrl: 'http://127.0.0.1:1' })],
	])('fails with %s', async (_, data) => {
		expect((await test(data())).status).toBe('Error');
	});
});
