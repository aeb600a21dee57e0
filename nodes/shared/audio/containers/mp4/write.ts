import type { Packet, PartFile } from '../container';
import type { SoundCodec } from './soundDescription';

/** Beyond it the times of four hours do not fit in 32 bits. */
const MAX_TIMESCALE = 192_000;
const USUAL_TIMESCALE = 48_000;
/** More than the boxes take besides a codec's configuration and what each packet takes. */
const HEADER_BYTES = 1_024;
/** A size, and a run of times of its own. */
const PACKET_BYTES = 12;
const ENTRY_RATE_LIMIT = 0x1_0000;

export function sizeOfM4a(codec: SoundCodec, packets: number, bytes: number): number {
	return HEADER_BYTES + codec.config.length + packets * PACKET_BYTES + bytes;
}

/**
 * A small M4A of a run of packets, its directory in front. What decoding the first packets gives
 * before the recording begins is left out by an edit list.
 *
 * @param ticksPerSecond in which the packets' times are whole numbers
 */
export function writeM4a(
	codec: SoundCodec,
	ticksPerSecond: number,
	packets: readonly Packet[],
): PartFile {
	const timescale = ticksPerSecond <= MAX_TIMESCALE ? ticksPerSecond : USUAL_TIMESCALE;
	const bytes = packets.reduce((sum, packet) => sum + packet.bytes.length, 0);
	const times = measure(packets, timescale);
	const ftyp = box('ftyp', Buffer.from('M4A \0\0\0\0M4A mp42isom', 'latin1'));
	const movie = (audioAt: number) =>
		box(
			'moov',
			movieHeader(timescale, times.heard),
			box(
				'trak',
				trackHeader(times.heard),
				box('edts', editList(times)),
				box(
					'mdia',
					mediaHeader(timescale, times.total),
					fullBox('hdlr', 0, Buffer.alloc(4), Buffer.from('soun'), Buffer.alloc(13)),
					box(
						'minf',
						fullBox('smhd', 0, Buffer.alloc(4)),
						box('dinf', fullBox('dref', 0, uint32(1), fullBox('url ', 1))),
						box(
							'stbl',
							fullBox('stsd', 0, uint32(1), sampleEntry(codec)),
							fullBox('stts', 0, uint32(times.runs.length / 2), ...times.runs.map(uint32)),
							fullBox('stsc', 0, uint32(1), uint32(1), uint32(packets.length), uint32(1)),
							fullBox('stsz', 0, uint32(0), uint32(packets.length), sizes(packets)),
							fullBox('stco', 0, uint32(1), uint32(audioAt)),
						),
					),
				),
			),
		);
	const length = ftyp.length + movie(0).length + 8;
	const audio = [uint32(bytes + 8), Buffer.from('mdat'), ...packets.map((packet) => packet.bytes)];
	const content = Buffer.concat([ftyp, movie(length), ...audio]);
	return { content, extension: 'm4a', mimeType: 'audio/mp4' };
}

interface Times {
	/** In ticks, of all packets. */
	total: number;
	/** In ticks, what of it is heard. */
	heard: number;
	/** How many packets last how many ticks, one after the other. */
	runs: number[];
}

/** Rounds where packets begin, not how long they are, so that errors do not add up. */
function measure(packets: readonly Packet[], timescale: number): Times {
	const runs: number[] = [];
	let seconds = 0;
	let heard = 0;
	let total = 0;
	for (const { priming = 0, duration } of packets) {
		seconds += priming + duration;
		heard += duration;
		const ticks = Math.round(seconds * timescale) - total;
		total += ticks;
		if (runs.length > 0 && runs[runs.length - 1] === ticks) runs[runs.length - 2]! += 1;
		else runs.push(1, ticks);
	}
	return { total, heard: Math.round(heard * timescale), runs };
}

function sizes(packets: readonly Packet[]): Buffer {
	const table = Buffer.alloc(packets.length * 4);
	packets.forEach((packet, index) => table.writeUInt32BE(packet.bytes.length, index * 4));
	return table;
}

const UNITY_MATRIX = Buffer.concat(
	[0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000].map((value) => uint32(value)),
);

function movieHeader(timescale: number, heard: number): Buffer {
	const rateAndVolume = Buffer.from('00010000010000000000000000000000', 'hex');
	const rest = [rateAndVolume, UNITY_MATRIX, Buffer.alloc(24), uint32(2)];
	return fullBox('mvhd', 0, Buffer.alloc(8), uint32(timescale), uint32(heard), ...rest);
}

/** Enabled, in the movie and in its preview. */
const TRACK_FLAGS = 7;

function trackHeader(heard: number): Buffer {
	const volume = Buffer.from('00000000000000000000000001000000', 'hex');
	const head = [Buffer.alloc(8), uint32(1), uint32(0), uint32(heard)];
	return fullBox('tkhd', TRACK_FLAGS, ...head, volume, UNITY_MATRIX, Buffer.alloc(8));
}

function editList({ total, heard }: Times): Buffer {
	return fullBox('elst', 0, uint32(1), uint32(heard), uint32(total - heard), uint32(0x10000));
}

/** The language is not said. */
const UNDETERMINED = Buffer.from('55c40000', 'hex');

function mediaHeader(timescale: number, total: number): Buffer {
	return fullBox('mdhd', 0, Buffer.alloc(8), uint32(timescale), uint32(total), UNDETERMINED);
}

function sampleEntry(codec: SoundCodec): Buffer {
	const head = Buffer.alloc(28);
	head.writeUInt16BE(1, 6);
	head.writeUInt16BE(codec.channels || 2, 16);
	head.writeUInt16BE(16, 18);
	if (codec.sampleRate < ENTRY_RATE_LIMIT) head.writeUInt16BE(codec.sampleRate, 24);
	if (codec.name === 'ALAC') return box('alac', head, fullBox('alac', 0, codec.config));
	return box('mp4a', head, fullBox('esds', 0, streamDescriptor(codec.config)));
}

/** MPEG-4 audio that is a stream of sound, with its rates left open. */
function streamDescriptor(config: Buffer): Buffer {
	const decoder = Buffer.concat([
		Buffer.from([0x40, 0x15]),
		Buffer.alloc(11),
		descriptor(5, config),
	]);
	const synchronisation = descriptor(6, Buffer.from([2]));
	return descriptor(3, Buffer.alloc(3), descriptor(4, decoder), synchronisation);
}

function descriptor(tag: number, ...parts: Buffer[]): Buffer {
	const body = Buffer.concat(parts);
	const { length } = body;
	const digits = [length >> 21, length >> 14, length >> 7].map((digit) => (digit & 0x7f) | 0x80);
	return Buffer.concat([Buffer.from([tag, ...digits, length & 0x7f]), body]);
}

function box(type: string, ...parts: Buffer[]): Buffer {
	const body = Buffer.concat(parts);
	return Buffer.concat([uint32(body.length + 8), Buffer.from(type, 'latin1'), body]);
}

/** A box with a version, 0, and flags. */
function fullBox(type: string, flags: number, ...parts: Buffer[]): Buffer {
	return box(type, uint32(flags), ...parts);
}

function uint32(value: number): Buffer {
	const bytes = Buffer.alloc(4);
	bytes.writeUInt32BE(Math.min(Math.max(value, 0), 0xffff_ffff));
	return bytes;
}
