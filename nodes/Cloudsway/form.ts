import { openAudio } from '../shared/audio/body';
import { AUDIO_EXTENSIONS, isOtherThanAudio, namedAudioFile } from '../shared/audio/format';
import type { AudioSource, OpenAudio } from '../shared/audio/source';
import { inputError, type Item } from '../shared/item';
import { mediaType } from '../shared/text';
import type { RequestBody } from '../shared/http/service';

/** The recording as a part of a form: read once, as the form is sent. */
class AudioFile extends File {
	constructor(
		private readonly audio: OpenAudio,
		fileName: string,
		mimeType: string,
	) {
		super([], fileName, { type: mimeType });
	}

	/** In bytes; not a number where the sender does not say, which makes the request chunked. */
	override get size(): number {
		return this.audio.length ?? NaN;
	}

	override stream(): ReturnType<File['stream']> {
		const pieces = piecesOf(this.audio.content);
		return new ReadableStream({
			async pull(controller) {
				const { done, value } = await pieces.next();
				if (done) controller.close();
				else controller.enqueue(value);
			},
			async cancel() {
				await pieces.return();
			},
		});
	}
}

async function* piecesOf(
	content: OpenAudio['content'],
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
	if (Buffer.isBuffer(content)) yield content as Buffer<ArrayBuffer>;
	else yield* content;
}

/**
 * A multipart/form-data body of the fields and, last, the file, which is read as it is sent. n8n's
 * HTTP client gives it an exact Content-Length where the file's length is known; otherwise the request
 * is chunked.
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
		const name =
			fileName === undefined
				? namedAudioFile(audio.fileName, audio.mimeType)
				: namedAudioFile(fileName, audioTypeOnly(audio.mimeType));
		if (!name) {
			audio.close();
			throw unknownType(item, fileName, audio);
		}
		const form = new FormData();
		for (const [field, value] of fields) form.append(field, value);
		form.append('file', new AudioFile(audio, printable(name.fileName), name.mimeType));
		return {
			content: form,
			headers: {},
			failure: audio.failure,
			isRead: audio.isRead,
			close: audio.close,
		};
	};
}

/** A name that cannot end its header or the quotes around it, however the client writes it. */
function printable(fileName: string): string {
	return fileName.replace(/[\p{Cc}\u2028\u2029"\\]/gu, '_');
}

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
