/** Recordings kept as fixtures, read by the nodes' code and by mediabunny, the judge of both. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ALL_FORMATS, BufferSource, EncodedPacketSink, Input } from 'mediabunny';

import type {
	ContainerFormat,
	Packet,
	RecordingBytes,
	SoundTrack,
} from '../nodes/shared/audio/containers/container.ts';
import { ByteReader } from '../nodes/shared/audio/byteReader.ts';

const FOLDER = join(__dirname, 'fixtures', 'recordings');

export function fixture(file: string): Buffer {
	return readFileSync(join(FOLDER, file));
}

/** A recording that comes in pieces of a stream, and counts how often it was opened. */
export class StreamedRecording implements RecordingBytes {
	opened = 0;

	readonly length: number;

	constructor(
		private readonly content: Buffer,
		private readonly pieceSize = 4_096,
	) {
		this.length = content.length;
	}

	open(): Promise<ByteReader> {
		this.opened++;
		return Promise.resolve(new ByteReader(this.pieces()));
	}

	private async *pieces(): AsyncGenerator<Uint8Array> {
		for (let at = 0; at < this.content.length; at += this.pieceSize) {
			yield await Promise.resolve(this.content.subarray(at, at + this.pieceSize));
		}
	}
}

export async function packetsIn(
	format: ContainerFormat,
	recording: RecordingBytes,
): Promise<{ track: SoundTrack; packets: Packet[] }> {
	const track = await format.open(recording);
	const packets: Packet[] = [];
	for await (const packet of track.packets()) packets.push(packet);
	return { track, packets };
}

export interface JudgedPacket {
	hash: string;
	/** In seconds. */
	timestamp: number;
}

/** What mediabunny finds in the first sound track of a file. */
export async function judge(content: Buffer): Promise<{ codec: string; packets: JudgedPacket[] }> {
	const input = new Input({ source: new BufferSource(content), formats: ALL_FORMATS });
	const track = await input.getPrimaryAudioTrack();
	if (!track) throw new Error('mediabunny finds no sound in it');
	const packets: JudgedPacket[] = [];
	for await (const packet of new EncodedPacketSink(track).packets()) {
		packets.push({ hash: hashOf(packet.data), timestamp: packet.timestamp });
	}
	return { codec: String(await track.getCodec()), packets };
}

export function hashOf(bytes: Uint8Array): string {
	return createHash('sha256').update(bytes).digest('hex');
}

export function secondsIn(packets: readonly Packet[]): number {
	return packets.reduce((sum, packet) => sum + packet.duration, 0);
}
