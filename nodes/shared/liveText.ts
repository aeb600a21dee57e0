import type { ChunkType } from 'n8n-workflow';

import { isToolRun, type Item } from './item';
import { abortable } from './time';

/** A listener that has not taken a piece by then is gone: the transcript does not wait for it. */
const LONGEST_WAIT_MS = 5_000;

/**
 * The text of an item as it comes into being, sent to whoever listens where the workflow answers in a
 * stream; nothing at all where it does not, or where n8n is too old to stream. Pieces go out in order.
 * A listener that is gone, or never takes a piece, gets no more and neither fails nor holds up the item.
 */
export class LiveText {
	/** Whether somebody listens. */
	readonly isStreaming: boolean;

	private hasBegun = false;

	private isListenerGone = false;

	private sending: Promise<void> = Promise.resolve();

	constructor(private readonly item: Item) {
		const { context } = item;
		this.isStreaming =
			typeof context.isStreaming === 'function' &&
			typeof context.sendChunk === 'function' &&
			context.isStreaming() &&
			// What an agent's tool hears is for the agent.
			!isToolRun(context);
	}

	/** Opens the item's message; what follows before it, or a second time, is not sent. */
	begin(): void {
		if (this.hasBegun) return;
		this.hasBegun = true;
		this.send('begin');
	}

	/** A piece of the text; nothing is sent for an empty one. */
	add(text: string): void {
		if (this.hasBegun && text !== '') this.send('item', text);
	}

	/** The text is complete. Resolves when it is sent, or will not be, after 5 seconds at the latest. */
	async end(): Promise<void> {
		if (this.hasBegun) this.send('end');
		await this.sent();
	}

	/** As `end`, with the whole text as one piece where nothing of it has been sent. */
	async endWith(text: string): Promise<void> {
		if (!this.hasBegun) {
			this.begin();
			this.add(text);
		}
		await this.end();
	}

	/** The text breaks off for the reason given. Resolves as `end` does. */
	async fail(reason: string): Promise<void> {
		if (this.hasBegun) this.send('error', reason);
		await this.sent();
	}

	private send(type: ChunkType, content?: string): void {
		if (!this.isStreaming) return;
		this.sending = this.sending.then(async () => {
			if (this.isListenerGone) return;
			const { context, itemIndex } = this.item;
			try {
				// n8n's types hide that it is asynchronous.
				await this.inTime(Promise.resolve(context.sendChunk(type, itemIndex, content)));
			} catch {
				this.isListenerGone = true;
			}
		});
	}

	/** Many pieces that are each taken slowly must not add up. */
	private async sent(): Promise<void> {
		await this.inTime(this.sending).catch(() => {
			this.isListenerGone = true;
		});
	}

	private async inTime(work: Promise<void>): Promise<void> {
		await abortable(work, AbortSignal.timeout(LONGEST_WAIT_MS));
	}
}
