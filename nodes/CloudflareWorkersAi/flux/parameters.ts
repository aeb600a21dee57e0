import type { IDataObject, INodeProperties } from 'n8n-workflow';

import { optionsOf, parametersOf, type FieldValues } from '../../shared/fieldValues';
import { inputError, type Item } from '../../shared/item';
import { keytermsOf, keytermsOption } from '../keyterms';

const MAX_TAGS = 5;
const MAX_TAG_LENGTH = 50;

/** What both Flux operations send, checked; what the user did not set is absent. */
export interface FluxParameters {
	encoding: 'linear16';
	/** In Hz. */
	sampleRate: number;
	eotThreshold?: number;
	eagerEotThreshold?: number;
	eotTimeoutMs?: number;
	mipOptOut?: boolean;
	tag?: string;
	keyterms: string[];
	/** Joined by commas. */
	tags?: string;
}

/**
 * The Flux parameters of an item.
 * @throws NodeOperationError naming the parameter that is out of range or has a wrong form
 */
export function readFluxParameters(item: Item): FluxParameters {
	const options = optionsOf(item);
	const eotTimeoutMs = options.numberIfSet(eotTimeoutOption);
	const mipOptOut = options.switchIfSet(mipOptOutOption);
	const tag = options.textIfSet(tagOption);
	return {
		encoding: encodingOf(item),
		sampleRate: parametersOf(item).number(sampleRateField),
		...thresholdsOf(item, options),
		...(eotTimeoutMs !== undefined && { eotTimeoutMs }),
		...(mipOptOut !== undefined && { mipOptOut }),
		...(tag !== undefined && { tag }),
		keyterms: keytermsOf(item, options),
		...tagsOf(item, options),
	};
}

/** Flux's own fields in the service's spelling; every value is text, as the service wants it. */
function fieldsOf(parameters: FluxParameters): Record<string, string> {
	const { encoding, sampleRate, eotThreshold, eagerEotThreshold, eotTimeoutMs, mipOptOut, tag } =
		parameters;
	const values = {
		encoding,
		sample_rate: sampleRate,
		eot_threshold: eotThreshold,
		eager_eot_threshold: eagerEotThreshold,
		eot_timeout_ms: eotTimeoutMs,
		mip_opt_out: mipOptOut,
		tag,
	};
	return Object.fromEntries(
		Object.entries(values).flatMap(([name, value]) =>
			value === undefined ? [] : [[name, String(value)]],
		),
	);
}

/** The query string of the WebSocket, for audio of `sampleRate` samples a second. */
export function socketQuery(parameters: FluxParameters, sampleRate: number): URLSearchParams {
	const { keyterms, tags } = parameters;
	const query = new URLSearchParams(fieldsOf({ ...parameters, sampleRate }));
	for (const keyterm of keyterms) query.append('keyterm', keyterm);
	if (tags !== undefined) query.append('tags', tags);
	return query;
}

/**
 * Body and query string of the documented POST. One key term goes into the body; several go into the
 * query string, since a body has room for one only and its reference asks for query parameters.
 */
export function runRequest(
	parameters: FluxParameters,
	{ queueRequest, additionalBody }: { queueRequest?: boolean; additionalBody?: IDataObject },
): { body: IDataObject; query: URLSearchParams } {
	const { keyterms, tags } = parameters;
	const [keyterm] = keyterms;
	const isSingle = keyterms.length === 1;
	const query = new URLSearchParams();
	if (!isSingle) for (const term of keyterms) query.append('keyterm', term);
	if (tags !== undefined) query.append('tags', tags);
	if (queueRequest !== undefined) query.append('queueRequest', String(queueRequest));
	const body = { ...fieldsOf(parameters), ...(isSingle && { keyterm }), ...additionalBody };
	return { body, query };
}

function encodingOf(item: Item): 'linear16' {
	const encoding = item.context.getNodeParameter('encoding', item.itemIndex, 'linear16');
	if (encoding === 'linear16') return encoding;
	throw inputError(
		item,
		`'Encoding' ${JSON.stringify(encoding)} is not known to Flux`,
		'Set it to linear16: raw 16-bit samples are all that Cloudflare takes.',
	);
}

function thresholdsOf(
	item: Item,
	options: FieldValues,
): Pick<FluxParameters, 'eotThreshold' | 'eagerEotThreshold'> {
	const threshold = options.numberIfSet(eotThresholdOption);
	const eager = options.numberIfSet(eagerEotThresholdOption);
	const limit = options.number(eotThresholdOption);
	if (eager !== undefined && eager > limit) {
		const origin = threshold === undefined ? 'by default' : 'set';
		throw inputError(
			item,
			`'Eager End of Turn Threshold' (${eager}) is above 'End of Turn Threshold' (${limit} ${origin})`,
			"Lower 'Eager End of Turn Threshold', or raise 'End of Turn Threshold': an eager end of turn must come first.",
		);
	}
	return {
		...(threshold !== undefined && { eotThreshold: threshold }),
		...(eager !== undefined && { eagerEotThreshold: eager }),
	};
}

/** The rules are those of `AiOptions.tags` in Cloudflare's published types (workers-types). */
function tagsOf(item: Item, options: FieldValues): { tags?: string } {
	const tags = options.list(tagsOption);
	if (tags.length === 0) return {};
	if (tags.length > MAX_TAGS) {
		throw inputError(
			item,
			`'Tags' takes at most ${MAX_TAGS} tags, but has ${tags.length}`,
			'Remove tags until five are left.',
		);
	}
	const wrong = tags.find(
		(tag) => tag.length > MAX_TAG_LENGTH || !/^[A-Za-z0-9:\-./@]+$/.test(tag),
	);
	if (wrong !== undefined) {
		throw inputError(
			item,
			`A tag of 'Tags' has a form that Cloudflare does not take: '${wrong.slice(0, MAX_TAG_LENGTH)}'`,
			`A tag has at most ${MAX_TAG_LENGTH} characters: letters, digits and : - . / @`,
		);
	}
	return { tags: tags.join(',') };
}

export const encodingField: INodeProperties = {
	displayName: 'Encoding',
	name: 'encoding',
	type: 'options',
	options: [
		{
			name: 'Linear16',
			value: 'linear16',
			description: 'Raw 16-bit samples, signed, little-endian',
		},
	],
	default: 'linear16',
	description: 'How the audio is encoded. Cloudflare takes one encoding only.',
};

export const sampleRateField: INodeProperties = {
	displayName: 'Sample Rate',
	name: 'sampleRate',
	type: 'number',
	typeOptions: { minValue: 1000, maxValue: 384000, numberPrecision: 0 },
	default: 16000,
	description:
		'Samples of the audio a second, in Hz. Flux documents 8000, 16000, 24000, 44100 and 48000.',
};

const eagerEotThresholdOption: INodeProperties = {
	displayName: 'Eager End of Turn Threshold',
	name: 'eagerEotThreshold',
	type: 'number',
	typeOptions: { minValue: 0.3, maxValue: 0.9, numberPrecision: 2 },
	default: 0.5,
	description:
		'How sure Flux must be of the end of a turn to announce it early, from 0.3 to 0.9 and not above End of Turn Threshold. Adds the events EagerEndOfTurn and TurnResumed.',
};

const eotThresholdOption: INodeProperties = {
	displayName: 'End of Turn Threshold',
	name: 'eotThreshold',
	type: 'number',
	typeOptions: { minValue: 0.5, maxValue: 0.9, numberPrecision: 2 },
	default: 0.7,
	description: 'How sure Flux must be that a turn has ended to finish it, from 0.5 to 0.9',
};

export const eotTimeoutOption: INodeProperties = {
	displayName: 'End of Turn Timeout',
	name: 'eotTimeoutMs',
	type: 'number',
	// What the model takes: https://developers.deepgram.com/docs/flux/configuration
	typeOptions: { minValue: 500, maxValue: 60000, numberPrecision: 0 },
	default: 5000,
	description:
		'After how many milliseconds of silence a turn is finished, however unsure Flux is of its end: 500 to 60000',
};

const mipOptOutOption: INodeProperties = {
	displayName: 'Opt Out of Model Improvement',
	name: 'mipOptOut',
	type: 'boolean',
	default: false,
	description:
		'Whether to keep the audio out of Deepgram\'s <a href="https://dpgr.am/deepgram-mip">Model Improvement Program</a>. This may change the price.',
};

const tagOption: INodeProperties = {
	displayName: 'Tag',
	name: 'tag',
	type: 'string',
	default: '',
	placeholder: 'e.g. support-calls',
	description: 'A label to find the request by in usage reports',
};

const tagsOption: INodeProperties = {
	displayName: 'Tags',
	name: 'tags',
	type: 'string',
	typeOptions: { multipleValues: true, multipleValueButtonText: 'Add Tag' },
	default: [],
	placeholder: 'e.g. team:support',
	description:
		'Labels to group requests by in the Cloudflare dashboard: at most 5, each of at most 50 characters (letters, digits and :-./@)',
};

/** Options of both Flux operations. */
export const fluxOptions: INodeProperties[] = [
	eagerEotThresholdOption,
	eotThresholdOption,
	eotTimeoutOption,
	keytermsOption,
	mipOptOutOption,
	tagOption,
	tagsOption,
];
