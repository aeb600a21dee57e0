import type { IDataObject, INodeExecutionData } from 'n8n-workflow';

import { fileBody } from '../shared/audio/body';
import { AUDIO_BODY, type AudioSource } from '../shared/audio/source';
import { isObject } from '../shared/http/answer';
import { callService } from '../shared/http/transport';
import { inputError, isToolRun, type Item } from '../shared/item';
import { subtitleBinary, type SubtitleRequest } from '../shared/transcript/subtitleBinary';
import { transcriptJson, type Transcript } from '../shared/transcript/transcript';
import { CLOUDFLARE, modelPath, readResult } from './service';

/** A call of a model that takes a whole file as the body of a POST, its parameters read and checked. */
export interface FileRequest {
	/** As in `@cf/deepgram/nova-3`. */
	model: string;
	source: AudioSource;
	query: URLSearchParams;
	timeoutSeconds: number;
	simplify: boolean;
	subtitles?: SubtitleRequest;
	/** The transcript in the model's `result`; `undefined` where it holds none. */
	toTranscript: (result: unknown, requestId?: string) => Transcript | undefined;
}

const NO_TIMES = 'Cloudflare gave no words with times.';

/**
 * Has a model transcribe a file.
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
	const { context } = item;
	const { model, query, source, simplify, subtitles, timeoutSeconds, toTranscript } = request;
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
	if (!simplify && !subtitles && !isToolRun(context)) {
		return [{ json: isObject(result) ? result : ({ result } as IDataObject) }];
	}
	const transcript = toTranscript(result, requestId);
	if (!transcript) {
		throw inputError(
			item,
			"Cloudflare's answer holds no transcript",
			"Turn off 'Simplify' and 'Subtitles' to see what it holds.",
		);
	}
	if (isToolRun(context)) return [{ json: { text: transcript.text } }];
	const binary = subtitles && (await subtitleBinary(item, transcript, subtitles, NO_TIMES));
	const json = simplify ? transcriptJson(transcript) : (result as IDataObject);
	return [{ json, ...(binary && { binary }) }];
}
