import type { IDataObject, INodeExecutionData } from 'n8n-workflow';

import { fileBody } from '../shared/audio/body';
import type { PartLimits } from '../shared/audio/parts';
import { AUDIO_BODY, type AudioSource } from '../shared/audio/source';
import { isObject } from '../shared/http/answer';
import { callService } from '../shared/http/transport';
import { showHint } from '../shared/hint';
import { inputError, isToolRun, type Item } from '../shared/item';
import type { FileAnswer } from '../shared/longRecordings/fileAnswer';
import { transcribeRecording } from '../shared/longRecordings/transcribeRecording';
import { LiveText } from '../shared/liveText';
import { subtitleBinary, type SubtitleRequest } from '../shared/transcript/subtitleBinary';
import { transcriptJson, type Transcript } from '../shared/transcript/transcript';
import { CLOUDFLARE, modelPath, readResult } from './service';

/** A call of a model that takes a whole file as the body of a POST, its parameters read and checked. */
export interface FileRequest {
	/** As in `@cf/deepgram/nova-3`. */
	model: string;
	source: AudioSource;
	query: URLSearchParams;
	/** What is sent whole; without it everything is. */
	limits?: PartLimits;
	timeoutSeconds: number;
	simplify: boolean;
	subtitles?: SubtitleRequest;
	/** The transcript in the model's `result`; `undefined` where it holds none. */
	toTranscript: (result: unknown, requestId?: string) => Transcript | undefined;
	/** Why a transcript may not be what was spoken, shown as a warning. */
	doubtOf?: (transcript: Transcript) => string | undefined;
}

const NO_TIMES = 'Cloudflare gave no words with times.';

/**
 * Has a model transcribe a file, in parts where it is above the limits.
 *
 * @returns one item: the common transcript, or without `simplify` Cloudflare's `result`; for an AI
 * agent `{ text }`
 * @throws NodeOperationError for a file that cannot be sent, and an answer without a transcript;
 * NodeApiError for what Cloudflare answers
 */
export async function transcribeFile(
	item: Item,
	request: FileRequest,
): Promise<INodeExecutionData[]> {
	const { source, limits, timeoutSeconds, simplify, subtitles } = request;
	const live = new LiveText(item);
	const { json, transcript } = await transcribeRecording(item, {
		source,
		limits,
		timeoutSeconds,
		mostVoices: 0,
		introduced: [],
		isTaken: () => true,
		onText: () => undefined,
		transcribeFile: async (file) => await askModel(item, request, file.source, live.isStreaming),
	});
	if (!transcript) return [{ json }];
	await live.endWith(transcript.text);
	const doubt = request.doubtOf?.(transcript);
	if (doubt !== undefined) showHint(item, doubt, 'warning');
	if (isToolRun(item.context)) return [{ json: { text: transcript.text } }];
	const binary = subtitles && (await subtitleBinary(item, transcript, subtitles, NO_TIMES));
	return [{ json: simplify ? transcriptJson(transcript) : json, ...(binary && { binary }) }];
}

/**
 * The model's answer to one file; with its transcript where one is wanted.
 * @param isHeard whether somebody listens to the text
 */
async function askModel(
	item: Item,
	{ model, query, timeoutSeconds, simplify, subtitles, limits, toTranscript }: FileRequest,
	source: AudioSource,
	isHeard: boolean,
): Promise<FileAnswer> {
	const { result, requestId } = await callService(
		item,
		CLOUDFLARE,
		{
			method: 'POST',
			path: await modelPath(item, model),
			query,
			body: fileBody(item, source),
			bodyWords: AUDIO_BODY,
			timeoutSeconds,
		},
		async (answer) => ({
			result: await readResult(item, answer),
			requestId: answer.header('cf-ray'),
		}),
	);
	const json = isObject(result) ? result : ({ result } as IDataObject);
	const isWanted = simplify || subtitles !== undefined || isToolRun(item.context);
	// Parts are joined, and kept where another one fails, by their transcripts.
	const isUsed = isWanted || isHeard || limits !== undefined;
	const transcript = isUsed ? toTranscript(result, requestId) : undefined;
	if (transcript || !isWanted) return { json, transcript };
	throw inputError(
		item,
		"Cloudflare's answer holds no transcript",
		"Turn off 'Simplify' and 'Subtitles' to see what it holds.",
	);
}
