import {
	NodeApiError,
	NodeOperationError,
	updateDisplayOptions,
	type INodeExecutionData,
	type INodeProperties,
} from 'n8n-workflow';

import { AUDIO_BODY, audioSource } from '../../shared/audio/source';
import { isObject, messageIn, type Answer } from '../../shared/http/answer';
import type { Mask } from '../../shared/http/secrets';
import { callService } from '../../shared/http/transport';
import { inputError, isToolRun, type Item } from '../../shared/item';
import type { FileAnswer } from '../../shared/longRecordings/fileAnswer';
import { LiveText } from '../../shared/liveText';
import { escapeHtml, sentence } from '../../shared/text';
import {
	transcribeRecording,
	type FileToTranscribe,
} from '../../shared/longRecordings/transcribeRecording';
import { subtitleBinary } from '../../shared/transcript/subtitleBinary';
import { transcriptJson } from '../../shared/transcript/transcript';
import { CLOUDSWAY } from '../service';
import { readEventStream, UnfinishedStream } from './eventStream';
import { isOtherMedia, sentNameOf, transcriptionForm } from './form';
import { MAX_KNOWN_SPEAKERS, speakerNamesIn, voiceFields } from './knownSpeakers';
import { fields, FORMATS_WITH_TIMES, readRequest, type TranscriptionRequest } from './request';
import { toTranscript, type TranscriptionAnswer } from './transcript';

/** The fields of the operation, in the order the editor shows them. */
export const description: INodeProperties[] = updateDisplayOptions(
	{ show: { resource: ['audio'], operation: ['transcribe'] } },
	fields,
);

/**
 * Transcribes one item's audio file, in parts where it is above a limit.
 *
 * POST `/v1/ai/{endpointPath}/audio/transcriptions`, multipart:
 * https://docs.cloudsway.net/maasapi/api-reference/asr/4omini-transcribe
 *
 * @returns one item: the common transcript, or with 'Simplify' off the service's answer (`{ text }`
 * for text, srt and vtt; `{ parts }` of a recording in parts); for an AI agent `{ text }`
 * @throws NodeOperationError for parameters or files the service would refuse, before it is called;
 * NodeApiError for what the service answers
 */
export async function execute(item: Item): Promise<INodeExecutionData[]> {
	const request = await readRequest(item);
	const { json, transcript } = await transcribe(item, request);
	if (isToolRun(item.context)) return [{ json: { text: transcript?.text } }];
	const { subtitles, simplify } = request;
	const binary =
		transcript &&
		subtitles &&
		(await subtitleBinary(item, transcript, subtitles, FORMATS_WITH_TIMES));
	return [
		{ json: transcript && simplify ? transcriptJson(transcript) : json, ...(binary && { binary }) },
	];
}

async function transcribe(item: Item, request: TranscriptionRequest): Promise<FileAnswer> {
	const live = new LiveText(item);
	const { fileName, limits, responseFormat, timeoutSeconds } = request;
	const answer = await transcribeRecording(item, {
		source: audioSource(item),
		limits,
		timeoutSeconds,
		mostVoices: responseFormat === 'diarized_json' ? MAX_KNOWN_SPEAKERS : 0,
		introduced: speakerNamesIn(request.formFields),
		isTaken: (audio) => sentNameOf(audio, fileName) !== undefined || !isOtherMedia(audio),
		onText: (piece) => live.add(piece),
		transcribeFile: (file) => transcribeFile(item, request, file, live),
	}).catch(async (error: Error) => {
		await live.fail(error.message);
		throw error;
	});
	await live.endWith(answer.transcript?.text ?? '');
	return answer;
}

async function transcribeFile(
	item: Item,
	request: TranscriptionRequest,
	{ source, isPart, voices, onText }: FileToTranscribe,
	live: LiveText,
): Promise<FileAnswer> {
	const { endpointPath, fileName, formFields, timeoutSeconds } = request;
	const fields = [...formFields, ...voiceFields(voices)];
	const progress = new Progress(item, live, onText);
	try {
		return await callService(
			item,
			CLOUDSWAY,
			{
				method: 'POST',
				path: `/v1/ai/${endpointPath}/audio/transcriptions`,
				body: transcriptionForm(item, source, fields, isPart ? undefined : fileName),
				bodyWords: AUDIO_BODY,
				timeoutSeconds,
			},
			async (head) => {
				const answer = await readAnswer(item, request, head, progress);
				const requestId = head.header('x-request-id');
				return {
					json: typeof answer === 'string' ? { text: answer } : answer,
					transcript: toTranscript(answer, { ...request, requestId }),
				};
			},
		);
	} catch (error) {
		throw progress.failed(error as Error);
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

	constructor(
		private readonly item: Item,
		private readonly live: LiveText,
		private readonly onText: (piece: string) => void,
	) {}

	async follow(pieces: AsyncIterable<Uint8Array>, mask: Mask): Promise<TranscriptionAnswer> {
		const { context, itemIndex } = this.item;
		this.live.begin();
		return await readEventStream(pieces, mask, (piece) => {
			this.text += piece;
			this.onText(piece);
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
	}

	/** The error with the text received so far in its description, so that none of it is lost. */
	failed(cause: Error): NodeApiError | NodeOperationError {
		const { context, itemIndex } = this.item;
		const error =
			cause instanceof NodeApiError
				? cause
				: new NodeOperationError(context.getNode(), cause, { itemIndex });
		if (this.text !== '') {
			error.description = `${error.description ?? ''} Received until then: ${escapeHtml(this.text)}`;
		}
		return error;
	}
}
