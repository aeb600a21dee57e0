import type { IDataObject, INodeProperties } from 'n8n-workflow';

import { readSmallBinary, storedFile } from '../../shared/audio/source';
import { valuesIn, type FieldValues } from '../../shared/fieldValues';
import { isObject } from '../../shared/http/answer';
import { inputError, type Item } from '../../shared/item';
import type { Voice } from '../../shared/longRecordings/voice';
import { AUDIO_EXTENSIONS, uploadNameOf } from '../audioFile';

export const MAX_KNOWN_SPEAKERS = 4;
const NAMES = 'known_speaker_names[]';
const REFERENCES = 'known_speaker_references[]';
/** A sample is 2 to 10 seconds long; even uncompressed audio of that length is smaller. */
const MAX_SAMPLE_BYTES = 8 * 1024 * 1024;

const nameField: INodeProperties = {
	displayName: 'Name',
	name: 'name',
	type: 'string',
	required: true,
	default: '',
	placeholder: 'e.g. agent',
	description: 'How the speaker is called in the transcript',
};

const referenceTypeField: INodeProperties = {
	displayName: 'Reference Type',
	name: 'referenceType',
	type: 'options',
	options: [
		{ name: 'Binary Field', value: 'binary' },
		{ name: 'Data URL', value: 'dataUrl' },
	],
	default: 'binary',
	description: 'Where the sample comes from',
};

const referenceField: INodeProperties = {
	displayName: 'Reference',
	name: 'reference',
	type: 'string',
	required: true,
	default: '',
	description: 'The name of the binary field that holds the sample, or the sample as a data URL',
};

export const knownSpeakersOption: INodeProperties = {
	displayName: 'Known Speakers',
	name: 'knownSpeakers',
	type: 'fixedCollection',
	typeOptions: { multipleValues: true, multipleValueButtonText: 'Add Speaker' },
	placeholder: 'Add Speaker',
	default: {},
	description: 'Up to four speakers to recognise by a sample of 2 to 10 seconds each',
	options: [
		{
			displayName: 'Speaker',
			name: 'speaker',
			values: [nameField, referenceTypeField, referenceField],
		},
	],
};

interface Speaker {
	name: string;
	referenceType: 'binary' | 'dataUrl';
	/** The name of a binary field, a data URL, or by an expression the binary file itself. */
	reference: string | IDataObject;
}

/**
 * The known speakers as fields of the form: the names, then as many samples as data URLs.
 * @throws NodeOperationError for more than four, one without a name, or what is no short audio file
 */
export async function speakerFields(
	options: FieldValues,
	item: Item,
): Promise<Array<[string, string]>> {
	const speakers = options.entries(knownSpeakersOption).map((entry) => speakerOf(item, entry));
	if (speakers.length > MAX_KNOWN_SPEAKERS) {
		throw inputError(
			item,
			`'Known Speakers' takes at most ${MAX_KNOWN_SPEAKERS} speakers, but has ${speakers.length}`,
			'Remove speakers until four are left.',
		);
	}
	const references: Array<[string, string]> = [];
	for (const speaker of speakers) {
		references.push([REFERENCES, await sampleOf(item, speaker)]);
	}
	return [...speakers.map(({ name }): [string, string] => [NAMES, name]), ...references];
}

/** The names of the known speakers among the fields of a form. */
export function speakerNamesIn(formFields: ReadonlyArray<[string, string]>): string[] {
	return formFields.filter(([name]) => name === NAMES).map(([, value]) => value);
}

/** Voices heard in the recording itself as fields of the form, to go after those of the user. */
export function voiceFields(voices: readonly Voice[]): Array<[string, string]> {
	return voices.flatMap(
		({ sentName, sample }): Array<[string, string]> => [
			[NAMES, sentName],
			[REFERENCES, dataUrl(sample.mimeType, sample.content)],
		],
	);
}

function dataUrl(mimeType: string, content: Buffer): string {
	return `data:${mimeType};base64,${content.toString('base64')}`;
}

function speakerOf(item: Item, entry: IDataObject): Speaker {
	const values = valuesIn(item, entry);
	const name = values.textIfSet(nameField);
	const referenceType = values.choice<Speaker['referenceType']>(referenceTypeField);
	const { reference: given } = entry;
	const reference = isBinaryFile(given) ? given : values.text(referenceField);
	if (name !== undefined) return { name, referenceType, reference };
	throw inputError(
		item,
		"A speaker of 'Known Speakers' has no 'Name'",
		"Give each speaker a short name, for example 'agent'.",
	);
}

function isBinaryFile(value: unknown): value is IDataObject {
	return isObject(value) && 'mimeType' in value;
}

async function sampleOf(item: Item, speaker: Speaker): Promise<string> {
	const { name, referenceType, reference } = speaker;
	if (typeof reference === 'string' && referenceType === 'dataUrl') {
		if (!/^data:(audio|video)\/[^,]+;base64,[A-Za-z0-9+/]+={0,2}$/.test(reference)) {
			throw inputError(
				item,
				`'Reference' of the known speaker '${name}' is not a data URL of audio`,
				"It must begin with data:audio/…;base64, and hold the sample. For a file of the item, set 'Reference Type' to Binary Field.",
			);
		}
		return reference;
	}
	const { fileName, mimeType } = storedFile(item, reference);
	const audio = uploadNameOf(fileName, mimeType);
	const sample = await readSmallBinary(item, reference, MAX_SAMPLE_BYTES);
	if (!audio || !sample) {
		throw inputError(
			item,
			`'Reference' of the known speaker '${name}' is not a short audio file`,
			`It must hold 2 to 10 seconds of audio in one of: ${AUDIO_EXTENSIONS.join(', ')}.`,
		);
	}
	return dataUrl(audio.mimeType, sample);
}
