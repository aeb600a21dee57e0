import type { IExecuteFunctions, INode } from 'n8n-workflow';

import { pollUntilEnd } from '../../../../../nodes/Connecte/waiting/poll.ts';

describe('wait: a look that cannot be answered', () => {
	const options = {
		firstCheckMs: 0,
		pollIntervalMs: 1,
		maxWaitMs: 60_000,
		cancelOnTimeout: false,
		cancelOnStop: false,
	};

	it.each([
		['a refused certificate', { code: 'CERT_HAS_EXPIRED' }, 'No secure connection to Connecte'],
		['n8n, which blocks the address', {}, 'n8n did not send the request to Connecte'],
	])('because of %s ends the wait at once, with the ID', async (_, about, message) => {
		let looks = 0;
		const context = {
			getNode: () => ({ name: 'Connecte' }) as INode,
			getCredentials: () => Promise.resolve({ baseUrl: 'https://api.example' }),
			helpers: {
				httpRequestWithAuthentication: () => {
					looks++;
					return Promise.reject(Object.assign(new Error('refused'), about));
				},
			},
		} as unknown as IExecuteFunctions;
		const { signal } = new AbortController();
		// Waiting on would ask until 'Max Wait' and then hide the reason.
		await expect(
			pollUntilEnd({ context, itemIndex: 0, signal }, 'p-1', undefined, options),
		).rejects.toMatchObject({
			message: expect.stringContaining(message) as string,
			description: expect.stringContaining('The ID of the prediction is p-1') as string,
		});
		expect(looks).toBe(1);
	});
});
