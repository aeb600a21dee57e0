import { Readable } from 'node:stream';

import fc from 'fast-check';

import { audioKind } from '../../../../../nodes/shared/audio/signature.ts';
import { ByteReader } from '../../../../../nodes/shared/audio/byteReader.ts';
import { UnreadableAudio, openWav } from '../../../../../nodes/shared/audio/wav.ts';

interface Layout {
	channels: number;
	sampleRate: number;
	before: Array<{ id: string; body: Buffer }>;
	between: Array<{ id: string; body: Buffer }>;
	after: Array<{ id: string; body: Buffer }>;
	isExtensible: boolean;
	audio: Buffer;
	/** What stands in the header instead of the length of the audio. */
	statedSize?: number;
}

function chunk(id: string, body: Buffer, statedSize = body.length): Buffer {
	const header = Buffer.alloc(8);
	header.write(id, 'latin1');
	header.writeUInt32LE(statedSize, 4);
	return Buffer.concat([header, body, Buffer.alloc(body.length % 2)]);
}

function fmt({ channels, sampleRate, isExtensible }: Layout): Buffer {
	const body = Buffer.alloc(isExtensible ? 40 : 16);
	body.writeUInt16LE(isExtensible ? 0xfffe : 1, 0);
	body.writeUInt16LE(channels, 2);
	body.writeUInt32LE(sampleRate, 4);
	body.writeUInt32LE(sampleRate * channels * 2, 8);
	body.writeUInt16LE(channels * 2, 12);
	body.writeUInt16LE(16, 14);
	if (isExtensible) {
		body.writeUInt16LE(22, 16);
		body.writeUInt16LE(16, 18);
		body.write('0100000000001000800000aa00389b71', 24, 'hex');
	}
	return body;
}

function wavOf(layout: Layout): { file: Buffer; audioAt: number } {
	const chunks = (list: Layout['before']) => list.map(({ id, body }) => chunk(id, body));
	const head = Buffer.concat([
		Buffer.from('WAVE'),
		...chunks(layout.before),
		chunk('fmt ', fmt(layout)),
		...chunks(layout.between),
	]);
	const data = chunk('data', layout.audio, layout.statedSize);
	const body = Buffer.concat([head, data, ...chunks(layout.after)]);
	const riff = Buffer.alloc(8);
	riff.write('RIFF');
	riff.writeUInt32LE(body.length, 4);
	return { file: Buffer.concat([riff, body]), audioAt: 8 + head.length + 8 };
}

const otherChunk = fc.record({
	id: fc.constantFrom('LIST', 'JUNK', 'bext', 'fact', 'id3 ', 'iXML', 'PAD '),
	body: fc.uint8Array({ maxLength: 70 }).map((bytes) => Buffer.from(bytes)),
});

const otherChunks = fc.array(otherChunk, { maxLength: 3 });

const layouts: fc.Arbitrary<Layout> = fc
	.record({
		channels: fc.integer({ min: 1, max: 4 }),
		sampleRate: fc.constantFrom(8_000, 16_000, 44_100),
		before: otherChunks,
		between: otherChunks,
		after: otherChunks,
		isExtensible: fc.boolean(),
		bytes: fc.uint8Array({ minLength: 8, maxLength: 400 }),
	})
	.map(({ bytes, ...layout }) => {
		const frame = layout.channels * 2;
		const audio = Buffer.from(bytes.subarray(0, bytes.length - (bytes.length % frame)));
		return { ...layout, audio };
	});

/** The bytes in pieces of the given lengths, over and over. */
function inPieces(bytes: Buffer, lengths: number[]): Buffer[] {
	const pieces: Buffer[] = [];
	for (let at = 0, turn = 0; at < bytes.length; turn++) {
		const end = at + (lengths[turn % lengths.length] ?? 1);
		pieces.push(bytes.subarray(at, end));
		at = end;
	}
	return pieces;
}

const splits = fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 5 });

async function readAll(source: Buffer | AsyncIterable<Buffer>, channel: 'mix' | number = 0) {
	const pcm = await openWav(new ByteReader(source));
	const parts: Buffer[] = [];
	for (;;) {
		const part = await pcm.read(7, channel);
		if (part.length === 0) return { samples: Buffer.concat(parts), pcm };
		parts.push(Buffer.from(part));
	}
}

/** The samples of one channel, taken out the plain way. */
function channelOf(audio: Buffer, channels: number, channel: number): Buffer {
	const samples: Buffer[] = [];
	for (let at = channel * 2; at + 2 <= audio.length; at += channels * 2) {
		if (at - channel * 2 + channels * 2 <= audio.length) samples.push(audio.subarray(at, at + 2));
	}
	return Buffer.concat(samples);
}

const mono = (over: Partial<Layout> = {}): Layout => ({
	channels: 1,
	sampleRate: 16_000,
	before: [],
	between: [],
	after: [],
	isExtensible: false,
	audio: Buffer.from([1, 0, 2, 0, 3, 0, 4, 0]),
	...over,
});

describe('openWav', () => {
	it('finds the audio among any chunks, however the file is cut into pieces', async () => {
		await fc.assert(
			fc.asyncProperty(layouts, splits, async (layout, lengths) => {
				const { file } = wavOf(layout);
				const { samples, pcm } = await readAll(Readable.from(inPieces(file, lengths)));
				expect(samples).toEqual(channelOf(layout.audio, layout.channels, 0));
				expect(pcm.isTruncated).toBe(false);
			}),
		);
	});

	it('uses what is there of a file that is cut off anywhere, and notices it', async () => {
		await fc.assert(
			fc.asyncProperty(layouts, splits, async (layout, lengths) => {
				const { file, audioAt } = wavOf(layout);
				for (let end = 0; end <= file.length; end++) {
					const pieces = inPieces(file.subarray(0, end), lengths);
					const reading = readAll(Readable.from(pieces));
					if (end < audioAt) {
						await expect(reading).rejects.toThrow(UnreadableAudio);
						continue;
					}
					const { samples, pcm } = await reading;
					const audio = file.subarray(audioAt, Math.min(end, audioAt + layout.audio.length));
					expect(samples).toEqual(channelOf(audio, layout.channels, 0));
					expect(pcm.isTruncated).toBe(end < audioAt + layout.audio.length);
				}
			}),
			{ numRuns: 25 },
		);
	});

	it.each([0, 0xffff_ffff])('reads to the end where the stated length is %d', async (size) => {
		const { file } = wavOf(mono({ statedSize: size }));
		const { samples, pcm } = await readAll(file);
		expect(samples).toEqual(Buffer.from([1, 0, 2, 0, 3, 0, 4, 0]));
		expect(pcm.isTruncated).toBe(false);
	});

	it('finds no audio where its length is 0 and other chunks follow', async () => {
		const list = { id: 'LIST', body: Buffer.from('INFO') };
		const { samples } = await readAll(wavOf(mono({ audio: Buffer.alloc(0), after: [list] })).file);
		expect(samples).toHaveLength(0);
	});

	it('reads RF64, where the length stands in a chunk of its own', async () => {
		const ds64 = Buffer.alloc(28);
		ds64.writeBigUInt64LE(4n, 8);
		const { file } = wavOf(mono({ before: [{ id: 'ds64', body: ds64 }], statedSize: 0xffff_ffff }));
		file.write('RF64');
		const { samples } = await readAll(file);
		expect(samples).toEqual(Buffer.from([1, 0, 2, 0]));
	});

	it('never hangs and never crashes on any bytes', async () => {
		await fc.assert(
			fc.asyncProperty(
				layouts,
				fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { minLength: 1, maxLength: 8 }),
				splits,
				async (layout, changes, lengths) => {
					const { file } = wavOf(layout);
					for (const [at, byte] of changes) if (at < file.length) file[at] = byte;
					const reading = readAll(Readable.from(inPieces(file, lengths)));
					await reading.then(
						({ samples }) => expect(samples.length).toBeLessThanOrEqual(file.length * 2),
						(error: unknown) => expect(error).toBeInstanceOf(UnreadableAudio),
					);
				},
			),
			{ numRuns: 500 },
		);
	});

	it('holds no more than a piece, whatever a chunk states', async () => {
		let given = 0;
		const { file } = wavOf(mono({ before: [{ id: 'JUNK', body: Buffer.alloc(2) }] }));
		file.writeUInt32LE(0x7000_0000, 16);
		const endless = (async function* () {
			yield await Promise.resolve(file);
			for (; given < 0x6f00_0000; given += 1 << 20) yield Buffer.alloc(1 << 20);
		})();
		const before = process.memoryUsage().arrayBuffers;
		let most = 0;
		const watch = setInterval(() => {
			most = Math.max(most, process.memoryUsage().arrayBuffers - before);
		}, 5);
		const error = await readAll(endless).catch((failed: Error) => failed);
		clearInterval(watch);
		expect(error).toHaveProperty('message', expect.stringContaining('ends before its audio'));
		expect(given).toBeGreaterThan(0x6ef0_0000);
		expect(most).toBeLessThan(200 * (1 << 20));
	}, 60_000);

	it('does not read ahead of what is asked for', async () => {
		let pieces = 0;
		const { file } = wavOf(mono({ audio: Buffer.alloc(100_000) }));
		const source = (async function* () {
			for (const piece of inPieces(file, [1_000])) {
				pieces++;
				yield await Promise.resolve(piece);
			}
		})();
		const pcm = await openWav(new ByteReader(source));
		await pcm.read(1_280, 'mix');
		expect(pieces).toBeLessThanOrEqual(4);
	});

	it('skips as many frames as it says', async () => {
		const { file } = wavOf(mono({ channels: 2 }));
		const pcm = await openWav(new ByteReader(file));
		expect(await pcm.skip(1)).toBe(1);
		expect(await pcm.read(9, 1)).toEqual(Buffer.from([4, 0]));
		expect(await pcm.skip(3)).toBe(0);
	});

	it.each([
		['MP3', (body: Buffer) => body.writeUInt16LE(0x55, 0), 'holds MP3'],
		['Microsoft ADPCM', (body: Buffer) => body.writeUInt16LE(2, 0), 'holds Microsoft ADPCM'],
		['no channel', (body: Buffer) => body.writeUInt16LE(0, 2), 'states 0 channels'],
		['rate 0', (body: Buffer) => body.writeUInt32LE(0, 4), 'sample rate of 0 Hz'],
		['half samples', (body: Buffer) => body.writeUInt16LE(1, 12), 'blocks of 1 bytes'],
	])('refuses a WAV file with %s', async (_, change, message) => {
		const { file } = wavOf(mono());
		change(file.subarray(20));
		await expect(readAll(file)).rejects.toThrow(message);
	});

	it('refuses an extensible format of a maker of its own', async () => {
		const { file } = wavOf(mono({ isExtensible: true }));
		file[20 + 30] = 7;
		await expect(readAll(file)).rejects.toThrow('an encoding of its own');
	});

	it('averages float samples beyond full scale, infinite ones and those that are none', async () => {
		const { file } = wavOf(mono({ channels: 2, audio: Buffer.alloc(24) }));
		file.writeUInt16LE(3, 20);
		file.writeUInt16LE(8, 32);
		file.writeUInt16LE(32, 34);
		const values = [2, -0.5, Infinity, -Infinity, NaN, 0.25];
		values.forEach((value, index) => file.writeFloatLE(value, 44 + index * 4));
		const { samples } = await readAll(file, 'mix');
		expect([0, 2, 4].map((at) => samples.readInt16LE(at))).toEqual([8_192, 0, 4_096]);
	});
});

describe('audioKind', () => {
	it.each([
		['wav', 'RIFF\x10\0\0\0WAVEfmt '],
		['wav', 'RF64\xff\xff\xff\xffWAVEds64'],
		['MP3', 'ID3\x04\0'],
		['MP3', '\xff\xfb\x90\x64'],
		['AAC (ADTS)', '\xff\xf1\x50\x80'],
		['Ogg (Opus or Vorbis)', 'OggS\0\x02'],
		['FLAC', 'fLaC\0\0\0\x22'],
		['MP4 or M4A', '\0\0\0\x20ftypM4A '],
		['WebM or Matroska', '\x1a\x45\xdf\xa3'],
		['AIFF', 'FORM\0\0\0\0AIFFCOMM'],
		['web page (HTML or XML)', '\n<!DOCTYPE html><html>'],
		['JSON', '{"error": "not found"}'],
	])('recognises %s', (kind, start) => {
		expect(audioKind(Buffer.from(start, 'latin1'))).toBe(kind);
	});

	it('says nothing of samples', () => {
		expect(audioKind(Buffer.from([1, 0, 255, 255, 3, 0]))).toBeUndefined();
		expect(audioKind(Buffer.alloc(0))).toBeUndefined();
	});
});
