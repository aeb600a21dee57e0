import { createHash } from 'node:crypto';
import { extname } from 'node:path';

import busboy from 'busboy';

import type { Exchange } from '../core/exchange.ts';

const LARGEST_HEARD_BYTES = 64 * 1024 * 1024;
/** A known speaker's sample of 10 s may be a WAV file of some MiB, in base64. */
const LARGEST_FIELD_BYTES = 16 * 1024 * 1024;

/** The extensions the service takes, and the MIME types that fit each. */
const TYPES: Readonly<Record<string, readonly string[]>> = {
	flac: ['audio/flac'],
	mp3: ['audio/mpeg'],
	mp4: ['video/mp4', 'audio/mp4'],
	mpeg: ['video/mpeg', 'audio/mpeg'],
	mpga: ['audio/mpeg'],
	m4a: ['audio/mp4'],
	ogg: ['audio/ogg'],
	wav: ['audio/wav'],
	webm: ['audio/webm', 'video/webm'],
};

export interface ReceivedFile {
	name: string;
	extension: string;
	size: number;
	sha256: string;
	/** Of files of up to 64 MiB, to be heard. */
	bytes?: Buffer;
}

export interface ReceivedForm {
	fields: Array<[name: string, value: string]>;
	file?: ReceivedFile;
}

/** A request the service refuses. */
export class Refusal extends Error {
	readonly status: number;

	constructor(status: number, message: string) {
		super(message);
		this.status = status;
	}
}

/**
 * Reads a multipart form to its end; the file is hashed as it comes, and not kept.
 * @throws Refusal for a body that is no form, or a file of a kind the service does not take
 */
export async function readForm(exchange: Exchange): Promise<ReceivedForm> {
	const { request, record, body } = exchange;
	if (!/^multipart\/form-data;.*\bboundary=/i.test(request.headers['content-type'] ?? '')) {
		await exchange.discardBody();
		throw new Refusal(400, 'The request must be multipart/form-data');
	}
	const form: ReceivedForm = { fields: record.fields };
	let refusal: Refusal | undefined;
	let fileCount = 0;
	const parser = busboy({
		headers: request.headers,
		defParamCharset: 'utf8',
		limits: { fieldSize: LARGEST_FIELD_BYTES },
	});
	parser.on('field', (name, value, { valueTruncated }) => {
		if (valueTruncated) refusal ??= new Refusal(413, `The parameter '${name}' is too large`);
		form.fields.push([name, value]);
	});
	parser.on('file', (field, stream, { filename = '', mimeType }) => {
		const extension = extname(filename).slice(1).toLowerCase();
		if (field !== 'file' || fileCount++ > 0)
			refusal ??= new Refusal(400, `Unexpected file '${field}'`);
		if (!TYPES[extension]) {
			refusal ??= new Refusal(
				400,
				`Invalid file format '${filename}'. Supported: ${Object.keys(TYPES).join(', ')}`,
			);
		} else if (!TYPES[extension].includes(mimeType)) {
			refusal ??= new Refusal(400, `Content type ${mimeType} does not fit '${filename}'`);
		}
		const hash = createHash('sha256');
		const kept: Buffer[] = [];
		let size = 0;
		stream.on('data', (piece: Buffer) => {
			hash.update(piece);
			size += piece.length;
			if (size > LARGEST_HEARD_BYTES) kept.length = 0;
			else kept.push(piece);
		});
		// The parser reports it too, and that is where it is answered.
		stream.on('error', () => undefined);
		stream.on('end', () => {
			const sha256 = hash.digest('hex');
			const bytes = size <= LARGEST_HEARD_BYTES ? Buffer.concat(kept) : undefined;
			form.file = { name: filename, extension, size, sha256, bytes };
			record.file = { field, name: filename, mimeType, size, sha256 };
		});
	});
	await new Promise<void>((resolve, reject) => {
		parser.once('close', resolve).on('error', (error: Error) => {
			reject(new Refusal(400, `The form cannot be read: ${error.message}`));
		});
		body.once('error', reject).pipe(parser);
	}).catch(async (error: Error) => {
		await exchange.discardBody();
		throw error;
	});
	if (refusal) throw refusal;
	return form;
}
