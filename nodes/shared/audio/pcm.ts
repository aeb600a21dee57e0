import type { ByteReader } from './byteReader';
import { A_LAW, MU_LAW } from './g711';

/** How the samples of a recording are stored: little-endian, channels interleaved. */
export interface PcmFormat {
	/** Integers of one byte are unsigned, longer ones signed. */
	encoding: 'integer' | 'float' | 'a-law' | 'mu-law';
	bytesPerSample: number;
	channels: number;
	/** In Hz. */
	sampleRate: number;
}

/** The average of all channels, or one of them (from 0). */
export type ChannelChoice = 'mix' | number;

/**
 * A recording read as mono samples of 16 bits, little-endian, at its own rate. A frame is one sample
 * of every channel.
 */
export class PcmReader {
	private bytesLeft: number;

	private wasCut = false;

	/**
	 * @param dataBytes the most there is to read; `Infinity` where that is not known
	 * @param isExactLength whether less than that means that the recording was cut off
	 */
	constructor(
		private readonly bytes: ByteReader,
		readonly format: PcmFormat,
		dataBytes = Infinity,
		private readonly isExactLength = false,
	) {
		this.bytesLeft = dataBytes;
	}

	/** Whether the recording was found to end before the length stated for it, or within a frame. */
	get isTruncated(): boolean {
		return this.wasCut;
	}

	/** In seconds, of what is left to be read; `undefined` where that is not known. */
	get secondsLeft(): number | undefined {
		const seconds = this.bytesLeft / this.frameSize / this.format.sampleRate;
		return Number.isFinite(seconds) ? seconds : undefined;
	}

	/** Up to `frames` frames of the chosen channel; none at the end. */
	async read(frames: number, channel: ChannelChoice): Promise<Buffer> {
		const size = this.frameSize;
		const wanted = Math.min(frames, Math.floor(this.bytesLeft / size)) * size;
		const bytes = await this.bytes.read(wanted);
		this.passed(bytes.length, wanted);
		return toMono(bytes.subarray(0, bytes.length - (bytes.length % size)), this.format, channel);
	}

	/** Passes over `frames` frames and returns how many there were. */
	async skip(frames: number): Promise<number> {
		const size = this.frameSize;
		const wanted = Math.min(frames, Math.floor(this.bytesLeft / size)) * size;
		const skipped = await this.bytes.skip(wanted);
		this.passed(skipped, wanted);
		return Math.floor(skipped / size);
	}

	private get frameSize(): number {
		return this.format.bytesPerSample * this.format.channels;
	}

	private passed(length: number, wanted: number): void {
		this.bytesLeft -= length;
		if (length === wanted) return;
		this.wasCut ||= this.isExactLength || length % this.frameSize !== 0;
		this.bytesLeft = 0;
	}
}

function toMono(bytes: Buffer, format: PcmFormat, channel: ChannelChoice): Buffer {
	const { encoding, bytesPerSample, channels } = format;
	if (channels === 1 && encoding === 'integer' && bytesPerSample === 2) return bytes;
	const frameSize = bytesPerSample * channels;
	const frames = bytes.length / frameSize;
	const mono = Buffer.allocUnsafe(frames * 2);
	const sampleAt = sampleReader(bytes, format);
	const first = channel === 'mix' ? 0 : channel;
	const count = channel === 'mix' ? channels : 1;
	for (let frame = 0; frame < frames; frame++) {
		const offset = frame * frameSize + first * bytesPerSample;
		let sum = 0;
		for (let index = 0; index < count; index++) sum += sampleAt(offset + index * bytesPerSample);
		const sample = Math.floor(sum / count + 0.5);
		mono.writeInt16LE(Math.max(-32_768, Math.min(32_767, sample)), frame * 2);
	}
	return mono;
}

/** A function that reads the sample at an offset, in units of a 16-bit sample, not yet rounded. */
function sampleReader(
	bytes: Buffer,
	{ encoding, bytesPerSample }: PcmFormat,
): (offset: number) => number {
	switch (encoding) {
		case 'a-law':
			return (offset) => A_LAW[bytes[offset] ?? 0] ?? 0;
		case 'mu-law':
			return (offset) => MU_LAW[bytes[offset] ?? 0] ?? 0;
		case 'float':
			return bytesPerSample === 8
				? (offset) => fullScale(bytes.readDoubleLE(offset))
				: (offset) => fullScale(bytes.readFloatLE(offset));
		case 'integer':
			if (bytesPerSample === 1) return (offset) => ((bytes[offset] ?? 0) - 128) * 256;
			if (bytesPerSample === 2) return (offset) => bytes.readInt16LE(offset);
			if (bytesPerSample === 3) return (offset) => bytes.readIntLE(offset, 3) / 256;
			return (offset) => bytes.readInt32LE(offset) / 65_536;
	}
}

/** A sample of -1 to 1; what lies beyond, infinite or no number must not spoil a mix. */
function fullScale(value: number): number {
	return Number.isNaN(value) ? 0 : Math.max(-1, Math.min(1, value)) * 32_768;
}
