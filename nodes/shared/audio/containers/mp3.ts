import { audioKind } from '../signature';
import type { ByteReader } from '../byteReader';
import {
	UnreadableRecording,
	type ContainerFormat,
	type Packet,
	type PartFile,
	type SoundTrack,
} from './container';
import { openFlac } from './flac';
import {
	HEADER_BYTES,
	MAX_FRAME_BYTES,
	MAX_TAG_FRAME_BYTES,
	mpegFrameAt,
	sideInfoOf,
	tagFrame,
	type MpegFrame,
	type OtherMpegFrame,
} from './mpegFrame';

/** How much that is no frame may stand between two; more would be sound that is missing. */
const MAX_GAP_BYTES = 65_536;
const SEARCH_BYTES = 16_384;
/** Frames in a row that tell a frame from bytes that only look like one. */
const CHAIN = 3;
const CHAIN_BYTES = CHAIN * MAX_FRAME_BYTES + HEADER_BYTES;
/**
 * Samples that a decoder gives before the sound of the first frame. Players leave them out where a
 * tag states the encoder's own delay too, as in parts; without one they are heard as silence.
 */
const DECODER_DELAY = 529;
const MAX_WARM_UP = 0.6;
/** Frames that can hold the longest debt at the lowest rate. */
const MAX_DEBT_FRAMES = 24;

export const MP3: ContainerFormat = {
	name: 'MP3',
	matches: (start) => audioKind(start) === 'MP3',
	async open(recording) {
		const reader = await recording.open();
		await skipTags(reader);
		const start = await reader.peek(64);
		if (start.toString('latin1', 0, 4) === 'fLaC') return await openFlac(reader);
		const first = mpegFrameAt(start, 0);
		if (first && 'name' in first) throw new UnreadableRecording(`The file is ${first.name}`);
		if (!(await findFrame(reader)).isFound) {
			const kind = audioKind(start);
			throw new UnreadableRecording(
				`No MP3 sound was found in the file${kind && kind !== 'MP3' ? `, which looks like ${kind}` : ''}`,
			);
		}
		const frame = frameOf(mpegFrameAt(await reader.peek(HEADER_BYTES), 0));
		const bytes = await reader.peek(frame.size);
		const about = tagOf(bytes, frame);
		if (about) await reader.skip(frame.size);
		return new Mp3Track(reader, frame, about);
	},
};

class Mp3Track implements SoundTrack {
	readonly format = 'MP3';

	readonly isVideo = false;

	readonly duration: number | undefined;

	private frames = 0;

	/** Of the last frames: how many bytes of main data each has room for. */
	private readonly room: number[] = [];

	/** In frames: the longest that one of them had to look back for its main data. */
	private debt = 0;

	constructor(
		private readonly reader: ByteReader,
		private readonly kind: MpegFrame,
		private readonly tag: FirstFrameTag | undefined,
	) {
		if (tag?.frames) {
			const samples = tag.frames * kind.samples - (tag.delay ?? 0) - (tag.padding ?? 0);
			this.duration = Math.max(0, samples / kind.sampleRate);
		}
	}

	/** The frames that hold a frame's main data, those of the frame it overlaps with, and that one. */
	get warmUp(): number {
		const { samples, sampleRate } = this.kind;
		return Math.min(MAX_WARM_UP, ((this.debt + 2) * samples) / sampleRate);
	}

	get isCutOff(): boolean {
		return this.frames < (this.tag?.frames ?? 0) - 1;
	}

	async *packets(): AsyncGenerator<Packet, void, undefined> {
		const { samples, sampleRate } = this.kind;
		const delay = this.tag?.delay ?? -DECODER_DELAY;
		for (;;) {
			const frame = await this.nextFrame();
			if (!frame) return;
			const bytes = await this.reader.read(frame.size);
			if (bytes.length < frame.size) return;
			const { owed, loudness } = sideInfoOf(bytes, frame);
			this.remember(owed, frame.size - frame.mainDataAt);
			yield {
				bytes: tagOf(bytes, frame) ? silenced(bytes) : bytes,
				start: (this.frames * samples - delay) / sampleRate,
				duration: samples / sampleRate,
				loudness,
			};
			this.frames++;
		}
	}

	sizeOf(_packets: number, bytes: number): number {
		return MAX_TAG_FRAME_BYTES + bytes;
	}

	write(packets: readonly Packet[]): PartFile {
		const frames = packets.map(({ bytes }) => bytes);
		const length = frames.reduce((sum, bytes) => sum + bytes.length, 0);
		const first = frames[0] ?? Buffer.alloc(0);
		return {
			content: Buffer.concat([tagFrame(first, frames.length, length), ...frames]),
			extension: 'mp3',
			mimeType: 'audio/mpeg',
		};
	}

	private remember(owed: number, room: number): void {
		let missing = owed;
		let looked = 0;
		while (missing > 0 && looked < this.room.length) {
			looked++;
			missing -= this.room[this.room.length - looked] ?? 0;
		}
		this.debt = Math.max(this.debt, looked);
		this.room.push(Math.max(0, room));
		if (this.room.length > MAX_DEBT_FRAMES) this.room.shift();
	}

	private async nextFrame(): Promise<MpegFrame | undefined> {
		const next = mpegFrameAt(await this.reader.peek(HEADER_BYTES), 0);
		if (isOfKind(next, this.kind)) return next;
		await skipTags(this.reader);
		const { isFound, passed } = await findFrame(this.reader);
		if (!isFound) return undefined;
		const frame = frameOf(mpegFrameAt(await this.reader.peek(HEADER_BYTES), 0));
		if (!isOfKind(frame, this.kind)) throw this.damaged('its sample rate changes');
		if (passed > MAX_GAP_BYTES) throw this.damaged(`${passed} bytes hold no sound`);
		return frame;
	}

	private damaged(how: string): UnreadableRecording {
		const seconds = Math.round((this.frames * this.kind.samples) / this.kind.sampleRate);
		return new UnreadableRecording(`The MP3 file is damaged: ${how} after ${seconds} s`);
	}
}

/** Frames that can stand in one stream: of the same version and rate, and with it layer. */
function isOfKind(
	frame: MpegFrame | OtherMpegFrame | undefined,
	kind: MpegFrame,
): frame is MpegFrame {
	return (
		frame !== undefined &&
		'size' in frame &&
		frame.version === kind.version &&
		frame.sampleRate === kind.sampleRate
	);
}

function frameOf(frame: MpegFrame | OtherMpegFrame | undefined): MpegFrame {
	if (!frame || 'name' in frame)
		throw new UnreadableRecording('No MP3 sound was found in the file');
	return frame;
}

/** Moves a reader to the first of a row of frames, or to the end where there is none. */
async function findFrame(reader: ByteReader): Promise<{ isFound: boolean; passed: number }> {
	let passed = 0;
	for (;;) {
		const bytes = await reader.peek(SEARCH_BYTES);
		const isAtEnd = bytes.length < SEARCH_BYTES;
		const searched = isAtEnd ? bytes.length : SEARCH_BYTES - CHAIN_BYTES;
		let at = bytes.indexOf(0xff);
		while (at >= 0 && at < searched && !isChain(bytes, at)) at = bytes.indexOf(0xff, at + 1);
		const isFound = at >= 0 && at < searched;
		passed += await reader.skip(isFound ? at : searched);
		if (isFound || isAtEnd) return { isFound, passed };
	}
}

/** Whether frames of one kind follow each other from there on, as far as the bytes go. */
function isChain(bytes: Buffer, offset: number): boolean {
	const first = mpegFrameAt(bytes, offset);
	if (!first || 'name' in first) return false;
	let at = offset;
	for (let count = 0; count < CHAIN; count++) {
		const frame = mpegFrameAt(bytes, at);
		if (!isOfKind(frame, first)) return count > 0 && isEnd(bytes, at);
		at += frame.size;
		if (at > bytes.length) return count > 0;
	}
	return true;
}

function isEnd(bytes: Buffer, at: number): boolean {
	return at === bytes.length || /^(TAG|ID3|APETAGEX)/.test(bytes.toString('latin1', at, at + 8));
}

/** Passes over tags in front of the sound or within it: ID3v2, and APE. */
async function skipTags(reader: ByteReader): Promise<void> {
	for (;;) {
		const head = await reader.peek(32);
		const size = tagSize(head);
		if (size === 0 || (await reader.skip(size)) < size) return;
	}
}

const ID3_HEADER_BYTES = 10;
const APE_HEADER_BYTES = 32;

function tagSize(head: Buffer): number {
	const text = head.toString('latin1');
	if (/^ID3/.test(text) && head.length >= ID3_HEADER_BYTES) {
		const hasFooter = ((head[5] ?? 0) & 0x10) !== 0;
		const size = [6, 7, 8, 9].reduce((sum, at) => sum * 128 + ((head[at] ?? 0) & 0x7f), 0);
		return ID3_HEADER_BYTES + size + (hasFooter ? ID3_HEADER_BYTES : 0);
	}
	if (/^APETAGEX/.test(text) && head.length === APE_HEADER_BYTES) {
		return APE_HEADER_BYTES + head.readUInt32LE(12);
	}
	return 0;
}

/** What encoders put into a frame of silence in front: Xing or Info with LAME's part, or VBRI. */
interface FirstFrameTag {
	frames?: number;
	/** Samples that the encoder put in front and behind, where it says so. */
	delay?: number;
	padding?: number;
}

const XING_FLAGS = { frames: 1, bytes: 2, contents: 4, quality: 8 };
const XING_CONTENTS_BYTES = 100;
const LAME_DELAY_AT = 21;
const VBRI_AT = HEADER_BYTES + 32;

function tagOf(bytes: Buffer, frame: MpegFrame): FirstFrameTag | undefined {
	const at = frame.mainDataAt;
	const name = bytes.toString('latin1', at, at + 4);
	if (name === 'Xing' || name === 'Info') return xingTag(bytes.subarray(at));
	if (bytes.toString('latin1', VBRI_AT, VBRI_AT + 4) !== 'VBRI') return undefined;
	const frames = bytes.length >= VBRI_AT + 18 ? bytes.readUInt32BE(VBRI_AT + 14) : undefined;
	return { frames };
}

function xingTag(tag: Buffer): FirstFrameTag {
	if (tag.length < 12) return {};
	const flags = tag.readUInt32BE(4);
	const has = (flag: number) => (flags & flag) !== 0;
	const frames = has(XING_FLAGS.frames) ? tag.readUInt32BE(8) : undefined;
	const encoderAt =
		8 +
		(has(XING_FLAGS.frames) ? 4 : 0) +
		(has(XING_FLAGS.bytes) ? 4 : 0) +
		(has(XING_FLAGS.contents) ? XING_CONTENTS_BYTES : 0) +
		(has(XING_FLAGS.quality) ? 4 : 0);
	const delays = encoderAt + LAME_DELAY_AT;
	const encoder = tag.toString('latin1', encoderAt, encoderAt + 4);
	if (!/^(LAME|Lav[cf])/.test(encoder) || tag.length < delays + 3) {
		return { frames };
	}
	const both = tag.readUIntBE(delays, 3);
	return { frames, delay: both >> 12, padding: both & 0xfff };
}

/** A frame of the same length without sound: one with a tag in it would be read as a file's first. */
function silenced(bytes: Buffer): Buffer {
	const silence = Buffer.alloc(bytes.length);
	bytes.copy(silence, 0, 0, HEADER_BYTES);
	silence[1] = (silence[1] ?? 0) | 1;
	return silence;
}
