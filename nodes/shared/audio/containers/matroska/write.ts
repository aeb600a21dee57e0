import type { Packet, PartFile } from '../container';
import { element, elementHead, floatBytes, unsignedBytes } from './ebml';
import { ID } from './ids';
import type { TrackEntry } from './track';

/** Times are whole milliseconds, as WebM wants them. */
const TIMESTAMP_SCALE = 1_000_000;
/** A block's time counts from its cluster's, in 16 bits. */
const MAX_CLUSTER_MS = 30_000;
/** More than the header takes besides the codec's own, with the first cluster. */
const HEADER_BYTES = 512;
/** Identifier, size, track, time and flags. */
const BLOCK_BYTES = 9;
/** Of a part that would need a new cluster for every few packets there is none. */
const CLUSTER_SHARE = 3;
/** In seconds: less is a matter of rounding. */
const LEAST_DISCARDED = 0.0005;
const PRE_SKIP_AT = 10;
const OPUS_RATE = 48_000;
const IS_KEYFRAME = 0x80;
const WRITTEN_BY = Buffer.from('n8n-nodes-speech-inference');

export function sizeOfWebm(track: TrackEntry, packets: number, bytes: number): number {
	const overhead = packets * (BLOCK_BYTES + CLUSTER_SHARE);
	return HEADER_BYTES + track.codecPrivate.length + overhead + bytes;
}

/**
 * A small WebM of a run of packets of Opus or Vorbis.
 *
 * @param secondsOf what decoding a packet gives, where it says so
 */
export function writeWebm(
	track: TrackEntry,
	packets: readonly Packet[],
	secondsOf: (packet: Buffer) => number | undefined,
): PartFile {
	const priming = packets.reduce((sum, packet) => sum + (packet.priming ?? 0), 0);
	const heard = packets.reduce((sum, packet) => sum + packet.duration, 0);
	const header = element(
		ID.ebml,
		element(ID.ebmlVersion, unsignedBytes(1)),
		element(ID.ebmlReadVersion, unsignedBytes(1)),
		element(ID.ebmlMaxIdLength, unsignedBytes(4)),
		element(ID.ebmlMaxSizeLength, unsignedBytes(8)),
		element(ID.docType, Buffer.from('webm')),
		element(ID.docTypeVersion, unsignedBytes(4)),
		element(ID.docTypeReadVersion, unsignedBytes(2)),
	);
	const info = element(
		ID.info,
		element(ID.timestampScale, unsignedBytes(TIMESTAMP_SCALE)),
		element(ID.duration, floatBytes((priming + heard) * 1000)),
		element(ID.muxingApp, WRITTEN_BY),
		element(ID.writingApp, WRITTEN_BY),
	);
	const body = [
		info,
		element(ID.tracks, trackEntry(track, priming)),
		...clusters(packets, secondsOf),
	];
	const length = body.reduce((sum, part) => sum + part.length, 0);
	const content = Buffer.concat([header, elementHead(ID.segment, length), ...body]);
	return { content, extension: 'webm', mimeType: 'audio/webm' };
}

function trackEntry(track: TrackEntry, priming: number): Buffer {
	const codecPrivate = Buffer.from(track.codecPrivate);
	if (track.codecId === 'A_OPUS') {
		codecPrivate.writeUInt16LE(Math.round(priming * OPUS_RATE), PRE_SKIP_AT);
	}
	return element(
		ID.trackEntry,
		element(ID.trackNumber, unsignedBytes(1)),
		element(ID.trackUid, unsignedBytes(1)),
		element(ID.trackType, unsignedBytes(2)),
		element(ID.flagLacing, unsignedBytes(0)),
		element(ID.codecId, Buffer.from(track.codecId)),
		element(ID.codecPrivate, codecPrivate),
		element(ID.codecDelay, unsignedBytes(Math.round(priming * 1e9))),
		element(ID.seekPreRoll, unsignedBytes(track.seekPreRoll)),
		element(
			ID.audio,
			element(ID.samplingFrequency, floatBytes(track.sampleRate)),
			element(ID.channels, unsignedBytes(track.channels)),
		),
	);
}

/** The pieces of all clusters, whose blocks' bytes are not copied. */
function clusters(
	packets: readonly Packet[],
	secondsOf: (packet: Buffer) => number | undefined,
): Buffer[] {
	const pieces: Buffer[] = [];
	let blocks: Buffer[] = [];
	let clusterTime = 0;
	let seconds = 0;
	const close = () => {
		if (blocks.length === 0) return;
		const time = element(ID.timestamp, unsignedBytes(clusterTime));
		const length = blocks.reduce((sum, block) => sum + block.length, time.length);
		pieces.push(elementHead(ID.cluster, length), time, ...blocks);
		blocks = [];
	};
	for (const [index, { bytes, duration, priming = 0 }] of packets.entries()) {
		const time = Math.round(seconds * 1000);
		if (time - clusterTime > MAX_CLUSTER_MS) {
			close();
			clusterTime = time;
		}
		const head = Buffer.from([0x81, 0, 0, IS_KEYFRAME]);
		head.writeInt16BE(time - clusterTime, 1);
		const isLast = index === packets.length - 1;
		const unheard = isLast ? (secondsOf(bytes) ?? 0) - duration - priming : 0;
		if (unheard > LEAST_DISCARDED) {
			const padding = element(ID.discardPadding, signedBytes(Math.round(unheard * 1e9)));
			head.writeUInt8(0, 3);
			blocks.push(element(ID.blockGroup, element(ID.block, head, bytes), padding));
		} else {
			blocks.push(elementHead(ID.simpleBlock, head.length + bytes.length), head, bytes);
		}
		seconds += duration + priming;
	}
	close();
	return pieces;
}

/** A positive integer whose highest bit says so. */
function signedBytes(value: number): Buffer {
	return Buffer.concat([Buffer.alloc(1), unsignedBytes(value)]);
}
