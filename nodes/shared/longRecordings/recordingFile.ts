import { NodeApiError, NodeOperationError } from 'n8n-workflow';

import { openAudio } from '../audio/body';
import { CONTAINERS } from '../audio/containers';
import { UnreadableRecording, type SoundTrack } from '../audio/containers/container';
import { HeldRecording } from '../audio/heldRecording';
import { inspectRecording, openSoundTrack } from '../audio/inspection';
import type { PartLimits } from '../audio/parts';
import { AUDIO_BODY, audioInMemory, type AudioSource, type OpenAudio } from '../audio/source';
import { slowBody, unreadBody } from '../http/failure';
import { inputError, type Item } from '../item';
import { abortable } from '../time';

const BYTES_PER_MEGABYTE = 1_000_000;
/** A stall is told after nine tenths of the limit at the earliest. */
const RENEWALS_PER_LIMIT = 10;

/** How a recording is to be sent: as one file, or cut while its sound is read. */
export type Sending = { whole: AudioSource } | { track: SoundTrack };

/**
 * An item's recording that is looked at before it is sent. What lies in n8n's store is read again for
 * being sent; a download is held, so that it is not made again.
 */
export class RecordingFile {
	private readonly held: HeldRecording;

	private open: OpenAudio | undefined;

	private constructor(
		private readonly item: Item,
		private readonly source: AudioSource,
		private readonly limits: PartLimits,
		private readonly stallSeconds: number,
		private readonly first: OpenAudio,
	) {
		let unread: OpenAudio | undefined = first;
		this.open = first;
		this.held = new HeldRecording(
			async () => {
				const audio = unread ?? (await openAudio(item, source, item.signal));
				if (!unread) this.close();
				unread = undefined;
				this.open = audio;
				return Buffer.isBuffer(audio.content) ? audio.content : this.piecesOf(audio.content);
			},
			limits.bytes,
			first.length,
		);
	}

	/**
	 * @param stallSeconds how long its source may send nothing
	 * @throws NodeOperationError for an empty file; whatever the source throws
	 */
	static async open(
		item: Item,
		source: AudioSource,
		limits: PartLimits,
		stallSeconds: number,
	): Promise<RecordingFile> {
		const first = await openAudio(item, source, item.signal);
		return new RecordingFile(item, source, limits, stallSeconds, first);
	}

	/** Its own name; `undefined` where it has none. */
	get name(): string | undefined {
		return this.first.fileName;
	}

	/**
	 * @param isTaken whether the service takes a file by its name and type; one that it does not take
	 *   is cut where it can be, since its sound then goes out in a file that is taken
	 * @throws NodeOperationError where it must be cut and cannot be, or cannot be read
	 */
	async sending(isTaken: (audio: OpenAudio) => boolean): Promise<Sending> {
		try {
			const { mustBeCut, format } = await inspectRecording(this.held, this.limits);
			if (mustBeCut) return { track: await this.track(format) };
			if (!isTaken(this.first)) {
				const track = await openSoundTrack(this.held).catch(ifUnreadable(() => undefined));
				if (track) return { track };
			}
			if (!this.first.isStored) return { whole: await this.inMemory() };
			// It is read again as it is sent: what was looked at must not stay in memory meanwhile.
			this.held.forget();
			this.close();
			return { whole: this.source };
		} catch (error) {
			throw this.readFailure(error as Error);
		}
	}

	/**
	 * Why reading it broke off, as an error of the item.
	 * @param isSent whether something of it was sent before
	 */
	readFailure(cause: Error, isSent = false): Error {
		this.item.signal.throwIfAborted();
		if (cause instanceof UnreadableRecording) {
			return isSent ? this.damage(cause.message) : this.refusal(cause.message);
		}
		if (cause instanceof NodeOperationError || cause instanceof NodeApiError) return cause;
		return unreadBody(this.item, AUDIO_BODY, this.open?.failure() ?? cause);
	}

	close(): void {
		this.open?.close();
	}

	private async track(format: string | undefined): Promise<SoundTrack> {
		return await openSoundTrack(this.held).catch(
			ifUnreadable(({ message }) => {
				throw this.refusal(message, format);
			}),
		);
	}

	private damage(found: string): NodeOperationError {
		return inputError(
			this.item,
			'The recording is damaged, and could not be transcribed to its end',
			`${found}. Check the node or address that supplies the file.`,
		);
	}

	private refusal(found: string, format?: string): NodeOperationError {
		const { length } = this.first;
		const limit = megabytes(this.limits.bytes);
		const size = length === undefined ? `more than ${limit}` : megabytes(length);
		const isTooLarge = length === undefined || length > this.limits.bytes;
		const known = CONTAINERS.map(({ name }) => name).join(', ');
		return inputError(
			this.item,
			isTooLarge
				? `The recording is above 'Part Megabytes' and cannot be cut: it has ${size}, and ${limit} are sent whole`
				: "The recording cannot be cut, and as a whole it is a video or above 'Part Minutes'",
			`${found}${format && !found.includes(format) ? ` (${format})` : ''}. Nothing was sent. What can be cut: ${known}. Convert it to one of these in a step before, or set 'Long Recordings' to Send Whole.`,
		);
	}

	/** All of it, which is no more than the limit. */
	private async inMemory(): Promise<AudioSource> {
		const pieces: Uint8Array[] = [];
		for await (const piece of await this.held.release()) pieces.push(piece);
		const content = Buffer.concat(pieces);
		const { fileName, mimeType } = this.first;
		return () => Promise.resolve(audioInMemory(content, fileName, mimeType));
	}

	private async *piecesOf(
		content: AsyncIterable<Uint8Array>,
	): AsyncGenerator<Uint8Array, void, undefined> {
		const { item, stallSeconds } = this;
		const pieces = content[Symbol.asyncIterator]();
		const limit = () => {
			const deadline = AbortSignal.timeout(Math.ceil(stallSeconds * 1_000));
			const signal = AbortSignal.any([item.signal, deadline]);
			return { deadline, signal, since: performance.now() };
		};
		let stall = limit();
		for (;;) {
			// One signal for many pieces: each would stay in memory until its time is up.
			const age = performance.now() - stall.since;
			if (age > (stallSeconds * 1_000) / RENEWALS_PER_LIMIT) stall = limit();
			const { deadline, signal } = stall;
			const next = await abortable(pieces.next(), signal).catch((error: Error) => {
				throw deadline.aborted ? slowBody(item, AUDIO_BODY, stallSeconds) : error;
			});
			if (next.done) return;
			yield next.value;
		}
	}
}

function ifUnreadable<Value>(value: (error: UnreadableRecording) => Value) {
	return (error: unknown): Value => {
		if (error instanceof UnreadableRecording) return value(error);
		throw error;
	};
}

function megabytes(bytes: number): string {
	return `${Math.ceil((bytes * 10) / BYTES_PER_MEGABYTE) / 10} MB`;
}
