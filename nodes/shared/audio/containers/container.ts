import type { ByteReader } from '../byteReader';

/**
 * One packet of a recording's sound track: the smallest run of bytes that can be cut out without
 * decoding it. Packets of a track follow each other without gaps.
 */
export interface Packet {
	/** As they are stored, without anything of the container. */
	bytes: Buffer;
	/**
	 * In seconds from the beginning of the recording; below 0 for what a decoder gives before it and
	 * a file of the format cannot call unwanted.
	 */
	start: number;
	/** In seconds. */
	duration: number;
	/**
	 * In seconds: what decoding it gives before the recording begins and is not heard (the delay of
	 * an encoder). Not part of `duration`; only at the beginning of a recording.
	 */
	priming?: number;
	/**
	 * How loud it is, where the bytes tell that undecoded: about a decibel or two a step, from a zero
	 * of the format's own. Only compared with packets of the same recording.
	 */
	loudness?: number;
}

/** A small valid file made of consecutive packets. */
export interface PartFile {
	content: Buffer;
	/** Without a dot, such as `m4a`. */
	extension: string;
	mimeType: string;
}

/** The sound track of a recording, read once, while the file streams by. */
export interface SoundTrack {
	/** What was found, in the user's words: `MP3`, `MP4 video (AAC)`. */
	format: string;
	/** Whether the file has pictures besides the sound. */
	isVideo: boolean;
	/** In seconds, where the file says so before its packets. */
	duration?: number;
	/**
	 * How many seconds before its first wanted sound a part must begin, since a decoder needs the
	 * packets before it to be right: 0 where every packet stands alone. May rise while packets are
	 * read.
	 */
	readonly warmUp: number;
	/** Whether the packets read so far ended before what the file states, as by a broken download. */
	readonly isCutOff?: boolean;
	/**
	 * The packets in order of time, as they are read.
	 * @throws UnreadableRecording where the file is damaged or encrypted, or was cut off in a way that
	 * makes what is there useless
	 */
	packets(): AsyncGenerator<Packet, void, undefined>;
	/** What a file of so many packets with so many bytes in all takes, in bytes, or a little more. */
	sizeOf(packets: number, bytes: number): number;
	/**
	 * A file of a run of the track's packets, whose own time begins at 0 with the first sound that
	 * the first packet gives once decoded.
	 */
	write(packets: readonly Packet[]): PartFile;
}

/** The bytes of a recording, from their beginning. */
export interface RecordingBytes {
	/** In bytes, where it is known. */
	length?: number;
	/**
	 * A new reader at the first byte. A second call may cost a second reading of the store, and is
	 * made only by formats whose directory may stand behind the sound.
	 */
	open(): Promise<ByteReader>;
}

/** A container format that recordings can be cut in; one file a format. */
export interface ContainerFormat {
	/** For messages, such as `MP4, M4A or MOV`. */
	name: string;
	/** Whether a file that begins with these bytes (64, or all there are) is of this format. */
	matches(start: Buffer): boolean;
	/** @throws UnreadableRecording where it holds no sound track that can be cut */
	open(recording: RecordingBytes): Promise<SoundTrack>;
}

/** The recording cannot be cut; the message says what was found, as a sentence without its full stop. */
export class UnreadableRecording extends Error {}
