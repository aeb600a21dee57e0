import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { basename, extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

const TYPES: Readonly<Record<string, string>> = {
	'.wav': 'audio/wav',
	'.mp3': 'audio/mpeg',
	'.ogg': 'audio/ogg',
	'.opus': 'audio/ogg',
};

/**
 * `GET /samples/<name>`: a file of the samples folder. Query: `chunked=1` leaves the length out,
 * `gzip=1` compresses, `status=404` fails, `redirect=1` points to the same file, `type=…` names
 * another MIME type, `cut=<bytes>` breaks off.
 */
export async function serveSample(
	folder: string,
	request: IncomingMessage,
	response: ServerResponse,
): Promise<void> {
	const url = new URL(request.url ?? '/', 'http://sandbox');
	const query = url.searchParams;
	const name = basename(decodeURIComponent(url.pathname));
	if (query.get('redirect')) {
		response.writeHead(302, { location: url.pathname }).end();
		return;
	}
	const status = Number(query.get('status') ?? 200);
	const file = join(folder, name);
	const size = await stat(file).then(
		(found) => (found.isFile() ? found.size : undefined),
		() => undefined,
	);
	if (status !== 200 || size === undefined) {
		response.writeHead(status === 200 ? 404 : status).end('no such sample');
		return;
	}
	response.setHeader(
		'content-type',
		query.get('type') ?? TYPES[extname(name)] ?? 'application/octet-stream',
	);
	const cut = query.get('cut');
	const source = createReadStream(file, cut ? { end: Number(cut) - 1 } : {});
	if (query.get('gzip')) {
		response.setHeader('content-encoding', 'gzip');
		await pipeline(source, createGzip(), response);
		return;
	}
	if (!query.get('chunked')) response.setHeader('content-length', String(size));
	if (cut) {
		for await (const piece of source) response.write(piece);
		setTimeout(() => request.socket.destroy(), 20);
		return;
	}
	await pipeline(source, response);
}
