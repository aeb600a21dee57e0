import { createHmac } from 'node:crypto';

import fc from 'fast-check';

import {
	signedCallbackUrl,
	verifyCallbackToken,
} from '../../../../../nodes/Connecte/callback/callbackToken.ts';

const SECRET = 'a long and random text';
const NOW = Date.UTC(2030, 0, 1);
const WEEK_SECONDS = 7 * 24 * 60 * 60;
const HOOK = 'https://n8n.example/webhook/1/webhook';

const tokenIn = (url: string) => new URL(url).searchParams.get('connecte_token') ?? '';
const hmac = (text: string, secret = SECRET) =>
	createHmac('sha256', secret).update(text).digest('hex');

describe('signedCallbackUrl', () => {
	it('adds nonce, expiry and signature as the contract writes them', () => {
		const token = tokenIn(signedCallbackUrl(HOOK, SECRET, NOW));
		const [nonce = '', expiry = '', signature] = token.split('.');
		expect(nonce).toMatch(/^[0-9a-f]{32,}$/);
		expect(expiry).toBe(String(NOW / 1_000 + WEEK_SECONDS));
		expect(signature).toBe(hmac(`${nonce}.${expiry}`));
	});

	it('makes a new nonce every time', () => {
		const tokens = Array.from({ length: 50 }, () => tokenIn(signedCallbackUrl(HOOK, SECRET)));
		expect(new Set(tokens.map((token) => token.split('.')[0])).size).toBe(50);
	});

	it.each([
		['a query', `${HOOK}?a=1&b=x%20y`, /\?a=1&b=x%20y&connecte_token=[^&]+$/],
		['an empty query', `${HOOK}?`, /webhook\?connecte_token=[^&]+$/],
		['a fragment', `${HOOK}?a=1#part`, /\?a=1&connecte_token=[^&]+#part$/],
		[
			'upper case and a default port',
			'HTTPS://N8N.example:443/A',
			/^HTTPS:\/\/N8N.example:443\/A\?/,
		],
		['an old token', `${HOOK}?connecte_token=old&a=1`, /webhook\?a=1&connecte_token=[^&]+$/],
	])('leaves the rest of a URL with %s as it is', (_, url, expected) => {
		expect(signedCallbackUrl(url, SECRET)).toMatch(expected);
	});

	it('signs nothing without a secret, since anyone could do the same', () => {
		expect(() => signedCallbackUrl(HOOK, '')).toThrow('secret');
		expect(() => signedCallbackUrl(HOOK, '  ')).toThrow('secret');
	});
});

describe('verifyCallbackToken', () => {
	const token = tokenIn(signedCallbackUrl(HOOK, SECRET, NOW));
	const [nonce = '', expiry = '', signature = ''] = token.split('.');

	it('accepts its own token for seven days, and not a moment longer', () => {
		expect(verifyCallbackToken(token, SECRET, NOW)).toBe(true);
		expect(verifyCallbackToken(token, SECRET, NOW + WEEK_SECONDS * 1_000 - 1)).toBe(true);
		expect(verifyCallbackToken(token, SECRET, NOW + WEEK_SECONDS * 1_000)).toBe(false);
	});

	it('accepts a longer nonce, which others may use', () => {
		const long = `${'ab'.repeat(24)}.${expiry}`;
		expect(verifyCallbackToken(`${long}.${hmac(long)}`, SECRET, NOW)).toBe(true);
	});

	it.each([
		['another secret', token, 'another secret'],
		['no secret', `${nonce}.${expiry}.${hmac(`${nonce}.${expiry}`, '')}`, ''],
		['a later expiry', `${nonce}.${Number(expiry) + 1}.${signature}`, SECRET],
		['another nonce', `${'0'.repeat(32)}.${expiry}.${signature}`, SECRET],
		['a shortened signature', token.slice(0, -2), SECRET],
		['no signature', `${nonce}.${expiry}.`, SECRET],
		['a signed nonce that is too short', `ab.${expiry}.${hmac(`ab.${expiry}`)}`, SECRET],
		['a signed expiry that is no number', `${nonce}.never.${hmac(`${nonce}.never`)}`, SECRET],
		['something behind it', `${token}0`, SECRET],
		['a line break behind it', `${token}\n`, SECRET],
	])('refuses a token with %s', (_, wrong, secret) => {
		expect(verifyCallbackToken(wrong, secret, NOW)).toBe(false);
	});

	it('refuses a change of any character', () => {
		for (let at = 0; at < token.length; at++) {
			const other = token[at] === '1' ? '2' : '1';
			const changed = token.slice(0, at) + other + token.slice(at + 1);
			expect(verifyCallbackToken(changed, SECRET, NOW)).toBe(false);
		}
	});

	it('never throws and accepts nothing that was not signed', () => {
		fc.assert(
			fc.property(fc.anything(), fc.string(), (thing, secret) => {
				expect(verifyCallbackToken(thing, secret, NOW)).toBe(false);
			}),
		);
	});
});
