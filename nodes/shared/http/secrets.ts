import type { ICredentialDataDecryptedObject } from 'n8n-workflow';

/** What stands in the place of a secret. */
export const MASK = '******';
const SHORTEST_SECRET = 6;

/** Replaces the credential's secrets in a text, however they are written into it. */
export interface Mask {
	(text: string): string;
	/** The texts it replaces. */
	readonly spellings: readonly string[];
}

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
	const mask = (text: string) =>
		spellings.reduce((masked, secret) => masked.replaceAll(secret, MASK), text);
	return Object.assign(mask, { spellings });
}

/** A JSON value with every text in it masked. */
export function maskedJson<T>(value: T, mask: (text: string) => string): T {
	return JSON.parse(mask(JSON.stringify(value))) as T;
}

/**
 * Masks a text that comes in pieces, where a secret may be split between them: what may be the
 * beginning of one is held back until the next piece, or the end, tells.
 */
export class PieceMask {
	private held = '';

	constructor(private readonly mask: Mask) {}

	/** What can be shown now that the piece has come. */
	push(piece: string): string {
		const text = this.mask(this.held + piece);
		const held = Math.max(0, ...this.mask.spellings.map((secret) => overlap(text, secret)));
		this.held = text.slice(text.length - held);
		return text.slice(0, text.length - held);
	}

	/** What was held back. */
	end(): string {
		const rest = this.held;
		this.held = '';
		return rest;
	}
}

/** How much of the text's end is the beginning of the secret. */
function overlap(text: string, secret: string): number {
	for (let length = Math.min(text.length, secret.length - 1); length > 0; length--) {
		if (text.endsWith(secret.slice(0, length))) return length;
	}
	return 0;
}
