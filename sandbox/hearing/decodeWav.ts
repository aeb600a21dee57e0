/** Sound as it lies in a file: frames of one sample a channel. */
export interface WavAudio {
	/** Frames a second. */
	sampleRate: number;
	channelCount: number;
	frameCount: number;
	/** Up to `count` frames from `start` on: one list of samples, each -1 to 1, a channel. */
	read: (start: number, count: number) => Float64Array[];
}

type ReadSample = (bytes: Buffer, offset: number) => number;

const PCM: Readonly<Record<number, ReadSample>> = {
	8: (bytes, offset) => (bytes.readUInt8(offset) - 0x80) / 0x80,
	16: (bytes, offset) => bytes.readInt16LE(offset) / 0x8000,
	24: (bytes, offset) => bytes.readIntLE(offset, 3) / 0x80_0000,
	32: (bytes, offset) => bytes.readInt32LE(offset) / 0x8000_0000,
};

const FLOAT: Readonly<Record<number, ReadSample>> = {
	32: (bytes, offset) => bytes.readFloatLE(offset),
	64: (bytes, offset) => bytes.readDoubleLE(offset),
};

const FORMAT_PCM = 1;
const FORMAT_FLOAT = 3;
const FORMAT_EXTENSIBLE = 0xfffe;

/**
 * Opens a WAV file for reading a part at a time. Not left to the library wavefile, which needs four
 * seconds for a minute of audio, all at once and in memory; the server would stand still.
 * A data chunk whose length is a placeholder (0 or all ones, as streaming writers leave it), or
 * beyond the end of the file, goes to the end of the file.
 *
 * @throws Error where the bytes are no WAV file of integer or floating-point PCM
 */
export function decodeWav(bytes: Buffer): WavAudio {
	if (bytes.toString('latin1', 0, 4) !== 'RIFF' || bytes.toString('latin1', 8, 12) !== 'WAVE') {
		throw new Error('it does not begin with RIFF and WAVE');
	}
	const format = chunkOf(bytes, 'fmt ');
	const data = chunkOf(bytes, 'data');
	if (!format || format.length < 16) throw new Error('it has no fmt chunk');
	if (!data) throw new Error('it has no data chunk');

	const code = format.readUInt16LE(0);
	const codec = code === FORMAT_EXTENSIBLE && format.length >= 26 ? format.readUInt16LE(24) : code;
	const channelCount = format.readUInt16LE(2);
	const sampleRate = format.readUInt32LE(4);
	const frameSize = format.readUInt16LE(12);
	const bitDepth = format.readUInt16LE(14);
	const readers = codec === FORMAT_PCM ? PCM : codec === FORMAT_FLOAT ? FLOAT : {};
	const readSample = readers[bitDepth];
	if (!readSample) throw new Error(`codec ${codec} with ${bitDepth} bits is not PCM`);
	if (channelCount === 0 || frameSize !== (channelCount * bitDepth) / 8) {
		throw new Error(`${channelCount} channels of ${bitDepth} bits do not fill ${frameSize} bytes`);
	}

	const frameCount = Math.floor(data.length / frameSize);
	return {
		sampleRate,
		channelCount,
		frameCount,
		read: (start, count) => {
			const length = Math.max(0, Math.min(count, frameCount - start));
			return Array.from({ length: channelCount }, (_, channel) =>
				Float64Array.from({ length }, (__, index) =>
					readSample(data, (start + index) * frameSize + (channel * bitDepth) / 8),
				),
			);
		},
	};
}

function chunkOf(bytes: Buffer, id: string): Buffer | undefined {
	let offset = 12;
	while (offset + 8 <= bytes.length) {
		const start = offset + 8;
		const length = bytes.readUInt32LE(offset + 4);
		if (bytes.toString('latin1', offset, offset + 4) === id) {
			const isOpen = id === 'data' && length === 0;
			return bytes.subarray(start, isOpen ? undefined : start + length);
		}
		offset = start + length + (length % 2);
	}
	return undefined;
}
