import { Refusal, type ReceivedForm } from './form.ts';
import { heardIn } from './hearing.ts';

export const MODELS = [
	'MaaS_GP_4o_mini_transcribe',
	'MaaS_GP_4o_transcribe',
	'MaaS_GP_4o_transcribe_diarize',
	'whisper-1',
] as const;

export type Model = (typeof MODELS)[number];

export type ResponseFormat = 'json' | 'text' | 'srt' | 'verbose_json' | 'vtt' | 'diarized_json';

const FORMATS: Readonly<Record<Model, readonly string[]>> = {
	MaaS_GP_4o_mini_transcribe: ['json'],
	MaaS_GP_4o_transcribe: ['json'],
	MaaS_GP_4o_transcribe_diarize: ['json', 'text', 'diarized_json'],
	'whisper-1': ['json', 'text', 'srt', 'verbose_json', 'vtt'],
};

export interface KnownSpeaker {
	name: string;
	/** Root mean square of the sample's words; none where none are heard in it. */
	level?: number;
}

export interface Parameters {
	responseFormat: ResponseFormat;
	stream: boolean;
	logprobs: boolean;
	words: boolean;
	segments: boolean;
	language?: string;
	speakers: KnownSpeaker[];
	/** Whether the audio is to be cut into chunks. */
	isChunked: boolean;
}

/**
 * The form's fields, as strictly as the service's documentation has them.
 * @throws Refusal for unknown names, wrong values and combinations the model does not take
 */
export async function readParameters({ fields }: ReceivedForm, model: Model): Promise<Parameters> {
	const rest = [...fields];
	const all = (name: string) => {
		const values: string[] = [];
		for (let index = rest.length - 1; index >= 0; index--) {
			if (rest[index]?.[0] === name) values.unshift(rest.splice(index, 1)[0]?.[1] ?? '');
		}
		return values;
	};
	const one = (name: string) => {
		const values = all(name);
		if (values.length > 1) throw new Refusal(400, `${name} is given more than once`);
		return values[0];
	};
	const refuse = (isWrong: boolean, message: string) => {
		if (isWrong) throw new Refusal(400, message);
	};

	const format = one('response_format') ?? 'json';
	refuse(
		!FORMATS[model].includes(format),
		`response_format '${format}' is not compatible with model '${model}'. Use ${FORMATS[model].join(', ')} instead`,
	);
	const stream = one('stream') ?? 'false';
	refuse(!['true', 'false'].includes(stream), `stream must be true or false, not '${stream}'`);
	const temperature = one('temperature');
	refuse(
		temperature !== undefined && !isShare(temperature),
		`temperature must be between 0 and 1, not '${temperature}'`,
	);
	const language = one('language');
	refuse(
		language !== undefined && !/^[a-z]{2}$/.test(language),
		`language '${language}' is not ISO-639-1`,
	);
	const isDiarize = model === 'MaaS_GP_4o_transcribe_diarize';
	refuse(one('prompt') !== undefined && isDiarize, `prompt is not supported by '${model}'`);

	const include = all('include[]');
	refuse(
		include.some((value) => value !== 'logprobs'),
		`include takes logprobs, not '${include.join(', ')}'`,
	);
	refuse(
		include.length > 0 && (format !== 'json' || isDiarize || model === 'whisper-1'),
		`include is not supported by '${model}' with response_format '${format}'`,
	);
	const granularities = all('timestamp_granularities[]');
	refuse(
		granularities.some((value) => value !== 'word' && value !== 'segment'),
		`timestamp_granularities takes word and segment, not '${granularities.join(', ')}'`,
	);
	refuse(
		granularities.length > 0 && format !== 'verbose_json',
		'timestamp_granularities needs response_format verbose_json',
	);
	const speakers = await knownSpeakers(
		all('known_speaker_names[]'),
		all('known_speaker_references[]'),
	);
	refuse(speakers.length > 0 && !isDiarize, `known speakers are not supported by '${model}'`);
	const isChunked = readChunking(one);

	const [unknown] = rest;
	refuse(unknown !== undefined, `Unknown parameter '${unknown?.[0]}'`);
	return {
		responseFormat: format as ResponseFormat,
		stream: stream === 'true' && model !== 'whisper-1',
		logprobs: include.includes('logprobs'),
		words: granularities.includes('word'),
		segments: granularities.length === 0 || granularities.includes('segment'),
		language,
		speakers,
		isChunked,
	};
}

const isShare = (text: string) => /^\d*\.?\d+$/.test(text) && Number(text) <= 1;
const isCount = (text: string) => /^\d+$/.test(text);

const VAD_FIELDS: Readonly<Record<string, (value: string) => boolean>> = {
	threshold: isShare,
	prefix_padding_ms: isCount,
	silence_duration_ms: isCount,
};

function readChunking(one: (name: string) => string | undefined): boolean {
	const strategy = one('chunking_strategy');
	const type = one('chunking_strategy[type]');
	const vad = Object.entries(VAD_FIELDS).map(([name, isRight]) => ({
		name,
		isRight,
		value: one(`chunking_strategy[${name}]`),
	}));
	if (strategy !== undefined && strategy !== 'auto') {
		throw new Refusal(400, `chunking_strategy '${strategy}' is not known`);
	}
	if (type !== undefined && (type !== 'server_vad' || strategy !== undefined)) {
		throw new Refusal(400, `chunking_strategy[type] '${type}' is not known`);
	}
	for (const { name, isRight, value } of vad) {
		if (value !== undefined && (type === undefined || !isRight(value))) {
			throw new Refusal(400, `chunking_strategy[${name}] '${value}' is not valid`);
		}
	}
	return strategy !== undefined || type !== undefined;
}

async function knownSpeakers(names: string[], references: string[]): Promise<KnownSpeaker[]> {
	if (names.length !== references.length) {
		throw new Refusal(400, 'known_speaker_names and known_speaker_references differ in length');
	}
	if (names.length > 4) throw new Refusal(400, 'At most 4 known speakers are supported');
	const speakers: KnownSpeaker[] = [];
	for (const [index, name] of names.entries()) {
		if (!name) throw new Refusal(400, 'known_speaker_names must not be empty');
		const match = DATA_URL.exec(references[index] ?? '');
		if (!match?.[1]) throw new Refusal(400, 'known_speaker_references must be data URLs of audio');
		speakers.push({ name, level: await levelOf(Buffer.from(match[1], 'base64')) });
	}
	return speakers;
}

const DATA_URL = /^data:(?:audio|video)\/[\w.+-]+;base64,([A-Za-z0-9+/]+={0,2})$/;

async function levelOf(sample: Buffer): Promise<number | undefined> {
	const heard = await heardIn(sample);
	if (!heard) return undefined;
	const { duration, channels } = heard;
	if (duration < 2 || duration > 10) {
		throw new Refusal(400, 'A known speaker reference must be 2 to 10 seconds long');
	}
	const words = channels.flat();
	const sum = words.reduce((total, { level }) => total + level, 0);
	return words.length > 0 ? sum / words.length : undefined;
}
