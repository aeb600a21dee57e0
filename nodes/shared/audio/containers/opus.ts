import { UnreadableRecording } from './container';
import type { OggCodec } from './oggCodec';

/** Positions and delays count at this rate, whatever the recording's own (RFC 7845, 4). */
const RATE = 48_000;
const HEADER_BYTES = 19;
const PRE_SKIP_AT = 10;
/** What a decoder takes to settle (RFC 7845, 4.6: 3840 samples). */
const WARM_UP = 0.08;
const MAX_PACKET_SAMPLES = 5_760;

/** Samples of a frame, by `config` of the first byte (RFC 6716, 3.1): SILK, hybrid and CELT. */
const FRAME_SAMPLES = {
	silk: [480, 960, 1_920, 2_880],
	hybrid: [480, 960],
	celt: [120, 240, 480, 960],
} as const;

/** @param header the packet that an Ogg stream of Opus begins with (RFC 7845, 5.1) */
export function opusCodec(header: Buffer): OggCodec {
	const version = header[8] ?? 0;
	if (header.length < HEADER_BYTES || version >> 4 !== 0) {
		throw new UnreadableRecording('The Ogg file is damaged: its Opus header cannot be read');
	}
	const preSkip = header.readUInt16LE(PRE_SKIP_AT);
	return {
		name: 'Opus',
		rate: RATE,
		headerPackets: 2,
		warmUp: WARM_UP,
		priming: preSkip,
		isOverlapped: false,
		counter: () => samplesOf,
		headersOf: (priming) => {
			const own = Buffer.from(header);
			own.writeUInt16LE(priming, PRE_SKIP_AT);
			return [own, OPUS_TAGS];
		},
		identity: () => Buffer.concat([header.subarray(8, PRE_SKIP_AT), header.subarray(16)]),
	};
}

const OPUS_TAGS = Buffer.concat([Buffer.from('OpusTags'), Buffer.alloc(8)]);

function samplesOf(packet: Buffer): number {
	const [first, second = 0] = packet;
	if (first === undefined) return 0;
	const samples = frameCount(first, second) * frameSamples(first >> 3);
	if (samples > MAX_PACKET_SAMPLES) {
		throw new UnreadableRecording(
			'The Ogg file is damaged: a packet of Opus is longer than 120 ms',
		);
	}
	return samples;
}

function frameCount(first: number, second: number): number {
	const code = first & 3;
	if (code === 0) return 1;
	return code === 3 ? second & 0x3f : 2;
}

function frameSamples(config: number): number {
	if (config < 12) return FRAME_SAMPLES.silk[config & 3] ?? 0;
	if (config < 16) return FRAME_SAMPLES.hybrid[config & 1] ?? 0;
	return FRAME_SAMPLES.celt[config & 3] ?? 0;
}
