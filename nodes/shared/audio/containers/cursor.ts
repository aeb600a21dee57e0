import type { ByteReader } from '../byteReader';
import { UnreadableRecording } from './container';

/** Reads a recording forward and knows where it is; what is missing makes it cut off. */
export class Cursor {
	/** In bytes from the beginning of the recording. */
	position = 0;

	constructor(private readonly bytes: ByteReader) {}

	/** @throws UnreadableRecording where the recording ends before */
	async read(length: number): Promise<Buffer> {
		const bytes = await this.bytes.read(length);
		if (bytes.length < length) throw cutOff(this.position + bytes.length);
		this.position += length;
		return bytes;
	}

	/** The next bytes, which stay to be read; fewer at the end of the recording. */
	async peek(length: number): Promise<Buffer> {
		return await this.bytes.peek(length);
	}

	/** @throws UnreadableRecording where the recording ends before that position */
	async moveTo(position: number): Promise<void> {
		const passed = await this.bytes.skip(position - this.position);
		this.position += passed;
		if (this.position < position) throw cutOff(this.position);
	}

	/** Moves on to that position, or to the end where the recording has none that far. */
	async moveTowards(position: number): Promise<void> {
		this.position += await this.bytes.skip(position - this.position);
	}
}

function cutOff(length: number): UnreadableRecording {
	return new UnreadableRecording(`The file is cut off: it ends after ${length} bytes`);
}
