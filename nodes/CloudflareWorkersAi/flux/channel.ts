import { NodeApiError, NodeOperationError, type IDataObject } from 'n8n-workflow';

import { authorizationHeaders } from '../../../credentials/CloudflareWorkersAiApi.credentials';
import type { ChannelChoice } from '../../shared/audio/pcm';
import { isPassing } from '../../shared/http/passing';
import { backoffMs, LONGEST_WAIT_MS, type FailedTry } from '../../shared/http/retry';
import { escapeHtml } from '../../shared/text';
import { pause } from '../../shared/time';
import { addressOf, connectionOf, probe, type Connection } from '../../shared/http/transport';
import { CLOUDFLARE } from '../service';
import { openRecording, type Recording, type RecordingInput } from './recording';
import { FluxSession, type SessionOutcome } from './session';
import { rounded, type Turn } from './turns';

const PROBE_SECONDS = 30;
const LONGEST_BACKOFF_MS = 30_000;

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
	/** Told of each turn as it is finished, and of the one that stays open. */
	onTurn: (turn: Turn) => void;
	/** Whether the messages are wanted as well. */
	keepsEvents: boolean;
}

/**
 * Transcribes one channel of a recording, over as many sessions as it takes: after a lost connection
 * the audio from the end of the last finished turn on is sent again.
 */
export class ChannelTranscription {
	/** Finished turns, and at the end the one that stayed open. */
	readonly turns: Turn[] = [];

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

	/** The turn that was open when a session was lost. */
	private open: Turn | undefined;

	/** Sessions since the last finished turn. */
	private vainTries = 0;

	/** Where the next session begins. */
	private nextSample = 0;

	private nextTurn = 0;

	/** How many events belong to finished turns. */
	private settledEvents = 0;

	constructor(private readonly settings: ChannelSettings) {}

	/**
	 * Runs until the recording has been heard; `first` is the recording opened already.
	 * @throws NodeApiError for what Cloudflare refuses or reports, or a connection lost too often;
	 * NodeOperationError where the recording cannot be read
	 */
	async run(first: Recording, signal: AbortSignal): Promise<void> {
		const { input, maxReconnects } = this.settings;
		const { context, itemIndex } = input.item;
		const connection = await connectionOf(input.item, CLOUDFLARE).catch((error: Error) => {
			first.close();
			throw new NodeOperationError(context.getNode(), error, { itemIndex });
		});
		for (let tries = 1; ; tries++) {
			const recording = tries === 1 ? first : await this.reopen(signal);
			const start = this.nextSample;
			this.vainTries++;
			const outcome = await this.session(connection, recording, signal);
			if ('seconds' in outcome && outcome.seconds !== undefined) {
				const end = start + Math.round(outcome.seconds * recording.sampleRate);
				this.seconds = rounded(end / recording.sampleRate);
				const isRepeated = this.isUnsure && this.vainTries > 0;
				this.isUnsure = outcome.kind === 'lost' && outcome.isUnsure === true;
				if (outcome.kind === 'done' || this.nextSample >= end || (isRepeated && this.isUnsure)) {
					this.isTruncated = recording.isTruncated();
					return this.keepOpen(outcome.open);
				}
			}
			if (outcome.kind !== 'refused') this.open = outcome.open ?? this.open;
			const refusal = outcome.kind === 'refused' ? await this.refusal(signal) : undefined;
			const wait = refusal?.retryAfterMs ?? Math.min(backoffMs(this.vainTries), LONGEST_BACKOFF_MS);
			const isLasting = outcome.kind === 'error' || (refusal && !isPassing(refusal.error));
			if (isLasting || tries > maxReconnects || wait > LONGEST_WAIT_MS) {
				this.keepOpen(this.open);
				throw refusal?.error ?? this.failure(outcome, tries, connection);
			}
			this.events.length = this.settledEvents;
			await pause(wait, signal);
		}
	}

	/** The recording from the end of the last finished turn on. */
	private async reopen(signal: AbortSignal): Promise<Recording> {
		const recording = await openRecording(this.settings.input, signal);
		await recording.skip(this.nextSample);
		return recording;
	}

	private async session(
		connection: Connection,
		recording: Recording,
		signal: AbortSignal,
	): Promise<SessionOutcome> {
		const { channel, eotTimeoutSeconds, keepsEvents, onTurn, path, query, speed } = this.settings;
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
					this.turns.push(turn);
					this.open = undefined;
					this.vainTries = 0;
					this.settledEvents = this.events.length;
					this.nextTurn = turn.segment.turn + 1;
					this.nextSample = Math.round((turn.heardUntil ?? turn.heardAt) * recording.sampleRate);
					onTurn(turn);
				},
				onMessage: (message) => {
					this.requestId ??= message.requestId;
					if (keepsEvents && typeof message.json?.event === 'string') {
						this.events.push({ json: message.json, receivedAt: performance.now() });
					}
				},
			},
			signal,
		);
		return await session.run();
	}

	/** The turn that stayed open is worth keeping: its last update is what was understood. */
	private keepOpen(open: Turn | undefined): void {
		if (!open) return;
		this.turns.push(open);
		this.settings.onTurn(open);
	}

	/** Why Cloudflare refuses the WebSocket, learnt by a plain request of the same address. */
	private async refusal(signal: AbortSignal): Promise<FailedTry | undefined> {
		const { input, path, query } = this.settings;
		const refusal = await probe({ ...input.item, signal }, CLOUDFLARE, {
			method: 'GET',
			path,
			query,
			timeoutSeconds: PROBE_SECONDS,
		});
		return refusal && !asksForWebSocket(refusal.error) ? refusal : undefined;
	}

	private failure(outcome: SessionOutcome, tries: number, { mask }: Connection): Error {
		const { context, itemIndex } = this.settings.input.item;
		const error = (message: string, description: string) =>
			new NodeApiError(context.getNode(), { message }, { message, description, itemIndex });
		const times = tries === 1 ? '' : ` Tried ${tries} times.`;
		switch (outcome.kind) {
			case 'error': {
				const { code, description } = outcome.error;
				return error(
					`Cloudflare broke off the transcription${code ? ` (${mask(code)})` : ''}`,
					`Cloudflare says: ${escapeHtml(mask(description))}`,
				);
			}
			case 'lost':
				return error(
					'The connection to Cloudflare was lost',
					`It ended because ${escapeHtml(mask(outcome.reason))}.${times} Try again later, or raise 'Max Reconnects'.`,
				);
			default:
				return error(
					'Cloudflare did not open the WebSocket',
					`It answers other requests at this address.${times} Check that no proxy between n8n and Cloudflare keeps WebSockets back, and 'Base URL' in the credential.`,
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
