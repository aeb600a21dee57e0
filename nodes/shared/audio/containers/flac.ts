import { audioKind } from '../signature';
import type { ByteReader } from '../byteReader';
import {
	UnreadableRecording,
	type ContainerFormat,
	type Packet,
	type PartFile,
	type SoundTrack,
} from './container';
import { nextCrc16 } from './crc';
import {
	MAX_HEADER_BYTES,
	STREAM_INFO_BYTES,
	flacFrameAt,
	parseStreamInfo,
	renumbered,
	streamInfoBytes,
	type FlacFrameHeader,
	type StreamInfo,
} from './flacFrame';

const SIGNATURE = Buffer.from('fLaC');
const BLOCK_HEADER_BYTES = 4;
const LAST_BLOCK = 0x80;
const FILE_HEADER_BYTES = SIGNATURE.length + BLOCK_HEADER_BYTES + STREAM_INFO_BYTES;
/** By how much a frame's header can grow with its new number. */
const NUMBER_GROWTH = 6;
const FIRST_SEARCH_BYTES = 16_384;
const DECIBELS_A_BIT = 6.02;

export const FLAC: ContainerFormat = {
	name: 'FLAC',
	matches: (start) => audioKind(start) === 'FLAC',
	open: async (recording) => await openFlac(await recording.open()),
};

/** @throws UnreadableRecording where no FLAC begins at the reader's place */
export async function openFlac(reader: ByteReader): Promise<SoundTrack> {
	await reader.skip(SIGNATURE.length);
	let info: StreamInfo | undefined;
	for (let isLast = false; !isLast; ) {
		const header = await reader.read(BLOCK_HEADER_BYTES);
		if (header.length < BLOCK_HEADER_BYTES) throw damaged('it ends before its sound');
		isLast = ((header[0] ?? 0) & LAST_BLOCK) !== 0;
		const length = header.readUIntBE(1, 3);
		if (info) {
			await reader.skip(length);
			continue;
		}
		info = parseStreamInfo(await reader.read(Math.min(length, STREAM_INFO_BYTES)));
		if (!info) throw damaged('the description of its format (STREAMINFO) cannot be read');
		await reader.skip(length - STREAM_INFO_BYTES);
	}
	if (!info) throw damaged('the description of its format (STREAMINFO) is missing');
	return new FlacTrack(reader, info);
}

class FlacTrack implements SoundTrack {
	readonly format = 'FLAC';

	readonly isVideo = false;

	readonly warmUp = 0;

	private samples = 0;

	private endedEarly = false;

	constructor(
		private readonly reader: ByteReader,
		private readonly info: StreamInfo,
	) {}

	get duration(): number | undefined {
		const { totalSamples, sampleRate } = this.info;
		return totalSamples > 0 ? totalSamples / sampleRate : undefined;
	}

	get isCutOff(): boolean {
		return this.endedEarly || this.samples < this.info.totalSamples;
	}

	async *packets(): AsyncGenerator<Packet, void, undefined> {
		const { sampleRate, channels } = this.info;
		let header = flacFrameAt(await this.reader.peek(MAX_HEADER_BYTES), 0, this.info);
		if (!header) {
			if ((await this.reader.peek(1)).length === 0) return;
			throw this.damaged();
		}
		while (header) {
			const end: FrameEnd = await this.findEnd(header);
			if (end.length === 0) return;
			const bytes = await this.reader.read(end.length);
			yield {
				bytes,
				start: this.samples / sampleRate,
				duration: header.blockSize / sampleRate,
				loudness: ((bytes.length * 8) / header.blockSize / channels) * DECIBELS_A_BIT,
			};
			this.samples += header.blockSize;
			header = end.next;
		}
	}

	sizeOf(packets: number, bytes: number): number {
		return FILE_HEADER_BYTES + bytes + packets * NUMBER_GROWTH;
	}

	write(packets: readonly Packet[]): PartFile {
		const frames: Buffer[] = [];
		let samples = 0;
		for (const [index, { bytes }] of packets.entries()) {
			const header = flacFrameAt(bytes, 0, this.info);
			if (!header) throw this.damaged();
			frames.push(renumbered(bytes, header, header.isVariable ? samples : index));
			samples += header.blockSize;
		}
		const sizes = frames.map(({ length }) => length);
		const blockHeader = Buffer.from([LAST_BLOCK, 0, 0, STREAM_INFO_BYTES]);
		const info = streamInfoBytes(
			{ ...this.info, totalSamples: samples },
			{
				smallest: sizes.reduce((least, size) => Math.min(least, size), sizes[0] ?? 0),
				largest: sizes.reduce((most, size) => Math.max(most, size), 0),
			},
		);
		return {
			content: Buffer.concat([SIGNATURE, blockHeader, info, ...frames]),
			extension: 'flac',
			mimeType: 'audio/flac',
		};
	}

	/**
	 * How long the frame at the reader's place is. Nothing states that: the next one begins where the
	 * check of all bytes is right and a header follows that counts on.
	 */
	private async findEnd(header: FlacFrameHeader): Promise<FrameEnd> {
		const most = largestFrame(header, this.info);
		const nextNumber = header.number + (header.isVariable ? header.blockSize : 1);
		let crc = 0;
		let at = 0;
		for (let wanted = FIRST_SEARCH_BYTES; ; wanted *= 2) {
			const bytes = await this.reader.peek(wanted + MAX_HEADER_BYTES);
			const isAtEnd = bytes.length < wanted + MAX_HEADER_BYTES;
			const searched = isAtEnd ? bytes.length : wanted;
			for (; at < searched; at++) {
				if (crc === 0 && at > 0 && bytes[at] === 0xff) {
					const next = flacFrameAt(bytes, at, this.info);
					if (next?.number === nextNumber && next.isVariable === header.isVariable) {
						return { length: at, next };
					}
				}
				if (crc === 0 && at > header.length && isTag(bytes, at)) return { length: at };
				crc = nextCrc16(crc, bytes[at] ?? 0);
			}
			if (isAtEnd) {
				this.endedEarly = crc !== 0;
				return { length: this.endedEarly ? 0 : at };
			}
			if (at > most) throw this.damaged();
		}
	}

	private damaged(): UnreadableRecording {
		const seconds = Math.round(this.samples / this.info.sampleRate);
		return damaged(`no frame of sound was found after ${seconds} s`);
	}
}

interface FrameEnd {
	/** In bytes; 0 where the file ends within the frame. */
	length: number;
	next?: FlacFrameHeader;
}

/** In bytes: more than the samples take uncompressed means that there is no frame. */
function largestFrame({ blockSize }: FlacFrameHeader, info: StreamInfo): number {
	return 1_024 + Math.ceil((blockSize * info.channels * (info.bitsPerSample + 1)) / 8);
}

/** ID3v1, which some programs put at the end. */
function isTag(bytes: Buffer, at: number): boolean {
	return (
		bytes[at] === 0x54 &&
		bytes.length - at === 128 &&
		bytes.toString('latin1', at, at + 3) === 'TAG'
	);
}

function damaged(how: string): UnreadableRecording {
	return new UnreadableRecording(`The FLAC file is damaged: ${how}`);
}
