import type {
	IDataObject,
	ILoadOptionsFunctions,
	ResourceMapperField,
	ResourceMapperFields,
} from 'n8n-workflow';

import { isObject } from '../../shared/http/answer';
import { asNumber, asText } from '../../shared/transcript/transcript';
import { KNOWN_SCHEMAS } from './models';
import { parseInputSchema, resolved } from './schema';

const LONGEST_DESCRIPTION = 100;

/** The fields of 'Input' in the editor: of the schema that was put in, or of a known model. */
export async function getInputFields(this: ILoadOptionsFunctions): Promise<ResourceMapperFields> {
	const own = asText(this.getNodeParameter('inputSchema', '')) ?? '';
	const model = (asText(this.getNodeParameter('model', '')) ?? '').trim();
	if (own.trim() !== '' && parseInputSchema(own) === undefined) {
		return notice("'Input Schema' is not a JSON Schema with 'properties'.");
	}
	const schema = parseInputSchema(own) ?? KNOWN_SCHEMAS[model];
	const fields = schema === undefined ? [] : mapperFields(schema);
	return await Promise.resolve(
		fields.length > 0
			? { fields }
			: notice(
					`The inputs of ${model || 'this model'} are not known here: copy the schema from the model's page, under 'API > Schema', into 'Input Schema'.`,
				),
	);
}

function notice(emptyFieldsNotice: string): ResourceMapperFields {
	return { fields: [], emptyFieldsNotice };
}

/** A field for each property of the schema, in the schema's own order where it gives one. */
export function mapperFields(schema: IDataObject): ResourceMapperField[] {
	const { properties, required } = resolved(schema, schema);
	const names = Array.isArray(required) ? (required as unknown[]) : [];
	return Object.entries(isObject(properties) ? properties : {})
		.map(([id, property]) => ({
			id,
			property: isObject(property) ? resolved(property, schema) : {},
		}))
		.sort((one, other) => orderOf(one.property) - orderOf(other.property))
		.map(({ id, property }) => mapperField(id, property, names.includes(id)));
}

function orderOf(property: IDataObject): number {
	return asNumber(property['x-order']) ?? 0;
}

function mapperField(id: string, property: IDataObject, required: boolean): ResourceMapperField {
	const choices = Array.isArray(property.enum)
		? (property.enum as unknown[]).filter((choice): choice is string | number | boolean =>
				['string', 'number', 'boolean'].includes(typeof choice),
			)
		: [];
	const type = choices.length > 0 ? 'options' : fieldType(property);
	return {
		id,
		displayName: label(id, property),
		required,
		defaultMatch: false,
		canBeUsedToMatch: false,
		display: true,
		type,
		...(type === 'options' && {
			options: choices.map((value) => ({ name: String(value), value })),
		}),
		...(property.default !== undefined && { defaultValue: defaultValue(property.default) }),
	};
}

function fieldType({ type }: IDataObject): ResourceMapperField['type'] {
	const [name, another] = [type].flat().filter((entry) => entry !== 'null');
	if (another !== undefined) return 'string';
	if (name === 'integer') return 'number';
	return name === 'number' || name === 'boolean' || name === 'array' || name === 'object'
		? name
		: 'string';
}

function defaultValue(value: unknown): ResourceMapperField['defaultValue'] {
	return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
		? value
		: value === null
			? null
			: JSON.stringify(value);
}

/** A mapper's field has no description of its own, so that its name says everything. */
function label(id: string, property: IDataObject): string {
	const title = asText(property.title)?.trim() || id;
	const name = sameWords(title, id) ? title : `${title} [${id}]`;
	const limits = limitsOf(property);
	const text = (asText(property.description) ?? '').replace(/\s+/g, ' ').trim();
	const description =
		text.length > LONGEST_DESCRIPTION ? `${text.slice(0, LONGEST_DESCRIPTION)}…` : text;
	return [`${name}${limits ? ` (${limits})` : ''}`, description].filter(Boolean).join(': ');
}

function sameWords(one: string, other: string): boolean {
	const words = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '');
	return words(one) === words(other);
}

function limitsOf(property: IDataObject): string {
	const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = property;
	const above = exclusiveMinimum === true ? minimum : exclusiveMinimum;
	const below = exclusiveMaximum === true ? maximum : exclusiveMaximum;
	const whole = [property.type].flat().includes('integer') ? ['whole number'] : [];
	const from =
		typeof above === 'number'
			? `above ${above}`
			: typeof minimum === 'number'
				? `from ${minimum}`
				: '';
	const to =
		typeof below === 'number'
			? `below ${below}`
			: typeof maximum === 'number'
				? `to ${maximum}`
				: '';
	return [...whole, [from, to].filter(Boolean).join(' ')].filter(Boolean).join(', ');
}
