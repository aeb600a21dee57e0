import type { ReadableStream as ContentStream } from './answer';

/** A file that is sent in a form; its content can be read once. */
export interface FormFile {
	/** The name of its field. */
	field: string;
	fileName: string;
	mimeType: string;
	content: Buffer | ContentStream;
	/** In bytes; `undefined` where it is not known. */
	length?: number;
}

/**
 * A multipart/form-data body of the fields and, last, the file, which is read as it is sent. n8n's
 * HTTP client gives it an exact Content-Length where the file's length is known; otherwise the request
 * is chunked.
 */
export function multipartForm(
	fields: ReadonlyArray<[name: string, value: string]>,
	file: FormFile,
): FormData {
	const form = new FormData();
	for (const [name, value] of fields) form.append(name, value);
	form.append(file.field, new StreamedFile(file));
	return form;
}

/** A file as a part of a form: read once, as the form is sent. */
class StreamedFile extends File {
	constructor(private readonly file: FormFile) {
		super([], printable(file.fileName), { type: file.mimeType });
	}

	/** In bytes; not a number where it is not known, which makes the request chunked. */
	override get size(): number {
		return this.file.length ?? NaN;
	}

	override stream(): ReturnType<File['stream']> {
		const pieces = piecesOf(this.file.content);
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
	content: FormFile['content'],
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
	if (Buffer.isBuffer(content)) yield content as Buffer<ArrayBuffer>;
	else yield* content;
}

/** A name that cannot end its header or the quotes around it, however the client writes it. */
function printable(fileName: string): string {
	return fileName.replace(/[\p{Cc}\u2028\u2029"\\]/gu, '_');
}
