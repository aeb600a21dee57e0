import type { INodeProperties } from 'n8n-workflow';

import type { FieldValues } from '../shared/fieldValues';
import { inputError, type Item } from '../shared/item';

const MAX_KEYTERMS = 100;
const MAX_KEYTERM_LENGTH = 100;

/** Key terms, as all of Deepgram's models take them; read by `keytermsOf`. */
export const keytermsOption: INodeProperties = {
	displayName: 'Key Terms',
	name: 'keyterms',
	type: 'string',
	typeOptions: { multipleValues: true, multipleValueButtonText: 'Add Term' },
	default: [],
	placeholder: 'e.g. Workers AI',
	description: `Names and special terms to listen for, at most ${MAX_KEYTERMS} of at most ${MAX_KEYTERM_LENGTH} characters`,
};

/**
 * The key terms of an item.
 * @throws NodeOperationError for more than 100 terms, or one of more than 100 characters
 */
export function keytermsOf(item: Item, options: FieldValues): string[] {
	const keyterms = options.list(keytermsOption);
	if (keyterms.length > MAX_KEYTERMS) {
		throw inputError(
			item,
			`'Key Terms' takes at most ${MAX_KEYTERMS} terms, but has ${keyterms.length}`,
			'Keep the terms that are heard wrongly without help.',
		);
	}
	const long = keyterms.find((term) => [...term].length > MAX_KEYTERM_LENGTH);
	if (long !== undefined) {
		throw inputError(
			item,
			`A term of 'Key Terms' has more than ${MAX_KEYTERM_LENGTH} characters: '${long.slice(0, 40)}…'`,
			'Enter each term as a value of its own.',
		);
	}
	return keyterms;
}
