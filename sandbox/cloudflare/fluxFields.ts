import { incomplete, invalid } from './envelope.ts';

/** What a session or run was asked for, checked. */
export interface FluxSettings {
	sampleRate: number;
	eotThreshold: number;
	eagerEotThreshold?: number;
	eotTimeoutMs: number;
	keyterms: string[];
}

/** https://developers.deepgram.com/docs/flux/quickstart */
const SAMPLE_RATES = [8_000, 16_000, 24_000, 44_100, 48_000];

const FIELDS = [
	'encoding',
	'sample_rate',
	'eot_threshold',
	'eager_eot_threshold',
	'eot_timeout_ms',
	'mip_opt_out',
	'tag',
];

/**
 * Checks Flux's fields as the model's published schema has them: strings only, unknown and repeated
 * fields refused. `keyterm` alone may be repeated.
 * @throws Refusal naming the first field that is wrong
 */
export function checkFluxFields(
	entries: ReadonlyArray<[name: string, value: unknown]>,
	moreNames: readonly string[] = [],
): FluxSettings {
	const values = new Map<string, string>();
	const keyterms: string[] = [];
	for (const [name, value] of entries) {
		if (typeof value !== 'string') throw invalid(`${name} must be a string`);
		if (name === 'keyterm') keyterms.push(value);
		else if (!FIELDS.includes(name) && !moreNames.includes(name))
			throw invalid(`unknown field ${name}`);
		else if (values.has(name)) throw invalid(`${name} is given twice`);
		else values.set(name, value);
	}
	for (const name of ['encoding', 'sample_rate']) {
		if (!values.has(name)) throw incomplete(`${name} is required`);
	}
	oneOf(values, 'encoding', ['linear16']);
	oneOf(values, 'mip_opt_out', ['true', 'false']);
	const sampleRate = wholeNumber(values, 'sample_rate') ?? 0;
	if (!SAMPLE_RATES.includes(sampleRate)) throw invalid('sample_rate is not supported');
	const eotThreshold = within(values, 'eot_threshold', 0.5, 0.9) ?? 0.7;
	const eagerEotThreshold = within(values, 'eager_eot_threshold', 0.3, 0.9);
	if (eagerEotThreshold !== undefined && eagerEotThreshold > eotThreshold) {
		throw invalid('eager_eot_threshold must be less than or equal to eot_threshold');
	}
	if (keyterms.length > 100) throw invalid('Keyterm limit exceeded');
	for (const keyterm of keyterms) {
		if (keyterm === '' || [...keyterm].length > 100) throw invalid('keyterm has a wrong length');
	}
	const eotTimeoutMs = wholeNumber(values, 'eot_timeout_ms') ?? 5_000;
	if (eotTimeoutMs < 500 || eotTimeoutMs > 60_000) throw invalid('eot_timeout_ms is out of range');
	return { sampleRate, eotThreshold, eagerEotThreshold, eotTimeoutMs, keyterms };
}

/** Checks the `tags` of a request: at most 5, of at most 50 characters, joined by commas. */
export function checkTags(tags: string | null): void {
	if (tags === null) return;
	const list = tags.split(',');
	if (list.length > 5) throw invalid('at most 5 tags');
	for (const tag of list) {
		if (!/^[A-Za-z0-9:\-./@]{1,50}$/.test(tag)) throw invalid(`tag ${tag} is not allowed`);
	}
}

function oneOf(values: Map<string, string>, name: string, allowed: string[]): void {
	const value = values.get(name);
	if (value !== undefined && !allowed.includes(value)) {
		throw invalid(`${name} must be one of ${allowed.join(', ')}`);
	}
}

function wholeNumber(values: Map<string, string>, name: string): number | undefined {
	const value = values.get(name);
	if (value === undefined) return undefined;
	if (!/^[0-9]+$/.test(value)) throw invalid(`${name} does not match ^[0-9]+$`);
	return Number(value);
}

function within(
	values: Map<string, string>,
	name: string,
	min: number,
	max: number,
): number | undefined {
	const value = values.get(name);
	if (value === undefined) return undefined;
	const number = Number(value);
	if (value.trim() === '' || !(number >= min && number <= max)) {
		throw invalid(`${name} must be between ${min} and ${max}`);
	}
	return number;
}
