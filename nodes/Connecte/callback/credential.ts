import type { ICredentialDataDecryptedObject, IWebhookFunctions } from 'n8n-workflow';

import type { CallContext } from '../../shared/item';
import { abortable } from '../../shared/time';
import { CONNECTE } from '../connecteService';

/** For each reading n8n makes an isolate, which costs more than all else that a call does. */
const KEPT_MS = 10_000;
/** After that, a reading that never ends stands in nobody's way. */
const LONGEST_READ_MS = 30_000;

interface Read {
	credential: ICredentialDataDecryptedObject;
	/** Milliseconds since 1970. */
	at: number;
}

/** What was read for the webhooks of a node, and the readings under way. */
const kept = new Map<string, Read>();
const underWay = new Map<string, Promise<Read>>();

/**
 * The Connecte credential of a webhook's node; empty where it has none. Calls at once share one reading,
 * and what was read serves further calls for ten seconds, but for a test in the editor.
 *
 * @param maxAgeMs how old what was read before may be
 * @throws what reading it throws, or the signal's reason
 */
export async function webhookCredential(
	context: IWebhookFunctions,
	signal: AbortSignal,
	maxAgeMs = KEPT_MS,
): Promise<ICredentialDataDecryptedObject> {
	const node = context.getNode();
	const used = node.credentials?.[CONNECTE.credentialType];
	if (!used) return {};
	const isTest = context.getMode() === 'manual';
	const key = JSON.stringify([context.getWorkflow().id, node.id, used.id, isTest]);
	const now = Date.now();
	for (const [other, { at }] of kept) {
		if (now - at >= KEPT_MS) kept.delete(other);
	}
	const known = kept.get(key);
	if (known && now - known.at < maxAgeMs) return known.credential;
	const reading = underWay.get(key) ?? read(context);
	if (!underWay.has(key)) {
		underWay.set(key, reading);
		const end = () => underWay.delete(key);
		reading.then((fresh) => {
			end();
			// Also where it comes too late for the call that asked: the next one has it.
			if (!isTest) kept.set(key, fresh);
		}, end);
	}
	return (await abortable(reading, signal)).credential;
}

async function read(context: IWebhookFunctions): Promise<Read> {
	const at = Date.now();
	const credential = await abortable(
		context.getCredentials<ICredentialDataDecryptedObject>(CONNECTE.credentialType),
		AbortSignal.timeout(LONGEST_READ_MS),
	);
	return { credential, at };
}

/** The context with a credential that has been read, so that whatever is done with it does not read it again. */
export function withCredential<C extends CallContext>(
	context: C,
	credential: ICredentialDataDecryptedObject,
): C {
	return Object.create(context, {
		getCredentials: { value: async () => await Promise.resolve(credential) },
	}) as C;
}
