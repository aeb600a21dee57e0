import { createHmac, randomBytes, timingSafeEqual } from 'crypto';

/** The query parameter that carries the token of a signed callback URL. */
export const TOKEN_PARAMETER = 'connecte_token';

const NONCE_BYTES = 16;
const LIFETIME_SECONDS = 7 * 24 * 60 * 60;
const LONGEST_TOKEN = 512;
const TOKEN = /^([0-9a-f]{32,128})\.([0-9]{1,12})\.([0-9a-f]{64})$/;

/**
 * The callback URL with a token that only who knows `webhookSecret` can make, good for seven days:
 * `<nonce>.<expiry, seconds since 1970>.<hex HMAC-SHA256 of "<nonce>.<expiry>">`. A token that the
 * URL already has is replaced; the rest of the URL stays as it is written.
 * @param now milliseconds since 1970
 * @throws Error for an empty secret, which anyone could sign with
 */
export function signedCallbackUrl(url: string, webhookSecret: string, now = Date.now()): string {
	if (webhookSecret.trim() === '')
		throw new Error('A callback URL cannot be signed without a secret');
	const nonce = randomBytes(NONCE_BYTES).toString('hex');
	const expiry = Math.floor(now / 1_000) + LIFETIME_SECONDS;
	const signed = `${nonce}.${expiry}`;
	const token = `${signed}.${signatureOf(signed, webhookSecret).toString('hex')}`;
	const { base, query, hash } = partsOf(url);
	const pairs = query.split('&').filter((pair) => pair !== '' && !isToken(pair));
	return `${base}?${[...pairs, `${TOKEN_PARAMETER}=${token}`].join('&')}${hash}`;
}

/**
 * Whether `token` was made with `webhookSecret` and has not expired. Never throws; takes the same time
 * for every wrong signature; an empty secret verifies nothing.
 * @param now milliseconds since 1970
 */
export function verifyCallbackToken(
	token: unknown,
	webhookSecret: string,
	now = Date.now(),
): boolean {
	if (typeof webhookSecret !== 'string' || webhookSecret.trim() === '') return false;
	const parts = currentParts(token, now);
	if (!parts) return false;
	return timingSafeEqual(
		Buffer.from(parts.signature, 'hex'),
		signatureOf(parts.signed, webhookSecret),
	);
}

/** Whether `token` has the shape of one and has not expired; who made it is another question. */
export function isCurrentToken(token: unknown, now = Date.now()): boolean {
	return currentParts(token, now) !== undefined;
}

function currentParts(
	token: unknown,
	now: number,
): { signed: string; signature: string } | undefined {
	if (typeof token !== 'string' || token.length > LONGEST_TOKEN) return undefined;
	const [, nonce, expiry, signature] = TOKEN.exec(token) ?? [];
	if (nonce === undefined || expiry === undefined || signature === undefined) return undefined;
	return Number(expiry) * 1_000 > now ? { signed: `${nonce}.${expiry}`, signature } : undefined;
}

function signatureOf(text: string, webhookSecret: string): Buffer {
	return createHmac('sha256', webhookSecret).update(text).digest();
}

/** Taken apart by hand, since `URL` would write the user's address anew. */
function partsOf(url: string): { base: string; query: string; hash: string } {
	const hashAt = url.indexOf('#');
	const hash = hashAt < 0 ? '' : url.slice(hashAt);
	const address = hashAt < 0 ? url : url.slice(0, hashAt);
	const queryAt = address.indexOf('?');
	return queryAt < 0
		? { base: address, query: '', hash }
		: { base: address.slice(0, queryAt), query: address.slice(queryAt + 1), hash };
}

function isToken(pair: string): boolean {
	return pair === TOKEN_PARAMETER || pair.startsWith(`${TOKEN_PARAMETER}=`);
}
