import type { RequestBody } from '../http/service';
import { inputError, type Item } from '../item';
import { mediaType } from '../text';
import { audioMimeType, isOtherThanAudio, namedAudioFile } from './format';
import type { AudioSource, OpenAudio } from './source';

/**
 * A request body of the file as it is, with its type and, where it is known, its length.
 *
 * It throws a NodeOperationError for a file whose type says that it is no audio, and whose name does not say
 * that it is.
 */
export function fileBody(
	item: Item,
	source: AudioSource,
): (signal: AbortSignal) => Promise<RequestBody> {
	return async (signal) => {
		const audio = await openAudio(item, source, signal);
		const { content, length, fileName, mimeType, failure, isRead, close } = audio;
		const isNamedAudio = namedAudioFile(fileName, undefined) !== undefined;
		if (!isNamedAudio && isOtherThanAudio(mediaType(mimeType))) {
			close();
			throw inputError(
				item,
				`The file${fileName === undefined ? '' : ` '${fileName}'`} of type ${mediaType(mimeType)} is no audio`,
				'Check the node that supplies it: the file has to be a recording. Where it is one, give it a name such as audio.mp3 there.',
			);
		}
		return {
			content,
			headers: {
				'Content-Type': audioMimeType(fileName, mimeType),
				...(length !== undefined && { 'Content-Length': String(length) }),
			},
			failure,
			isRead,
			close,
		};
	};
}

/**
 * Opens a file that has content, as far as its length is known.
 * @throws NodeOperationError for an empty file, before anything is sent; whatever the source throws
 */
export async function openAudio(
	item: Item,
	source: AudioSource,
	signal: AbortSignal,
): Promise<OpenAudio> {
	const audio = await source(signal);
	if (audio.length !== 0) return audio;
	audio.close();
	throw inputError(
		item,
		'The audio file is empty',
		'Check the node that supplies it: the file has no bytes.',
	);
}
