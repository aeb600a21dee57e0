import { NodeApiError } from 'n8n-workflow';

import type { CallContext, Item } from '../../shared/item';
import { CONNECTE } from '../connecteService';

/** Until when the service has asked to be left alone, in milliseconds since 1970, by credential. */
const quietUntil = new Map<string, number>();

/** Notes what a failed request says of the time to wait: it holds for all that use the same credential. */
export function noteQuietTime(
	{ context }: Pick<Item<CallContext>, 'context'>,
	error: unknown,
): void {
	const failure = error instanceof NodeApiError ? error.failure : undefined;
	const retryAfterMs = failure && 'retryAfterMs' in failure ? failure.retryAfterMs : undefined;
	const now = Date.now();
	for (const [credential, until] of quietUntil) {
		if (until <= now) quietUntil.delete(credential);
	}
	if (retryAfterMs === undefined || retryAfterMs <= 0) return;
	const credential = credentialOf(context);
	quietUntil.set(credential, Math.max(quietUntil.get(credential) ?? 0, now + retryAfterMs));
}

/** How long the service is still to be left alone, in milliseconds. */
export function quietMs({ context }: Pick<Item<CallContext>, 'context'>): number {
	return Math.max(0, (quietUntil.get(credentialOf(context)) ?? 0) - Date.now());
}

function credentialOf(context: CallContext): string {
	return context.getNode().credentials?.[CONNECTE.credentialType]?.id ?? '';
}
