import type { IBinaryKeyData } from 'n8n-workflow';

import { recordingNameOf } from '../audio/source';
import { subtitlesOption, subtitlesPropertyOption } from '../fields';
import type { FieldValues } from '../fieldValues';
import { inputError, type Item } from '../item';
import { makeSubtitles } from './subtitles/file';
import type { SubtitleFormat } from './subtitles/formats';
import { escapeHtml } from '../text';
import type { Transcript } from './transcript';

export interface SubtitleRequest {
	format: SubtitleFormat;
	/** The binary field to put the file in. */
	property: string;
}

/** The subtitle options; `undefined` where no file is wanted. */
export function subtitleRequest(options: FieldValues): SubtitleRequest | undefined {
	const format = options.choice<'none' | SubtitleFormat>(subtitlesOption);
	return format === 'none'
		? undefined
		: { format, property: options.text(subtitlesPropertyOption) };
}

/**
 * The subtitle file of a transcript as the binary data of an item.
 * @throws NodeOperationError where the transcript has text but no times; its description keeps the
 * text and says, with `goOn`, how to get times
 */
export async function subtitleBinary(
	item: Item,
	transcript: Transcript,
	{ format, property }: SubtitleRequest,
	goOn: string,
): Promise<IBinaryKeyData> {
	const file = makeSubtitles(transcript, format, recordingNameOf(item));
	if (!file) {
		throw inputError(
			item,
			"'Subtitles' could not be made: the transcript has no times",
			`${goOn} The transcript is: ${escapeHtml(transcript.text)}`,
		);
	}
	const binary = await item.context.helpers.prepareBinaryData(
		Buffer.from(file.content),
		file.fileName,
		file.mimeType,
	);
	return { [property]: binary };
}
