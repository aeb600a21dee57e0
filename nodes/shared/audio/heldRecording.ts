import { ByteReader } from './byteReader';
import type { RecordingBytes } from './containers/container';

/** A recording's bytes, to be read once. */
export type Content = Buffer | AsyncIterable<Uint8Array>;

/**
 * A recording whose first bytes are kept while it is looked at, so that it can be read from its
 * beginning again without being fetched again. One reader at a time.
 */
export class HeldRecording implements RecordingBytes {
	/** What comes after all that was read; `undefined` where the beginning is not kept. */
	private rest: AsyncIterator<Uint8Array> | undefined;

	private kept: Uint8Array[] = [];

	private keptBytes = 0;

	/**
	 * @param fetch fetches the recording from its beginning; again only where more than `most`
	 *   bytes were read, or it was released
	 * @param most how many bytes are kept
	 * @param length in bytes, where it is known
	 */
	constructor(
		private readonly fetch: () => Promise<Content>,
		private readonly most: number,
		readonly length?: number,
	) {}

	async open(): Promise<ByteReader> {
		return new ByteReader(this.keeping(await this.content()));
	}

	/** The recording from its beginning, to be read once: nothing of it is kept any longer. */
	async release(): Promise<AsyncGenerator<Uint8Array, void, undefined>> {
		const rest = await this.content();
		const { kept } = this;
		this.forget();
		return (async function* () {
			for (let piece = kept.shift(); piece; piece = kept.shift()) yield piece;
			yield* remaining(rest);
		})();
	}

	private async content(): Promise<AsyncIterator<Uint8Array>> {
		this.rest ??= piecesOf(await this.fetch());
		return this.rest;
	}

	/** Frees what is kept; a further reader fetches the recording again. */
	forget(): void {
		this.rest = undefined;
		this.kept = [];
		this.keptBytes = 0;
	}

	private async *keeping(
		rest: AsyncIterator<Uint8Array>,
	): AsyncGenerator<Uint8Array, void, undefined> {
		yield* [...this.kept];
		for await (const piece of remaining(rest)) {
			if (this.rest === rest) {
				this.kept.push(piece);
				this.keptBytes += piece.length;
				if (this.keptBytes > this.most) this.forget();
			}
			yield piece;
		}
	}
}

async function* remaining(
	pieces: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
	for (let next = await pieces.next(); !next.done; next = await pieces.next()) yield next.value;
}

async function* piecesOf(content: Content): AsyncGenerator<Uint8Array, void, undefined> {
	if (Buffer.isBuffer(content)) yield content;
	else yield* content;
}
