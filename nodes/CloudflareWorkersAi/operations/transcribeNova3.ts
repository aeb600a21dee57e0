import { updateDisplayOptions, type INodeExecutionData, type INodeProperties } from 'n8n-workflow';

import { audioSource } from '../../shared/audio/source';
import {
	audioInputFields,
	concurrencyOption,
	isSimplified,
	simplifyField,
	subtitleOptions,
	timeoutOption,
} from '../../shared/fields';
import { optionsOf, type FieldValues } from '../../shared/fieldValues';
import type { Item } from '../../shared/item';
import { LongRecordingOptions } from '../../shared/longRecordings/fields';
import { optionsCollection } from '../../shared/options';
import { subtitleRequest } from '../../shared/transcript/subtitleBinary';
import type { Transcript } from '../../shared/transcript/transcript';
import { transcribeFile } from '../fileTranscription';
import { keytermsOf, keytermsOption } from '../keyterms';
import { NOVA3_MODEL, toTranscript } from '../nova3/transcript';

const detectLanguageOption: INodeProperties = {
	displayName: 'Detect Language',
	name: 'detectLanguage',
	type: 'boolean',
	default: false,
	description:
		"Whether to find out which language is spoken. Without it and without 'Language', Cloudflare takes the audio for English.",
};

const diarizeOption: INodeProperties = {
	displayName: 'Diarize',
	name: 'diarize',
	type: 'boolean',
	default: false,
	description: 'Whether to tell speakers apart',
};

const punctuateOption: INodeProperties = {
	displayName: 'Punctuate',
	name: 'punctuate',
	type: 'boolean',
	default: false,
	description: 'Whether to set punctuation and capitals',
};

const smartFormatOption: INodeProperties = {
	displayName: 'Smart Format',
	name: 'smartFormat',
	type: 'boolean',
	default: false,
	description: 'Whether to write dates, amounts and the like in their usual form',
};

const utterancesOption: INodeProperties = {
	displayName: 'Utterances',
	name: 'utterances',
	type: 'boolean',
	default: false,
	description: 'Whether to divide the text into utterances with times',
};

const languageOption: INodeProperties = {
	displayName: 'Language',
	name: 'language',
	type: 'string',
	default: '',
	placeholder: 'e.g. en',
	description:
		"The language that is spoken, as a BCP-47 tag. English where it is left out: for any other language set it, or turn on 'Detect Language'.",
};

/** Cloudflare documents no limit, so nothing is cut unless the user wants it. */
const longRecordings = new LongRecordingOptions('send');

const fields: INodeProperties[] = [
	...audioInputFields,
	simplifyField,
	optionsCollection([
		concurrencyOption,
		detectLanguageOption,
		diarizeOption,
		keytermsOption,
		languageOption,
		...longRecordings.options,
		punctuateOption,
		smartFormatOption,
		...subtitleOptions,
		timeoutOption,
		utterancesOption,
	]),
];

/** The fields of the operation, in the order the editor shows them. */
export const description: INodeProperties[] = updateDisplayOptions(
	{ show: { resource: ['audio'], operation: ['transcribeNova3'] } },
	fields,
);

/** The mean confidence of words, 0 to 1, below which they may well be of another language. */
const LEAST_CONFIDENCE = 0.6;

/** Switches that are sent where the user set them, by the service's names. */
const SWITCHES: ReadonlyArray<[name: string, option: INodeProperties]> = [
	['detect_language', detectLanguageOption],
	['diarize', diarizeOption],
	['punctuate', punctuateOption],
	['smart_format', smartFormatOption],
	['utterances', utterancesOption],
];

/**
 * Transcribes one item's audio file, of any format; on request in parts where it is long.
 *
 * POST of the file itself: https://developers.cloudflare.com/workers-ai/models/nova-3/
 *
 * @returns one item: the common transcript, or with 'Simplify' off Cloudflare's `result`; for an AI
 * agent `{ text }`
 * @throws NodeOperationError for parameters or files that cannot be sent; NodeApiError for what
 * Cloudflare answers
 */
export async function execute(item: Item): Promise<INodeExecutionData[]> {
	const options = optionsOf(item);
	const query = queryOf(item, options);
	return await transcribeFile(item, {
		model: NOVA3_MODEL,
		source: audioSource(item),
		query,
		limits: longRecordings.limitsOf(options),
		timeoutSeconds: options.number(timeoutOption),
		simplify: isSimplified(item),
		subtitles: subtitleRequest(options),
		toTranscript,
		doubtOf: (transcript) => (isEnglishByDefault(query) ? doubtOfEnglish(transcript) : undefined),
	});
}

/** Nova-3 listens for English where it is told nothing else. */
function isEnglishByDefault(query: URLSearchParams): boolean {
	return !query.has('language') && query.get('detect_language') !== 'true';
}

function doubtOfEnglish({ text, words = [] }: Transcript): string | undefined {
	const confidences = words.flatMap(({ confidence }) => confidence ?? []);
	const sum = confidences.reduce((total, confidence) => total + confidence, 0);
	const isSure = text !== '' && sum >= LEAST_CONFIDENCE * confidences.length;
	return isSure
		? undefined
		: "Cloudflare took the recording for English and understood little or nothing. If another language is spoken, set 'Language' or turn on 'Detect Language'.";
}

function queryOf(item: Item, options: FieldValues): URLSearchParams {
	const query = new URLSearchParams();
	const language = options.textIfSet(languageOption);
	if (language !== undefined) query.append('language', language);
	for (const [name, option] of SWITCHES) {
		const isOn = options.switchIfSet(option);
		if (isOn !== undefined) query.append(name, String(isOn));
	}
	for (const keyterm of keytermsOf(item, options)) query.append('keyterm', keyterm);
	return query;
}
