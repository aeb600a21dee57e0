import { networkReason } from '../../../../../nodes/shared/http/network.ts';

const coded = (message: string, about: object) => Object.assign(new Error(message), about);

describe('networkReason', () => {
	it('looks through what n8n and axios wrap around the error', () => {
		const cause = coded('connect ETIMEDOUT', { code: 'ETIMEDOUT', syscall: 'connect' });
		const error = new Error('outer', { cause: new Error('inner', { cause }) });
		expect(networkReason(error)).toEqual({
			code: 'ETIMEDOUT',
			isBeforeConnection: true,
			isInsecure: false,
		});
	});

	it('looks into the addresses that were tried at once', () => {
		const one = coded('connect ETIMEDOUT', { code: 'ETIMEDOUT', syscall: 'connect' });
		const all = Object.assign(new AggregateError([one, one]), { code: 'ETIMEDOUT' });
		expect(networkReason(new Error('outer', { cause: all })).isBeforeConnection).toBe(true);
	});

	it.each([
		['ECONNRESET', false, false],
		['ECONNREFUSED', true, false],
		['ENOTFOUND', true, false],
		['EPROTO', false, true],
		['CERT_HAS_EXPIRED', false, true],
		['DEPTH_ZERO_SELF_SIGNED_CERT', false, true],
		['UNABLE_TO_VERIFY_LEAF_SIGNATURE', false, true],
	])('knows what %s means', (code, isBeforeConnection, isInsecure) => {
		expect(networkReason(coded('x', { code }))).toEqual({ code, isBeforeConnection, isInsecure });
	});

	it('finds no code where it is no matter of the network', () => {
		expect(networkReason(new Error('blocked')).code).toBeUndefined();
		expect(networkReason('blocked').code).toBeUndefined();
	});
});
