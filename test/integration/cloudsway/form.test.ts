import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { createServer as createSocketServer, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';

import busboy from 'busboy';
import fc from 'fast-check';
import ReferenceForm from 'form-data';

import { CloudswayApi } from '../../../credentials/CloudswayApi.credentials.ts';
import { Cloudsway } from '../../../nodes/Cloudsway/Cloudsway.node.ts';
import { close, listen } from '../../listen.ts';
import { runNode, type RunOptions } from '../engine.ts';

interface Upload {
	headers: IncomingHttpHeaders;
	body: Buffer;
}

interface Part {
	name: string;
	value: string;
	fileName?: string;
	mimeType?: string;
}

/** A server that takes every upload whole and answers as the service does. */
const uploads: Upload[] = [];
let server: Server;
let baseUrl: string;

beforeAll(async () => {
	server = createServer((request, response) => {
		void buffer(request).then((body) => {
			uploads.push({ headers: request.headers, body });
			response.setHeader('Content-Type', 'application/json').end('{"text":"heard"}');
		});
	});
	baseUrl = await listen(server);
});
afterAll(() => close(server));
beforeEach(() => uploads.splice(0));

const run = (options: Partial<RunOptions>, address = baseUrl) =>
	runNode({
		nodeType: new Cloudsway(),
		credentials: {
			cloudswayApi: { type: new CloudswayApi(), data: { accessKey: 'some-key', baseUrl: address } },
		},
		...options,
		parameters: { endpointPath: 'path', model: 'whisper-1', ...options.parameters },
	});

/** The parts of a body as a parser of the field's own reads them. */
async function partsOf({ headers, body }: Upload): Promise<Part[]> {
	const parts: Part[] = [];
	const files: Array<Promise<void>> = [];
	const parser = busboy({ headers, defParamCharset: 'utf8', preservePath: true });
	parser.on('field', (name, value) => parts.push({ name, value }));
	parser.on('file', (name, stream, { filename, mimeType }) => {
		const part: Part = { name, value: '', fileName: filename, mimeType };
		parts.push(part);
		files.push(buffer(stream).then((bytes) => void (part.value = bytes.toString('base64'))));
	});
	const ended = once(parser, 'close');
	parser.end(body);
	await ended;
	await Promise.all(files);
	return parts;
}

function referenceOf(
	fields: Array<[string, string]>,
	file: { bytes: Buffer; fileName: string; mimeType: string },
): Upload {
	const form = new ReferenceForm();
	for (const [name, value] of fields) form.append(name, value);
	form.append('file', file.bytes, { filename: file.fileName, contentType: file.mimeType });
	return { headers: form.getHeaders() as IncomingHttpHeaders, body: form.getBuffer() };
}

const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index * 31) % 251));

describe('transcribe: the body', () => {
	it.each(['filesystem', 'default'] as const)(
		'has the parts that form-data makes of the same fields, with %s binaries',
		async (binaryMode) => {
			const parameters = {
				responseFormat: 'verbose_json',
				options: {
					language: 'en',
					prompt: 'Grüße, "Zoë"\r\nsecond line; x=1',
					temperature: 0.2,
					timestampGranularities: ['word', 'segment'],
				},
			};
			const data = { data: bytes, fileName: 'Gespräch – 1.mp3', mimeType: 'audio/mpeg' };
			const { error } = await run({ parameters, items: [{ binary: { data } }], binaryMode });
			expect(error).toBeUndefined();
			const ours = await partsOf(uploads[0]!);
			const reference = referenceOf(
				[
					['response_format', 'verbose_json'],
					['timestamp_granularities[]', 'word'],
					['timestamp_granularities[]', 'segment'],
					['language', 'en'],
					['prompt', parameters.options.prompt],
					['temperature', '0.2'],
				],
				{ bytes, fileName: data.fileName, mimeType: data.mimeType },
			);
			expect(ours).toEqual(await partsOf(reference));
		},
	);

	it('is announced with its exact length where that is known, otherwise chunked', async () => {
		const audioServer = createServer((request, response) => {
			// Without a Content-Length Node sends the answer in chunks.
			if (request.url === '/known.wav') response.setHeader('Content-Length', bytes.length);
			response.setHeader('Content-Type', 'audio/wav');
			Readable.from([bytes.subarray(0, 1_000), bytes.subarray(1_000)]).pipe(response);
		});
		const address = await listen(audioServer);
		for (const name of ['known', 'unknown']) {
			const parameters = {
				inputType: 'url',
				audioUrl: `${address}/${name}.wav`,
				// What is read to see whether it must be cut has a known length by then.
				options: { longRecordings: 'send' },
			};
			expect((await run({ parameters, items: [{ json: {} }] })).error).toBeUndefined();
		}
		await close(audioServer);
		const [known, unknown] = uploads;
		expect(known?.headers['content-length']).toBe(String(known?.body.length));
		expect(unknown?.headers['content-length']).toBeUndefined();
		expect(unknown?.headers['transfer-encoding']).toBe('chunked');
		for (const upload of [known, unknown]) {
			const [file] = (await partsOf(upload!)).slice(-1);
			expect(file?.value).toBe(bytes.toString('base64'));
		}
	});

	it('keeps its parts whatever the file is called', async () => {
		const hostile = fc.oneof(
			fc.string({ unit: 'binary' }),
			fc.constantFrom(
				'"\r\nContent-Type: text/html\r\n\r\n<b>',
				'a\\"; name="other',
				'语音\u2028\u0085.x',
				'\ud800',
				'--boundary\r\n',
			),
		);
		const names = fc.array(fc.tuple(hostile, hostile), { minLength: 30, maxLength: 30 });
		await fc.assert(
			fc.asyncProperty(names, async (files) => {
				uploads.splice(0);
				const items = files.map(([name, mimeType]) => ({
					binary: { data: { data: Buffer.from('sound'), fileName: `${name}.wav`, mimeType } },
				}));
				const { items: results } = await run({ items, continueOnFail: true });
				// A type that says the file is no audio is refused; nothing else may be.
				const refused = results.filter(({ json }) => json.error);
				for (const { json } of refused) expect(json.error).toContain('does not take the file');
				expect(uploads).toHaveLength(files.length - refused.length);
				for (const upload of uploads) {
					const parts = await partsOf(upload);
					expect(parts.map((part) => part.name)).toEqual(['response_format', 'file']);
					expect(parts[1]).toMatchObject({
						fileName: expect.stringMatching(/^[^\p{Cc}"\\]+\.wav$/u) as string,
						mimeType: 'audio/wav',
						value: Buffer.from('sound').toString('base64'),
					});
				}
			}),
			{ numRuns: 2 },
		);
	});
});

describe('transcribe: an upload under way', () => {
	let sockets: Socket[];
	let closing: Array<Promise<unknown>>;
	let unanswering: ReturnType<typeof createSocketServer>;
	let address: string;
	let isRead: boolean;

	beforeEach(async () => {
		sockets = [];
		closing = [];
		unanswering = createSocketServer((socket) => {
			sockets.push(socket.on('error', () => undefined));
			closing.push(once(socket, 'close'));
			if (isRead) socket.resume();
			else socket.pause();
		});
		address = await listen(unanswering);
	});
	afterEach(() => {
		for (const socket of sockets) socket.destroy();
		unanswering.close();
	});

	const big = { data: { data: Buffer.alloc(16 * 1024 * 1024), fileName: 'big.wav' } };
	/** A peer that has not read on does not see the end. */
	const closed = async () => {
		for (const socket of sockets) socket.resume();
		await Promise.all(closing);
	};

	it.each(['filesystem', 'default'] as const)(
		'to a service that does not read it is closed when the execution is stopped, with %s binaries',
		async (binaryMode) => {
			isRead = false;
			const { status } = await run(
				{ items: [{ binary: big }], binaryMode, cancelAfterMs: 3_000 },
				address,
			);
			expect(status).toBe('canceled');
			expect(sockets).toHaveLength(1);
			await closed();
		},
	);

	it.each(['filesystem', 'default'] as const)(
		'to a service that does not read it is closed when its time is up, with %s binaries',
		async (binaryMode) => {
			isRead = false;
			const { error } = await run(
				{ items: [{ binary: big }], binaryMode, parameters: { options: { timeout: 2 } } },
				address,
			);
			expect(error?.message).toContain('within 2 s');
			await closed();
		},
	);

	it('is closed when another item ends the execution', async () => {
		isRead = true;
		const endless = createServer((_, response) => {
			response.setHeader('Content-Type', 'audio/wav').write(bytes);
		});
		const audioAddress = await listen(endless);
		const { error } = await run(
			{
				items: [{ json: {} }, { json: {} }],
				parameters: {
					inputType: 'url',
					audioUrl: `={{ $itemIndex === 0 ? '${audioAddress}/a.wav' : '${baseUrl}/page' }}`,
				},
			},
			address,
		);
		await close(endless);
		expect(error?.message).toContain('could not be downloaded');
		await closed();
	});
});
