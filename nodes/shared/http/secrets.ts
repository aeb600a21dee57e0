import type { ICredentialDataDecryptedObject } from 'n8n-workflow';

import type { Service } from './service';

/** What stands in the place of a secret. */
export const MASK = '******';
/** What is shorter stands in too many words to be told from them. */
const SHORTEST_SECRET = 4;
/** What is shorter may be a part of an ordinary word, so that it is masked as a word of its own only. */
const SHORTEST_PART = 8;

/** Replaces the credential's secrets in a text, however they are written into it. */
export interface Mask {
	(text: string): string;
	/** The texts it replaces. */
	readonly spellings: readonly string[];
}

/**
 * A mask for the secrets of a service's credential: plain, escaped as in JSON and percent-encoded. Values
 * shorter than eight characters are masked where they stand as a word, those shorter than four are left alone.
 *
 * @param more further secrets, such as those a request carries besides
 */
export function maskFor(
	credential: ICredentialDataDecryptedObject,
	{ secretFields, secretPatterns = [] }: Pick<Service, 'secretFields' | 'secretPatterns'>,
	more: readonly string[] = [],
): Mask {
	const spellings = [...secretFields.map((field) => credential[field]), ...more]
		.filter((value): value is string => typeof value === 'string')
		.map((value) => value.trim())
		.filter((value) => value.length >= SHORTEST_SECRET)
		.flatMap((value) => [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value)]);
	const patterns = [...secretPatterns, ...spellings.map(patternOf)];
	const mask = (text: string) =>
		patterns.reduce<string>((masked, pattern) => masked.replaceAll(pattern, MASK), text);
	return Object.assign(mask, { spellings });
}

function patternOf(secret: string): string | RegExp {
	if (secret.length >= SHORTEST_PART) return secret;
	const literal = secret.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
	return new RegExp(`(?<![\\p{L}\\p{N}])${literal}(?![\\p{L}\\p{N}])`, 'gu');
}

/** A JSON value with every text in it masked; names of fields stay as they are. */
export function maskedJson<T>(value: T, mask: (text: string) => string): T {
	return maskedValue(value, mask) as T;
}

function maskedValue(value: unknown, mask: (text: string) => string): unknown {
	if (typeof value === 'string') return mask(value);
	if (Array.isArray(value)) return value.map((entry) => maskedValue(entry, mask));
	if (typeof value !== 'object' || value === null) return value;
	return Object.fromEntries(
		Object.entries(value).map(([key, entry]) => [key, maskedValue(entry, mask)]),
	);
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
