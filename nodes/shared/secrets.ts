import type { ICredentialDataDecryptedObject } from 'n8n-workflow';

/** What stands in the place of a secret. */
export const MASK = '******';
const SHORTEST_SECRET = 6;

/** Replaces the credential's secrets in a text, however they are written into it. */
export type Mask = (text: string) => string;

/**
 * A mask for the named fields of a credential: plain, escaped as in JSON and percent-encoded.
 * Values shorter than six characters are left alone, since they would hit ordinary words.
 */
export function maskFor(
	credential: ICredentialDataDecryptedObject,
	secretFields: readonly string[],
): Mask {
	const spellings = secretFields
		.map((field) => credential[field])
		.filter((value): value is string => typeof value === 'string')
		.map((value) => value.trim())
		.filter((value) => value.length >= SHORTEST_SECRET)
		.flatMap((value) => [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value)]);
	return (text) => spellings.reduce((masked, secret) => masked.replaceAll(secret, MASK), text);
}
