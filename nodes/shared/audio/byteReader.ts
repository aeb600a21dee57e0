/**
 * Reads bytes of a stream when they are asked for, and no further: what is not asked for stays with
 * the source. Holds at most what was asked for and one piece of the stream.
 */
export class ByteReader {
	private readonly pieces: AsyncIterator<Uint8Array> | undefined;

	private rest: Buffer;

	/** Whether the source has been read to its end. */
	private isAtEnd: boolean;

	constructor(source: Buffer | AsyncIterable<Uint8Array>) {
		this.isAtEnd = Buffer.isBuffer(source);
		this.rest = Buffer.isBuffer(source) ? source : Buffer.alloc(0);
		this.pieces = Buffer.isBuffer(source) ? undefined : source[Symbol.asyncIterator]();
	}

	/** The next `length` bytes; fewer only at the end of the source. */
	async read(length: number): Promise<Buffer> {
		await this.fill(length);
		const bytes = this.rest.subarray(0, length);
		this.rest = this.rest.subarray(bytes.length);
		return bytes;
	}

	/** The next bytes as `read` gives them, which stay to be read. */
	async peek(length: number): Promise<Buffer> {
		await this.fill(length);
		return this.rest.subarray(0, length);
	}

	/** Passes over `length` bytes and returns how many there were. */
	async skip(length: number): Promise<number> {
		let left = length;
		while (left > 0) {
			await this.fill(1);
			if (this.rest.length === 0) break;
			const passed = Math.min(left, this.rest.length);
			this.rest = this.rest.subarray(passed);
			left -= passed;
		}
		return length - left;
	}

	private async fill(length: number): Promise<void> {
		if (this.rest.length >= length) return;
		const parts = [this.rest];
		let size = this.rest.length;
		while (size < length && !this.isAtEnd) {
			const next = await this.pieces?.next();
			if (!next || next.done) {
				this.isAtEnd = true;
			} else {
				const { buffer, byteOffset, byteLength } = next.value;
				parts.push(Buffer.from(buffer, byteOffset, byteLength));
				size += byteLength;
			}
		}
		this.rest = parts.length === 1 ? this.rest : Buffer.concat(parts, size);
	}
}
