import type { IDataObject } from 'n8n-workflow';

import type { Schema } from './schema';

/**
 * What models take as far as Connecte's documentation shows it; their pages have the full schemas.
 * https://connecte.ai/docs/api-reference/methods
 */
export const KNOWN_SCHEMAS: Readonly<Record<string, Exclude<Schema, boolean> | undefined>> = {
	'openai/whisper': {
		type: 'object',
		required: ['audio'],
		properties: {
			audio: { type: 'string', title: 'Audio', description: 'public URL of the recording' },
			model: { type: 'string', title: 'Model', default: 'large-v3-turbo' },
			diarize: {
				type: 'boolean',
				title: 'Diarize',
				description: 'tell speakers apart',
				default: false,
			},
			language: {
				type: 'string',
				title: 'Language',
				description: 'auto, or a code such as ru',
				default: 'auto',
			},
			speakers: {
				type: 'integer',
				title: 'Speakers',
				description: 'how many people speak',
				minimum: 1,
				default: 1,
			},
			word_timestamp: {
				type: 'boolean',
				title: 'Word Timestamp',
				description: 'times of words',
				default: false,
			},
		},
	} satisfies IDataObject,
};
