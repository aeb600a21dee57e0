import FormData from 'form-data';

import { AUDIO_EXTENSIONS, isOtherThanAudio, namedAudioFile } from '../shared/audioFormat';
import type { AudioSource, OpenAudio } from '../shared/audioSource';
import { refusal, type ItemContext } from '../shared/parameters';
import { mediaType } from '../shared/text';
import type { RequestBody } from '../shared/service';

/** n8n asks every form for its length; form-data raises an error where a stream has none. */
class StreamedForm extends FormData {
	override getLengthSync(): number {
		return this.hasKnownLength() ? super.getLengthSync() : NaN;
	}
}

/**
 * A multipart/form-data body of the fields and, last, the file, which is read as it is sent. Has an
 * exact Content-Length where the file's length is known; otherwise the request is chunked.
 *
 * @throws NodeOperationError for a file that is empty or of a type the service does not take
 */
export function transcriptionForm(
	item: ItemContext,
	source: AudioSource,
	fields: ReadonlyArray<[name: string, value: string]>,
	fileName: string | undefined,
): (signal: AbortSignal) => Promise<RequestBody> {
	return async (signal) => {
		const audio = await source(signal);
		const name =
			fileName === undefined
				? namedAudioFile(audio.fileName, audio.mimeType)
				: namedAudioFile(fileName, audioTypeOnly(audio.mimeType));
		if (!name || audio.length === 0) {
			audio.close();
			throw name ? emptyFile(item) : unknownType(item, fileName, audio);
		}
		const form = new StreamedForm();
		for (const [field, value] of fields) form.append(field, value);
		form.append('file', audio.content, {
			filename: name.fileName,
			contentType: name.mimeType,
			...(audio.length !== undefined && { knownLength: audio.length }),
		});
		return {
			content: form,
			headers: {
				...form.getHeaders(),
				...(audio.length !== undefined && { 'Content-Length': String(form.getLengthSync()) }),
			},
			failure: audio.failure,
			isRead: audio.isRead,
			close: () => {
				form.destroy();
				audio.close();
			},
		};
	};
}

/** A name that the user chose counts, even against the type that the file came with. */
function audioTypeOnly(mimeType: string | undefined): string | undefined {
	return isOtherThanAudio(mediaType(mimeType)) ? undefined : mimeType;
}

function emptyFile(item: ItemContext): Error {
	return refusal(
		item,
		'The audio file is empty',
		'Check the node that supplies it: the file has no bytes.',
	);
}

function unknownType(item: ItemContext, fileName: string | undefined, audio: OpenAudio): Error {
	const name = fileName ?? audio.fileName;
	const what = [name && `'${name}'`, `of type ${audio.mimeType || 'unknown'}`].filter(Boolean);
	return refusal(
		item,
		`Cloudsway does not take the file ${what.join(' ')}`,
		`It takes: ${AUDIO_EXTENSIONS.join(', ')}. If the file is one of these under another name, set 'File Name' in the options, for example to 'audio.ogg'.`,
	);
}
