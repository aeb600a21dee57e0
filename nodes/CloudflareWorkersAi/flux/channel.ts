import { NodeApiError, NodeOperationError, type IDataObject } from 'n8n-workflow';

import { authorizationHeaders } from '../../../credentials/CloudflareWorkersAiApi.credentials';
import type { ChannelChoice } from '../../shared/audio/pcm';
import { isPassing } from '../../shared/http/passing';
import type { FailedTry } from '../../shared/http/retry';
import type { Service } from '../../shared/http/service';
import { escapeHtml, sentence } from '../../shared/text';
import { pause } from '../../shared/time';
import { addressOf, connectionOf, probe, type Connection } from '../../shared/http/transport';
import { CLOUDFLARE } from '../service';
import { openRecording, type Recording, type RecordingInput } from './recording';
import { Reconnects, type Loss } from './reconnects';
import { FluxSession, type SessionOutcome } from './session';
import { rounded, type Turn } from './turns';

/** A word may have begun so much before the service says that it has listened further. */
const LATE_WORDS_SECONDS = 2;
const PROBE_SECONDS = 30;
/** The question why a WebSocket is refused has no 'Timeout' of the user's. */
const PROBED: Service = {
	...CLOUDFLARE,
	timeoutAdvice: 'Cloudflare may be busy: try again later.',
};

export interface ChannelSettings {
	input: RecordingInput;
	channel: ChannelChoice;
	/** Below the credential's base URL. */
	path: string;
	/** For the recording's sample rate. */
	query: URLSearchParams;
	speed: number;
	eotTimeoutSeconds: number;
	maxReconnects: number;
	/** Called when `turns` or `settledUntil` may have changed. */
	onProgress: () => void;
	/** Whether the messages are wanted as well. */
	keepsEvents: boolean;
}

/** Options that are sent, by the name they are sent with. */
const OPTIONS_BY_FIELD = [
	['eot_threshold', 'End of Turn Threshold'],
	['eager_eot_threshold', 'Eager End of Turn Threshold'],
	['eot_timeout_ms', 'End of Turn Timeout'],
	['keyterm', 'Key Terms'],
	['tags', 'Tags'],
] as const;

type FailedSession = Exclude<SessionOutcome, { kind: 'done' }>;

/**
 * Transcribes one channel of a recording, over as many sessions as it takes: after a lost connection
 * the audio from the end of the last finished turn on is sent again.
 */
export class ChannelTranscription {
	/** Finished turns, and at the end the one that stayed open. */
	readonly finished: Turn[] = [];

	/** Messages with an event and when they came; those of turns that were heard anew are left out. */
	readonly events: Array<{ json: IDataObject; receivedAt: number }> = [];

	/** Of the first session. */
	requestId: string | undefined;

	/** Length of the recording in seconds, once it has been read. */
	seconds: number | undefined;

	/** Whether the file turned out to end before the length it states. */
	isTruncated = false;

	/** Whether Cloudflare never let it be known that it heard the recording to its end. */
	isUnsure = false;

	private current: FluxSession | undefined;

	private isDone = false;

	/** The turn that was open when a session was lost. */
	private lostTurn: Turn | undefined;

	/** Whether a turn was finished in the session under way. */
	private hasAdvanced = false;

	/** Where the next session begins. */
	private nextSample = 0;

	private nextTurn = 0;

	/** How many events belong to finished turns. */
	private settledEvents = 0;

	private readonly reconnects: Reconnects;

	constructor(private readonly settings: ChannelSettings) {
		this.reconnects = new Reconnects(settings.maxReconnects);
	}

	/** What has been heard so far: finished turns, and the one that is open. */
	get turns(): Turn[] {
		const open = this.current?.openTurn ?? this.lostTurn;
		return open ? [...this.finished, open] : this.finished;
	}

	/** No turn to come was first heard before this time of the recording, in seconds. */
	get settledUntil(): number {
		if (this.isDone) return Infinity;
		const open = this.current?.openTurn;
		if (open) return open.heardAt;
		return (this.lostTurn?.heardAt ?? this.current?.heardUntil ?? 0) - LATE_WORDS_SECONDS;
	}

	/**
	 * Runs until the recording has been heard; `first` is the recording opened already.
	 * @throws NodeApiError for what Cloudflare refuses or reports, or a connection lost too often;
	 * NodeOperationError where the recording cannot be read
	 */
	async run(first: Recording, signal: AbortSignal): Promise<void> {
		const { context, itemIndex } = this.settings.input.item;
		const connection = await connectionOf(this.settings.input.item, CLOUDFLARE).catch(
			(error: Error) => {
				first.close();
				throw new NodeOperationError(context.getNode(), error, { itemIndex });
			},
		);
		let recording: Recording | undefined = first;
		for (;;) {
			const loss = await this.attempt(connection, recording, signal);
			if (!loss) return this.end();
			const wait = this.reconnects.waitAfter(loss, performance.now());
			if (wait === undefined) throw this.last(loss);
			this.events.length = this.settledEvents;
			recording = undefined;
			await pause(wait, signal);
		}
	}

	/** One session; without a recording it is opened again. */
	private async attempt(
		connection: Connection,
		opened: Recording | undefined,
		signal: AbortSignal,
	): Promise<Loss | undefined> {
		let recording = opened;
		try {
			recording ??= await this.reopen(signal);
		} catch (error) {
			signal.throwIfAborted();
			return { error: error as Error };
		}
		const start = this.nextSample;
		this.hasAdvanced = false;
		const outcome = await this.session(connection, recording, signal);
		if ('seconds' in outcome && outcome.seconds !== undefined) {
			const end = start + Math.round(outcome.seconds * recording.sampleRate);
			this.seconds = rounded(end / recording.sampleRate);
			const isRepeated = this.isUnsure && !this.hasAdvanced;
			this.isUnsure = outcome.kind === 'lost' && outcome.isUnsure === true;
			if (outcome.kind === 'done' || this.nextSample >= end || (isRepeated && this.isUnsure)) {
				this.isTruncated = recording.isTruncated();
				this.keepOpen(outcome.open);
				return undefined;
			}
		}
		return outcome.kind === 'done' ? undefined : await this.lossBy(outcome, connection, signal);
	}

	private async lossBy(
		outcome: FailedSession,
		connection: Connection,
		signal: AbortSignal,
	): Promise<Loss> {
		if (outcome.kind === 'refused') {
			const refusal = await this.refusal(signal);
			if (!refusal) return { error: this.failure(outcome, connection) };
			const { error, retryAfterMs } = refusal;
			const isUnreachable = isPassing(error);
			return { error, retryAfterMs, isUnreachable, isLasting: !isUnreachable };
		}
		this.lostTurn = outcome.open ?? this.lostTurn;
		return {
			error: this.failure(outcome, connection),
			isLasting: outcome.kind === 'error' && !outcome.error.isPassing,
		};
	}

	/** The error of the last session, with what was tried before. */
	private last({ error }: Loss): Error {
		const { summary } = this.reconnects;
		if (summary !== '' && (error instanceof NodeApiError || error instanceof NodeOperationError)) {
			error.description = `${error.description ?? ''} ${summary}`.trim();
		}
		return error;
	}

	/** The recording from the end of the last finished turn on. */
	private async reopen(signal: AbortSignal): Promise<Recording> {
		const recording = await openRecording(this.settings.input, signal);
		let isSkipped = false;
		try {
			await recording.skip(this.nextSample);
			isSkipped = true;
		} finally {
			if (!isSkipped) recording.close();
		}
		return recording;
	}

	private async session(
		connection: Connection,
		recording: Recording,
		signal: AbortSignal,
	): Promise<SessionOutcome> {
		const { channel, eotTimeoutSeconds, keepsEvents, onProgress, path, query, speed } =
			this.settings;
		const session = new FluxSession(
			{
				url: addressOf(connection, { path, query }).replace(/^http/i, 'ws'),
				headers: authorizationHeaders(connection.credential),
				mask: connection.mask,
				channel,
				speed,
				eotTimeoutSeconds,
			},
			recording,
			{ seconds: this.nextSample / recording.sampleRate, turn: this.nextTurn },
			{
				onTurn: (turn) => {
					this.finished.push(turn);
					this.lostTurn = undefined;
					this.hasAdvanced = true;
					this.reconnects.turnFinished();
					this.settledEvents = this.events.length;
					this.nextTurn = turn.segment.turn + 1;
					this.nextSample = Math.round((turn.heardUntil ?? turn.heardAt) * recording.sampleRate);
					onProgress();
				},
				onMessage: (message) => {
					this.requestId ??= message.requestId;
					if (keepsEvents && typeof message.json?.event === 'string') {
						this.events.push({ json: message.json, receivedAt: performance.now() });
					}
					onProgress();
				},
			},
			signal,
		);
		this.current = session;
		const outcome = await session.run();
		this.current = undefined;
		if (outcome.kind !== 'refused') this.reconnects.sessionOpened();
		return outcome;
	}

	/** The turn that stayed open is worth keeping: its last update is what was understood. */
	private keepOpen(open: Turn | undefined): void {
		this.lostTurn = undefined;
		if (open) this.finished.push(open);
	}

	private end(): void {
		this.isDone = true;
		this.settings.onProgress();
	}

	/** Why Cloudflare refuses the WebSocket, learnt by a plain request of the same address. */
	private async refusal(signal: AbortSignal): Promise<FailedTry | undefined> {
		const { input, path, query } = this.settings;
		const refusal = await probe({ ...input.item, signal }, PROBED, {
			method: 'GET',
			path,
			query,
			timeoutSeconds: PROBE_SECONDS,
		});
		return refusal && !asksForWebSocket(refusal.error) ? refusal : undefined;
	}

	/** What a WebSocket can be refused for, in the user's words. */
	private askedFor(): string {
		const { query } = this.settings;
		const options = OPTIONS_BY_FIELD.filter(([field]) => query.has(field));
		return [
			`a sample rate of ${query.get('sample_rate')} Hz`,
			...options.map(([field, name]) => `'${name}' ${escapeHtml(query.getAll(field).join(', '))}`),
		].join(', ');
	}

	private failure(outcome: FailedSession, { mask }: Connection): NodeApiError | NodeOperationError {
		const { context, itemIndex } = this.settings.input.item;
		const error = (message: string, description: string) =>
			new NodeApiError(context.getNode(), { message }, { message, description, itemIndex });
		switch (outcome.kind) {
			case 'error': {
				const { code, description } = outcome.error;
				return error(
					`Cloudflare broke off the transcription${code ? ` (${mask(code)})` : ''}`,
					`Cloudflare says: ${sentence(escapeHtml(mask(description)))}`,
				);
			}
			case 'lost':
				return error(
					'The connection to Cloudflare was lost',
					`It ended because ${escapeHtml(mask(outcome.reason))}. Try again later, or raise 'Max Reconnects'.`,
				);
			case 'unread':
				return outcome.error;
			case 'refused':
				return error(
					'Cloudflare did not open the WebSocket',
					`It does not say why, and answers other requests at this address. It may not take what was asked for: ${this.askedFor()}. Or a proxy between n8n and Cloudflare keeps WebSockets back, or 'Base URL' in the credential is not that of Cloudflare's API.`,
				);
		}
	}
}

/** What a plain request of the address is told where nothing but the WebSocket is missing. */
function asksForWebSocket(error: Error): boolean {
	if (!(error instanceof NodeApiError)) return false;
	// A path that takes WebSockets alone may refuse the method of a plain request.
	if (error.httpCode === '426' || error.httpCode === '405') return true;
	return error.httpCode === '400' && /upgrade|web ?socket/i.test(error.description ?? '');
}
