import {
	CLOUDFLARE,
	cloudflareAdvice,
	cloudflareMessage,
} from '../../../../nodes/CloudflareWorkersAi/service.ts';

const envelope = (...errors: object[]) => JSON.stringify({ success: false, errors });

describe('a failure of Cloudflare', () => {
	it('is said with its messages and codes', () => {
		expect(
			cloudflareMessage(envelope({ code: 7003, message: 'No route' }, { message: 'Also' })),
		).toBe('No route (code 7003); Also');
		expect(cloudflareMessage(envelope({ code: 1 }))).toBe('code 1');
		expect(cloudflareMessage(envelope({ code: '3036', message: 'Quota' }))).toBe(
			'Quota (code 3036)',
		);
	});

	it('is said in the words there are, where it is no envelope', () => {
		expect(cloudflareMessage('<title>502 Bad Gateway</title>')).toBe('502 Bad Gateway');
		expect(cloudflareMessage('upstream timed out')).toBe('upstream timed out');
		expect(cloudflareMessage('{"error":"odd"}')).toBe('odd');
		expect(cloudflareMessage('')).toBeUndefined();
		expect(cloudflareMessage(envelope())).toBeUndefined();
	});

	it('has the advice of each code once', () => {
		const advice = cloudflareAdvice(400, envelope({ code: 5018 }, { code: 3041 }, { code: 5004 }));
		expect(advice?.match(/'Account ID'/g)).toHaveLength(1);
		expect(advice).toContain('Check the parameters');
	});

	it('has the advice of its status where the code is missing or unknown', () => {
		expect(cloudflareAdvice(401, envelope({ message: 'No' }))).toContain("'API Token'");
		expect(cloudflareAdvice(404, '')).toContain("'Account ID'");
		expect(cloudflareAdvice(413, '')).toContain('compress the audio');
		expect(cloudflareAdvice(418, envelope({ code: 99 }))).toBeUndefined();
	});

	it('lasts for the daily quota only', () => {
		expect(CLOUDFLARE.isLasting?.(429, envelope({ code: 3036 }))).toBe(true);
		expect(CLOUDFLARE.isLasting?.(429, envelope({ code: 3040 }))).toBe(false);
		expect(CLOUDFLARE.isLasting?.(429, 'slow down')).toBe(false);
	});
});
