/** Bits of a sample; `32f` and `64` are floating-point. */
export type BitDepth = '8' | '16' | '24' | '32' | '32f' | '64';

interface Encoding {
	codec: number;
	size: number;
	write: (bytes: Buffer, sample: number, offset: number) => void;
}

const INTEGER = 1;
const FLOAT = 3;

const scaled = (sample: number, bits: number) => {
	const full = 2 ** (bits - 1);
	return Math.max(-full, Math.min(full - 1, Math.round(sample * full)));
};

const ENCODINGS: Readonly<Record<BitDepth, Encoding>> = {
	'8': {
		codec: INTEGER,
		size: 1,
		write: (bytes, sample, offset) => bytes.writeUInt8(scaled(sample, 8) + 0x80, offset),
	},
	'16': {
		codec: INTEGER,
		size: 2,
		write: (bytes, sample, offset) => bytes.writeInt16LE(scaled(sample, 16), offset),
	},
	'24': {
		codec: INTEGER,
		size: 3,
		write: (bytes, sample, offset) => bytes.writeIntLE(scaled(sample, 24), offset, 3),
	},
	'32': {
		codec: INTEGER,
		size: 4,
		write: (bytes, sample, offset) => bytes.writeInt32LE(scaled(sample, 32), offset),
	},
	'32f': {
		codec: FLOAT,
		size: 4,
		write: (bytes, sample, offset) => bytes.writeFloatLE(sample, offset),
	},
	'64': {
		codec: FLOAT,
		size: 8,
		write: (bytes, sample, offset) => bytes.writeDoubleLE(sample, offset),
	},
};

const HEADER_BYTES = 44;

/** A WAV file of samples, each -1 to 1, one list of the same length a channel. */
export function encodeWav(
	channels: readonly Float64Array[],
	sampleRate: number,
	bitDepth: BitDepth,
): Buffer {
	const { codec, size, write } = ENCODINGS[bitDepth];
	const frameSize = size * channels.length;
	const dataLength = (channels[0]?.length ?? 0) * frameSize;
	const bytes = Buffer.alloc(HEADER_BYTES + dataLength + (dataLength % 2));
	bytes.write('RIFF', 0, 'latin1');
	bytes.writeUInt32LE(bytes.length - 8, 4);
	bytes.write('WAVEfmt ', 8, 'latin1');
	bytes.writeUInt32LE(16, 16);
	bytes.writeUInt16LE(codec, 20);
	bytes.writeUInt16LE(channels.length, 22);
	bytes.writeUInt32LE(sampleRate, 24);
	bytes.writeUInt32LE(sampleRate * frameSize, 28);
	bytes.writeUInt16LE(frameSize, 32);
	bytes.writeUInt16LE(size * 8, 34);
	bytes.write('data', 36, 'latin1');
	bytes.writeUInt32LE(dataLength, 40);
	for (const [channel, samples] of channels.entries()) {
		let offset = HEADER_BYTES + channel * size;
		for (const sample of samples) {
			write(bytes, sample, offset);
			offset += frameSize;
		}
	}
	return bytes;
}
