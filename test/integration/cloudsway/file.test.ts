import { createServer } from 'node:http';

import { close, listen } from '../../listen.ts';
import { CloudswayAccess, item, TEXT } from './access.ts';

const cloudsway = new CloudswayAccess();

describe('transcribe: the file', () => {
	it.each([
		['voice.oga', 'audio/ogg', 'voice.ogg', 'audio/ogg'],
		['voice.opus', 'audio/opus', 'voice.ogg', 'audio/ogg'],
		['old.mpga', 'audio/mpeg', 'old.mpga', 'audio/mpeg'],
		[undefined, 'video/mp4', 'audio.mp4', 'video/mp4'],
	])('%s of type %s goes out as %s', async (fileName, mimeType, name, type) => {
		const { error, items } = await cloudsway.run(
			'whisper-1',
			{},
			{ items: [item(Buffer.from('opus'), fileName, mimeType)] },
		);
		expect(error).toBeUndefined();
		expect(cloudsway.lastRequest().file).toMatchObject({ name, mimeType: type });
		expect(items[0]?.json.text).toContain(
			`of 4 bytes with sha256 ${cloudsway.lastRequest().file?.sha256}`,
		);
	});

	it('goes out under the name of the option', async () => {
		await cloudsway.run(
			'whisper-1',
			{ options: { fileName: 'other.opus' } },
			{ items: [item(cloudsway.wav, 'a.bin', 'application/octet-stream')] },
		);
		expect(cloudsway.lastRequest().file).toMatchObject({
			name: 'other.ogg',
			mimeType: 'audio/ogg',
		});
	});

	it.each([
		['notes.txt', 'text/plain'],
		['data', 'application/octet-stream'],
	])('%s of type %s is refused before anything is sent', async (fileName, mimeType) => {
		const { error } = await cloudsway.run(
			'whisper-1',
			{},
			{ items: [item(cloudsway.wav, fileName, mimeType)] },
		);
		expect(error?.message).toContain(`does not take the file '${fileName}' of type ${mimeType}`);
		expect(error?.description).toContain('flac, mp3, m4a, mp4');
		expect(cloudsway.sandbox.requests).toHaveLength(0);
	});

	it('is refused when it is empty', async () => {
		const { error } = await cloudsway.run(
			'whisper-1',
			{},
			{ items: [item(Buffer.alloc(0), 'a.wav')] },
		);
		expect(error?.message).toContain('The audio file is empty');
		expect(cloudsway.sandbox.requests).toHaveLength(0);
	});

	it('is missed by name when the item has none', async () => {
		const { error } = await cloudsway.run('whisper-1', { binaryPropertyName: 'voice' });
		expect(error?.message).toContain("no binary field 'voice'");
	});

	it.each([
		['', true],
		['?chunked=1', false],
		['?gzip=1', false],
		['?redirect=1', true],
	])('comes from a URL (%s), streamed through where it is sent whole', async (query, hasLength) => {
		const audioUrl = `${cloudsway.sandbox.baseUrl}/samples/phrase-16000-16bit.wav${query}`;
		const { items, error } = await cloudsway.run(
			'whisper-1',
			{ inputType: 'url', audioUrl, options: { longRecordings: 'send' } },
			{ items: [{}] },
		);
		expect(error).toBeUndefined();
		expect(items[0]?.json.text).toBe(TEXT);
		expect('content-length' in cloudsway.lastRequest().headers).toBe(hasLength);
		expect(cloudsway.lastRequest().headers['transfer-encoding']).toBe(
			hasLength ? undefined : 'chunked',
		);
		// Held until it is known to be within the limits, it has a length whatever its sender says.
		const held = await cloudsway.run('whisper-1', { inputType: 'url', audioUrl });
		expect(held.items[0]?.json.text).toBe(TEXT);
		const { headers, file } = cloudsway.lastRequest();
		expect(Number(headers['content-length'])).toBeGreaterThan(cloudsway.wav.length);
		expect(file?.size).toBe(cloudsway.wav.length);
	});

	it.each([
		['/samples/none.wav', 'status 404'],
		['/samples/phrase-16000-16bit.wav?status=403', 'status 403'],
	])('at a URL that does not serve it (%s) is an error that says so', async (path, reason) => {
		const { error } = await cloudsway.run('whisper-1', {
			inputType: 'url',
			audioUrl: cloudsway.sandbox.baseUrl + path,
		});
		expect(error?.message).toContain("'Audio URL' could not be downloaded");
		expect(error?.description).toContain(reason);
		expect(cloudsway.sandbox.requests).toHaveLength(0);
	});

	it('at a URL that serves a page is refused, not transcribed', async () => {
		const audioUrl = `${cloudsway.sandbox.baseUrl}/samples/phrase-16000-16bit.wav?type=text/html`;
		const { error } = await cloudsway.run('whisper-1', { inputType: 'url', audioUrl });
		expect(error?.description).toContain('answered with text/html, which is no audio');
		expect(cloudsway.sandbox.requests).toHaveLength(0);
	});

	it('at a URL that fails for a moment is fetched again, and the tries are counted', async () => {
		const audioUrl = `${cloudsway.sandbox.baseUrl}/samples/phrase-16000-16bit.wav?status=503`;
		const { error } = await cloudsway.run('whisper-1', { inputType: 'url', audioUrl });
		expect(error?.description).toMatch(/status 503.*Tried 4 times/);
	}, 20_000);

	it.each([0, 1_000])(
		'at a URL that stalls after %i bytes is not blamed on the service',
		async (bytes) => {
			const stalling = createServer((_, response) => {
				response.writeHead(200, { 'content-type': 'audio/wav', 'content-length': '5000' });
				if (bytes > 0) response.write(cloudsway.wav.subarray(0, bytes));
				else response.flushHeaders();
			});
			const address = await listen(stalling);
			const { error } = await cloudsway.run('whisper-1', {
				inputType: 'url',
				audioUrl: `${address}/a.wav`,
				options: { timeout: 1 },
			});
			await close(stalling);
			expect(error?.message).toContain('The audio was not read and sent within 1 s');
			expect(error?.description).toContain("'Timeout'");
		},
	);

	it.each(['ftp://example.com/a.wav', 'a.wav', 'https://'])(
		'at %s is refused',
		async (audioUrl) => {
			const { error } = await cloudsway.run('whisper-1', { inputType: 'url', audioUrl });
			expect(error?.message).toContain("'Audio URL' is not a web address");
		},
	);

	it('whose download breaks off is not transcribed', async () => {
		const audioUrl = `${cloudsway.sandbox.baseUrl}/samples/phrase-16000-16bit.wav?cut=20000`;
		const { error } = await cloudsway.run('whisper-1', { inputType: 'url', audioUrl });
		expect(error?.message).toContain('could not be read to its end');
		expect(cloudsway.sandbox.requests.every(({ status }) => status !== 200)).toBe(true);
	});
});
