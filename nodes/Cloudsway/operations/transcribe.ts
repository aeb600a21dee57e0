import {
	NodeApiError,
	NodeOperationError,
	updateDisplayOptions,
	type INodeExecutionData,
	type INodeProperties,
} from 'n8n-workflow';

import { isObject, messageIn, type Answer } from '../../shared/http/answer';
import { AUDIO_BODY, audioSource } from '../../shared/audio/source';
import {
	audioInputFields,
	concurrencyOption,
	simplifyField,
	subtitleOptions,
	timeoutOption,
} from '../../shared/fields';
import { inputError, isToolRun, type Item } from '../../shared/item';
import { LiveText } from '../../shared/liveText';
import type { Mask } from '../../shared/http/secrets';
import { subtitleBinary } from '../../shared/transcript/subtitleBinary';
import { transcriptJson } from '../../shared/transcript/transcript';
import { escapeHtml, sentence } from '../../shared/text';
import { callService } from '../../shared/http/transport';
import { AUDIO_EXTENSIONS } from '../audioFile';
import { readEventStream, UnfinishedStream } from '../eventStream';
import { transcriptionForm } from '../form';
import { FORMATS_WITH_TIMES, readRequest, type TranscriptionRequest } from '../request';
import { CLOUDSWAY, MODEL_RULES, type Model, type ModelRules } from '../service';
import { toTranscript, type TranscriptionAnswer } from '../transcript';

function modelsThat(take: (rules: ModelRules) => boolean): Model[] {
	const models = Object.keys(MODEL_RULES) as Array<keyof typeof MODEL_RULES>;
	return [...models.filter((model) => take(MODEL_RULES[model])), 'other'];
}

function modelsAnswering(...formats: ModelRules['responseFormats']): Model[] {
	return modelsThat(({ responseFormats }) =>
		responseFormats.some((format) => formats.includes(format)),
	);
}

const fields: INodeProperties[] = [
	{
		displayName: 'Endpoint Path',
		name: 'endpointPath',
		type: 'string',
		required: true,
		default: '',
		placeholder: 'e.g. RkBOAlaWzKcubSji',
		description:
			'The endpoint path from the Cloudsway console. It selects the model that transcribes.',
	},
	{
		displayName: 'Model',
		name: 'model',
		type: 'options',
		options: [
			{ name: 'MaaS 4o Mini Transcribe', value: 'MaaS_GP_4o_mini_transcribe' },
			{ name: 'MaaS 4o Transcribe', value: 'MaaS_GP_4o_transcribe' },
			{ name: 'MaaS 4o Transcribe Diarize', value: 'MaaS_GP_4o_transcribe_diarize' },
			{ name: 'Other', value: 'other', description: 'Shows and allows every field' },
			{ name: 'Whisper', value: 'whisper-1' },
		],
		default: 'MaaS_GP_4o_mini_transcribe',
		description:
			'The model behind the endpoint path. It is not sent; it decides which fields are shown and allowed.',
	},
	...audioInputFields,
	{
		displayName: 'Response Format',
		name: 'responseFormat',
		type: 'options',
		options: [
			{
				name: 'Diarized JSON',
				value: 'diarized_json',
				description: 'Text in segments with speakers and times',
				displayOptions: { show: { model: modelsAnswering('diarized_json') } },
			},
			{
				name: 'JSON',
				value: 'json',
				description: 'Text, without times',
			},
			{
				name: 'SRT',
				value: 'srt',
				description: 'Subtitles in the SubRip format',
				displayOptions: { show: { model: modelsAnswering('srt') } },
			},
			{
				name: 'Text',
				value: 'text',
				description: 'Text alone',
				displayOptions: { show: { model: modelsAnswering('text') } },
			},
			{
				name: 'Verbose JSON',
				value: 'verbose_json',
				description: 'Text with language, duration and the times of segments or words',
				displayOptions: { show: { model: modelsAnswering('verbose_json') } },
			},
			{
				name: 'WebVTT',
				value: 'vtt',
				description: 'Subtitles in the WebVTT format',
				displayOptions: { show: { model: modelsAnswering('vtt') } },
			},
		],
		default: 'json',
		description: 'The form of the answer. Which ones there are depends on the model.',
	},
	simplifyField,
	{
		displayName: 'Options',
		name: 'options',
		type: 'collection',
		placeholder: 'Add option',
		default: {},
		options: [
			{
				displayName: 'Chunking Strategy',
				name: 'chunkingStrategy',
				type: 'options',
				options: [
					{ name: 'None', value: 'none', description: 'Transcribe the audio as a single block' },
					{
						name: 'Auto',
						value: 'auto',
						description: 'Normalise loudness and cut where nobody speaks',
					},
					{
						name: 'Server VAD',
						value: 'serverVad',
						description: 'Cut where nobody speaks, as the fields below say',
					},
				],
				default: 'none',
				description:
					'How the audio is cut into chunks. The diarize model needs one for audio longer than 30 seconds.',
				displayOptions: { hide: { '/model': ['whisper-1'] } },
			},
			concurrencyOption,
			{
				displayName: 'File Name',
				name: 'fileName',
				type: 'string',
				default: '',
				placeholder: 'e.g. meeting.ogg',
				description: `The name to send the file with, where its own name or type is wrong or missing. Ends in one of: ${AUDIO_EXTENSIONS.join(', ')}.`,
			},
			{
				displayName: 'Include',
				name: 'include',
				type: 'multiOptions',
				options: [
					{
						name: 'Log Probabilities',
						value: 'logprobs',
						description: 'How sure the model is of each token',
					},
				],
				default: [],
				description: 'What to have in the answer besides the text',
				displayOptions: { show: { '/model': modelsThat(({ logprobs }) => logprobs) } },
			},
			{
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
						values: [
							{
								displayName: 'Name',
								name: 'name',
								type: 'string',
								required: true,
								default: '',
								placeholder: 'e.g. agent',
								description: 'How the speaker is called in the transcript',
							},
							{
								displayName: 'Reference Type',
								name: 'referenceType',
								type: 'options',
								options: [
									{ name: 'Binary Field', value: 'binary' },
									{ name: 'Data URL', value: 'dataUrl' },
								],
								default: 'binary',
								description: 'Where the sample comes from',
							},
							{
								displayName: 'Reference',
								name: 'reference',
								type: 'string',
								required: true,
								default: '',
								description:
									'The name of the binary field that holds the sample, or the sample as a data URL',
							},
						],
					},
				],
				displayOptions: { show: { '/model': modelsThat(({ knownSpeakers }) => knownSpeakers) } },
			},
			{
				displayName: 'Language',
				name: 'language',
				type: 'string',
				default: '',
				placeholder: 'e.g. en',
				description:
					'The language of the audio as an ISO-639-1 code of two letters. Detected where it is left out.',
			},
			{
				displayName: 'Prompt',
				name: 'prompt',
				type: 'string',
				typeOptions: { rows: 2 },
				default: '',
				description:
					'Text in the language of the audio that guides the style or goes before this audio',
				displayOptions: { show: { '/model': modelsThat(({ prompt }) => prompt) } },
			},
			{
				displayName: 'Stream',
				name: 'stream',
				type: 'boolean',
				default: false,
				description:
					'Whether to have the text sent as it is transcribed. Where the workflow answers in a stream, the pieces go out at once.',
				displayOptions: { hide: { '/model': ['whisper-1'] } },
			},
			...subtitleOptions.map((option) => ({
				...option,
				displayOptions: {
					show: {
						...option.displayOptions?.show,
						'/model': modelsAnswering('verbose_json', 'srt', 'vtt', 'diarized_json'),
					},
				},
			})),
			{
				displayName: 'Temperature',
				name: 'temperature',
				type: 'number',
				typeOptions: { minValue: 0, maxValue: 1, numberPrecision: 2 },
				default: 0,
				description: 'How freely the model chooses its words: 0 is the most exact',
			},
			timeoutOption,
			{
				displayName: 'Timestamp Granularities',
				name: 'timestampGranularities',
				type: 'multiOptions',
				options: [
					{ name: 'Segment', value: 'segment' },
					{ name: 'Word', value: 'word', description: 'Takes the service a little longer' },
				],
				default: ['segment'],
				description: 'What to give times for, with the response format Verbose JSON',
				displayOptions: { show: { '/model': modelsAnswering('verbose_json') } },
			},
			{
				displayName: 'VAD Prefix Padding',
				name: 'vadPrefixPaddingMs',
				type: 'number',
				typeOptions: { minValue: 0, numberPrecision: 0 },
				default: 300,
				description: 'How many milliseconds before detected speech to keep',
				displayOptions: { show: { chunkingStrategy: ['serverVad'] } },
			},
			{
				displayName: 'VAD Silence Duration',
				name: 'vadSilenceDurationMs',
				type: 'number',
				typeOptions: { minValue: 0, numberPrecision: 0 },
				default: 200,
				description: 'How many milliseconds of silence end a chunk',
				displayOptions: { show: { chunkingStrategy: ['serverVad'] } },
			},
			{
				displayName: 'VAD Threshold',
				name: 'vadThreshold',
				type: 'number',
				typeOptions: { minValue: 0, maxValue: 1, numberPrecision: 2 },
				default: 0.5,
				description: 'How sure the detection must be of speech: higher suits noisy audio',
				displayOptions: { show: { chunkingStrategy: ['serverVad'] } },
			},
		],
	},
];

/** The fields of the operation, in the order the editor shows them. */
export const description: INodeProperties[] = updateDisplayOptions(
	{ show: { resource: ['audio'], operation: ['transcribe'] } },
	fields,
);

/**
 * Transcribes one item's audio file.
 *
 * POST `/v1/ai/{endpointPath}/audio/transcriptions`, multipart:
 * https://docs.cloudsway.net/maasapi/api-reference/asr/4omini-transcribe
 *
 * @returns one item: the common transcript, or with 'Simplify' off the service's answer (`{ text }`
 * for text, srt and vtt); for an AI agent `{ text }`
 * @throws NodeOperationError for parameters or files the service would refuse, before it is called;
 * NodeApiError for what the service answers
 */
export async function execute(item: Item): Promise<INodeExecutionData[]> {
	const { context } = item;
	const request = await readRequest(item);
	const { answer, requestId } = await transcribe(item, request);
	const transcript = toTranscript(answer, { ...request, requestId });
	const { subtitles } = request;
	const binary =
		subtitles && (await subtitleBinary(item, transcript, subtitles, FORMATS_WITH_TIMES));
	const raw = typeof answer === 'string' ? { text: answer } : answer;
	const json = isToolRun(context)
		? { text: transcript.text }
		: request.simplify
			? transcriptJson(transcript)
			: raw;
	return [{ json, ...(binary && { binary }) }];
}

interface Transcribed {
	answer: TranscriptionAnswer;
	requestId?: string;
}

async function transcribe(item: Item, request: TranscriptionRequest): Promise<Transcribed> {
	const progress = new Progress(item);
	try {
		return await callService(
			item,
			CLOUDSWAY,
			{
				method: 'POST',
				path: `/v1/ai/${request.endpointPath}/audio/transcriptions`,
				body: transcriptionForm(item, audioSource(item), request.fields, request.fileName),
				bodyWords: AUDIO_BODY,
				timeoutSeconds: request.timeoutSeconds,
			},
			async (answer) => ({
				answer: await readAnswer(item, request, answer, progress),
				requestId: answer.header('x-request-id'),
			}),
		);
	} catch (error) {
		throw await progress.failed(error as Error);
	}
}

async function readAnswer(
	item: Item,
	{ responseFormat, stream }: TranscriptionRequest,
	answer: Answer,
	progress: Progress,
): Promise<TranscriptionAnswer> {
	if (answer.contentType === 'text/event-stream') {
		return await progress.follow(answer.chunks(), answer.mask);
	}
	const { text, json } = await answer.content();
	if (stream && /^\ufeff?(data|event|id|retry)?:/.test(text)) {
		return await progress.follow(onePiece(text), answer.mask);
	}
	const isPage = answer.contentType === 'text/html' || /^\s*<(!doctype|html)/i.test(text);
	if (!isPage && isObject(json) && typeof json.text === 'string') return json;
	const isTextFormat = ['text', 'srt', 'vtt'].includes(responseFormat);
	if (!isPage && isTextFormat && !isObject(json)) return text;
	const said = messageIn(text);
	throw inputError(
		item,
		"Cloudsway's answer holds no transcript",
		`${said ? `It says: ${sentence(escapeHtml(said))} ` : ''}Check 'Base URL' in the credential and 'Endpoint Path'.`,
	);
}

async function* onePiece(text: string): AsyncGenerator<Uint8Array> {
	yield await Promise.resolve(Buffer.from(text));
}

/** A streamed transcription under way: passes the pieces on, and keeps the text for an error. */
class Progress {
	private text = '';

	private readonly live: LiveText;

	constructor(private readonly item: Item) {
		this.live = new LiveText(item);
	}

	async follow(pieces: AsyncIterable<Uint8Array>, mask: Mask): Promise<TranscriptionAnswer> {
		const { context, itemIndex } = this.item;
		this.live.begin();
		const done = await readEventStream(pieces, mask, (piece) => {
			this.text += piece;
			this.live.add(piece);
		}).catch((error: Error) => {
			if (!(error instanceof UnfinishedStream)) throw error;
			const { said } = error;
			throw new NodeApiError(
				context.getNode(),
				{ message: error.message },
				{
					message: 'Cloudsway broke off the transcription',
					description: said
						? `Cloudsway says: ${sentence(escapeHtml(said))} Run the item again.`
						: 'The stream ended before the transcription was done. Run the item again.',
					itemIndex,
				},
			);
		});
		await this.live.end();
		return done;
	}

	/** The error with the text received so far in its description, so that none of it is lost. */
	async failed(cause: Error): Promise<NodeApiError | NodeOperationError> {
		const { context, itemIndex } = this.item;
		const error =
			cause instanceof NodeApiError
				? cause
				: new NodeOperationError(context.getNode(), cause, { itemIndex });
		if (this.text !== '') {
			error.description = `${error.description ?? ''} Received until then: ${escapeHtml(this.text)}`;
		}
		await this.live.fail(error.message);
		return error;
	}
}
