import type { Service } from '../shared/http/service';

/** Statuses: https://docs.cloudsway.net/maasapi/api-reference/errorcode */
export const CLOUDSWAY: Service = {
	displayName: 'Cloudsway',
	credentialType: 'cloudswayApi',
	secretFields: ['accessKey'],
	whereToLook: 'Look at the usage in the Cloudsway console',
	advice: (status) => ADVICE[status],
};

const ADVICE: Readonly<Record<number, string | undefined>> = {
	401: "Check 'Access Key' in the credential.",
	403: "Cloudsway blocks addresses that are not on its list: add this n8n's public IP address to the whitelist in the Cloudsway console.",
	404: "Check 'Endpoint Path': it is unknown, or belongs to a model of another type than transcription.",
	413: "Cloudsway takes files of up to 25 MB: set 'Long Recordings' to Split, or lower 'Part Megabytes'.",
	429: "Lower 'Concurrency' in the node's options, or wait.",
	503: 'Cloudsway is overloaded or under maintenance.',
};

/** The models behind endpoint paths; `other` for one that is not known here. */
export type Model =
	| 'MaaS_GP_4o_mini_transcribe'
	| 'MaaS_GP_4o_transcribe'
	| 'MaaS_GP_4o_transcribe_diarize'
	| 'whisper-1'
	| 'other';

export type ResponseFormat = 'json' | 'text' | 'srt' | 'verbose_json' | 'vtt' | 'diarized_json';

/** What a model takes; a parameter that is not listed for it is refused by the service. */
export interface ModelRules {
	responseFormats: readonly ResponseFormat[];
	prompt: boolean;
	logprobs: boolean;
	knownSpeakers: boolean;
	/** Whether it refuses recordings by their length too, reportedly above 1,400 s. */
	minutesCount: boolean;
}

/**
 * Response formats and log probabilities by model:
 * https://docs.cloudsway.net/maasapi/api-reference/asr/4omini-transcribe; known speakers and prompt:
 * https://docs.cloudsway.net/maasapi/api-reference/tts/4omini-transcribe/ and the reference of
 * OpenAI's transcription call, which Cloudsway's follows.
 */
export const MODEL_RULES: Readonly<Record<Exclude<Model, 'other'>, ModelRules>> = {
	MaaS_GP_4o_mini_transcribe: {
		responseFormats: ['json'],
		prompt: true,
		logprobs: true,
		knownSpeakers: false,
		minutesCount: true,
	},
	MaaS_GP_4o_transcribe: {
		responseFormats: ['json'],
		prompt: true,
		logprobs: true,
		knownSpeakers: false,
		minutesCount: true,
	},
	MaaS_GP_4o_transcribe_diarize: {
		responseFormats: ['json', 'text', 'diarized_json'],
		prompt: false,
		logprobs: false,
		knownSpeakers: true,
		minutesCount: true,
	},
	'whisper-1': {
		responseFormats: ['json', 'text', 'srt', 'verbose_json', 'vtt'],
		prompt: true,
		logprobs: false,
		knownSpeakers: false,
		minutesCount: false,
	},
};

export const KNOWN_MODELS = Object.keys(MODEL_RULES) as Array<keyof typeof MODEL_RULES>;

/** The models that take something, as a field's display options want them. */
export function modelsThat(take: (rules: ModelRules) => boolean): Model[] {
	return [...KNOWN_MODELS.filter((model) => take(MODEL_RULES[model])), 'other'];
}

/** The models that answer in one of these formats. */
export function modelsAnswering(...formats: ModelRules['responseFormats']): Model[] {
	return modelsThat(({ responseFormats }) =>
		responseFormats.some((format) => formats.includes(format)),
	);
}
