import { inputError, type Item } from '../shared/item';

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * Refuses an address that Connecte would not call: it calls `https:` only. `http:` to this machine
 * itself is let through, for trying things out with a stand-in of the service.
 *
 * @param name what the user knows the address by
 * @throws NodeOperationError
 */
export function checkWebhookUrl(item: Item, name: string, url: string, advice: string): void {
	// It becomes a header's value, which takes no other characters.
	if (/^[\x21-\x7e]+$/.test(url) && URL.canParse(url)) {
		const { protocol, hostname } = new URL(url);
		if (protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname))) return;
	}
	throw inputError(
		item,
		`${name} must be an https:// address, but is ${JSON.stringify(url)}`,
		advice,
	);
}

/**
 * Refuses an address of this machine for a service that is elsewhere: its calls would never arrive.
 *
 * @param baseUrl of the credential; a service of this machine itself is a stand-in
 * @throws NodeOperationError
 */
export function checkReachable(
	item: Item,
	name: string,
	url: string,
	baseUrl: unknown,
	advice: string,
): void {
	if (!isLoopback(url) || isLoopback(String(baseUrl ?? '').trim())) return;
	throw inputError(
		item,
		`${name} is an address of this machine itself (${new URL(url).host}), which Connecte cannot call`,
		advice,
	);
}

function isLoopback(url: string): boolean {
	return URL.canParse(url) && LOOPBACK.test(new URL(url).hostname);
}
