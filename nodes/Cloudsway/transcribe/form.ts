import { openAudio } from '../../shared/audio/body';
import { isOtherThanAudio, type NamedFile } from '../../shared/audio/format';
import type { AudioSource, OpenAudio } from '../../shared/audio/source';
import { inputError, type Item } from '../../shared/item';
import { mediaType } from '../../shared/text';
import { multipartForm } from '../../shared/http/multipart';
import type { RequestBody } from '../../shared/http/service';
import { AUDIO_EXTENSIONS, uploadNameOf } from '../audioFile';

/**
 * The form of a transcription: the fields and the recording, under a name that the service takes.
 *
 * @throws NodeOperationError for a file that is empty or of a type the service does not take
 */
export function transcriptionForm(
	item: Item,
	source: AudioSource,
	fields: ReadonlyArray<[name: string, value: string]>,
	fileName: string | undefined,
): (signal: AbortSignal) => Promise<RequestBody> {
	return async (signal) => {
		const audio = await openAudio(item, source, signal);
		const name = sentNameOf(audio, fileName);
		if (!name) {
			audio.close();
			throw unknownType(item, fileName, audio);
		}
		const { content, length, failure, isRead, close } = audio;
		const form = multipartForm(fields, { field: 'file', ...name, content, length });
		return { content: form, headers: {}, failure, isRead, close };
	};
}

/**
 * The name and MIME type that a recording is sent with; `undefined` where the service does not take it.
 * @param fileName as the user chose it
 */
export function sentNameOf(
	audio: Pick<OpenAudio, 'fileName' | 'mimeType'>,
	fileName: string | undefined,
): NamedFile | undefined {
	return fileName === undefined
		? uploadNameOf(audio.fileName, audio.mimeType)
		: uploadNameOf(fileName, audioTypeOnly(audio.mimeType));
}

/** Whether a recording that the service does not take is one all the same, by its name or type. */
export function isOtherMedia({
	fileName,
	mimeType,
}: Pick<OpenAudio, 'fileName' | 'mimeType'>): boolean {
	return /^(audio|video)\//.test(mediaType(mimeType)) || OTHER_EXTENSIONS.test(fileName ?? '');
}

const OTHER_EXTENSIONS = /\.(mov|qt|m4v|m4b|3gp|mkv|mka)$/i;

/** A name that the user chose counts, even against the type that the file came with. */
function audioTypeOnly(mimeType: string | undefined): string | undefined {
	return isOtherThanAudio(mediaType(mimeType)) ? undefined : mimeType;
}

function unknownType(item: Item, fileName: string | undefined, audio: OpenAudio): Error {
	const name = fileName ?? audio.fileName;
	const what = [name && `'${name}'`, `of type ${audio.mimeType || 'unknown'}`].filter(Boolean);
	return inputError(
		item,
		`Cloudsway does not take the file ${what.join(' ')}`,
		`It takes: ${AUDIO_EXTENSIONS.join(', ')}. If the file is one of these under another name, set 'File Name' in the options, for example to 'audio.ogg'.`,
	);
}
