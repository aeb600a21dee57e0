import type { IDataObject, INodeProperties, ResourceMapperValue } from 'n8n-workflow';

import { isObject, parseJson } from '../../shared/http/answer';
import { parametersOf } from '../../shared/fieldValues';
import { inputError, type Item } from '../../shared/item';
import { escapeHtml } from '../../shared/text';
import { KNOWN_SCHEMAS } from './models';
import { parseInputSchema, resolved } from './schema';
import { problemsOf, type Problem } from './validate';

export const inputModeField: INodeProperties = {
	displayName: 'Input Mode',
	name: 'inputMode',
	type: 'options',
	noDataExpression: true,
	options: [
		{
			name: 'Fields',
			value: 'fields',
			description: 'A field for each input of the model',
		},
		{ name: 'JSON', value: 'json', description: 'All inputs as one JSON object' },
	],
	default: 'fields',
	description: 'How to give the inputs of the model',
};

/**
 * The input of one item as it is sent, checked against the schema where there is one.
 * @throws NodeOperationError with a message for each field that does not fit
 */
export function readInput(item: Item, model: string): IDataObject {
	const isFields = parametersOf(item).choice(inputModeField) === 'fields';
	const schema = (isFields ? ownSchema(item) : undefined) ?? KNOWN_SCHEMAS[model];
	const input = isFields ? fieldsInput(item, schema) : jsonInput(item);
	const audioProblem = problemOfAudio(item, input.audio);
	if (audioProblem !== undefined) {
		throw inputError(
			item,
			`'audio' must be the public URL of an audio file: ${audioProblem}`,
			'Connecte downloads the recording itself and takes no files: put it where it can be reached by https, for example on S3 or a web server, and give its address.',
		);
	}
	const problems = schema === undefined ? [] : problemsOf(schema, input);
	if (problems.length > 0) {
		throw inputError(
			item,
			`The input does not fit ${model}: ${problems.map(problemText).join('; ')}`,
			`What the model takes is on its page under 'API > Schema'. ${isFields ? "Correct the fields of 'Input', or 'Input Schema' where it is out of date." : "Correct 'Input JSON'."}`,
		);
	}
	return input;
}

/** The schema the user has put in. */
function ownSchema(item: Item): IDataObject | undefined {
	const value = item.context.getNodeParameter('inputSchema', item.itemIndex, '') as unknown;
	if (value === '' || value === undefined || value === null) return undefined;
	if (typeof value === 'string' && /^\s*(\{\s*\}\s*)?$/.test(value)) return undefined;
	const schema = parseInputSchema(value);
	if (schema) return schema;
	throw inputError(
		item,
		"'Input Schema' is not a JSON Schema with 'properties'",
		"Copy it whole from the model's page, under 'API > Schema', or leave it empty.",
	);
}

function jsonInput(item: Item): IDataObject {
	const value = item.context.getNodeParameter('inputJson', item.itemIndex, {}) as unknown;
	const input = typeof value === 'string' ? parseJson(value) : value;
	if (isObject(input)) return input;
	throw inputError(
		item,
		"'Input JSON' is not a JSON object",
		'Set it to an object with the inputs of the model, such as {"audio": "https://example.com/audio.mp3"}.',
	);
}

/** What the resource mapper holds; a field that was left empty is not sent. */
function fieldsInput(item: Item, schema: IDataObject | undefined): IDataObject {
	const { context, itemIndex } = item;
	const mode = context.getNodeParameter('input.mappingMode', itemIndex, 'defineBelow') as string;
	const { properties } = schema === undefined ? {} : resolved(schema, schema);
	const known = isObject(properties) ? properties : undefined;
	if (mode === 'autoMapInputData') {
		const { json = {} } = context.getInputData()[itemIndex] ?? {};
		return Object.fromEntries(
			Object.entries(json).filter(([name]) => known === undefined || Object.hasOwn(known, name)),
		);
	}
	const value = (context.getNodeParameter('input.value', itemIndex, {}) ?? {}) as NonNullable<
		ResourceMapperValue['value']
	>;
	const required = Array.isArray(schema?.required) ? (schema.required as unknown[]) : [];
	return Object.fromEntries(
		Object.entries(value)
			.filter(
				([name, entry]) =>
					entry !== undefined && entry !== null && (entry !== '' || required.includes(name)),
			)
			.map(([name, entry]) => [name, typedValue(known?.[name], schema, entry)]),
	);
}

/** A text that the schema does not take as such, but as the JSON it holds. */
function typedValue(
	own: unknown,
	root: IDataObject | undefined,
	value: string | number | boolean | null,
): IDataObject[string] {
	const json = typeof value === 'string' ? parseJson(value) : undefined;
	if (json === undefined || !isObject(own)) return value;
	const fits = (candidate: unknown) =>
		problemsOf({ ...root, required: [], properties: { own } }, { own: candidate }).length === 0;
	const isMeant = !fits(value) && (fits(json) || (typeof json === 'object' && json !== null));
	return (isMeant ? json : value) as IDataObject[string];
}

function problemText({ field, message }: Problem): string {
	return `${field === '' ? 'it' : `'${field}'`} ${message}`;
}

/** Why a value of `audio` is no public address; `undefined` where it is one, or none is given. */
function problemOfAudio({ context, itemIndex }: Item, audio: unknown): string | undefined {
	if (typeof audio !== 'string') return undefined;
	const text = audio.trim();
	if (/^https?:\/\/[^/?#\s]/i.test(text) && URL.canParse(text)) return undefined;
	if (text === '') return 'it is empty';
	const given = escapeHtml(JSON.stringify(text.slice(0, 80)));
	if (/^data:/i.test(text)) return 'a data URL cannot be sent';
	const { binary = {} } = context.getInputData()[itemIndex] ?? {};
	if (Object.hasOwn(binary, text)) return `${given} is a binary field of the item`;
	if (/^(file:|\.{0,2}[/\\]|~|[a-z]:[/\\])/i.test(text)) return `${given} is a local path`;
	return `${given} is no address; a binary field cannot be sent`;
}
