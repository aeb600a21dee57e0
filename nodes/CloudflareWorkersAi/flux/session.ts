import { NodeOperationError, sleep } from 'n8n-workflow';

import type { ChannelChoice } from '../../shared/audio/pcm';
import type { Mask } from '../../shared/http/secrets';
import { abortable, pause } from '../../shared/time';
import { readMessage, type ErrorMessage, type FluxMessage } from './messages';
import { Pace } from './pacing';
import type { Recording } from './recording';
import { ServiceSilence } from './serviceSilence';
import { openSocket, type Socket } from './socket';
import { Timeline } from './timeline';
import { TurnTracker, type Turn } from './turns';

/** What Deepgram recommends for Flux: https://developers.deepgram.com/docs/flux/quickstart */
const FRAME_SECONDS = 0.08;
/** Linear16 is all that Flux takes. */
const BYTES_PER_SAMPLE = 2;
const HANDSHAKE_MS = 30_000;
/** A service that says nothing for so long while it gets audio has been lost. */
const LONGEST_SILENCE_MS = 15_000;
/** The service ends a session that gets no audio for about 10 s. */
const BRIDGE_AFTER_MS = 5_000;
/** Between two checks of what cannot be waited for. */
const POLL_MS = 250;
/** More than this waiting to be sent means that the network or the service is slower than the pace. */
const LONGEST_BACKLOG_SECONDS = 0.4;
/** Less audio than this sent without an answer is no sign of a lost service. */
const SHORTEST_QUIET_AUDIO_SECONDS = 1;
const BACKLOG_POLL_MS = 20;
/** The service need not mention the last frames of the audio to have heard them. */
const UNMENTIONED_SECONDS = 2 * FRAME_SECONDS;
/** How far past the end of the audio the service must have listened to have heard all of it. */
const SETTLED_SECONDS = 1;
/** A service that says nothing for so long, in time and in silence sent, has no more to say. */
const QUIET_SECONDS = 2;
/** Silence beyond the turn's time-out until a turn that stays open is taken as it is. */
const TIMEOUT_MARGIN_SECONDS = 2;
/** How long the service may take for what it has received after the end of the stream. */
const LONGEST_END_MS = 10_000;
/** And how much longer for each second of audio that it has not mentioned yet. */
const END_MS_PER_UNHEARD_SECOND = 2_000;

export interface SessionSettings {
	url: string;
	headers: Record<string, string>;
	/** For whatever the service sends. */
	mask: Mask;
	channel: ChannelChoice;
	/** Seconds of audio a second. */
	speed: number;
	/** After so much silence the service ends a turn, however unsure it is. */
	eotTimeoutSeconds: number;
}

export interface SessionListener {
	onTurn: (turn: Turn) => void;
	onMessage: (message: FluxMessage) => void;
}

/** How a session ended. */
export type SessionOutcome =
	/** All audio was heard; the recording is so many seconds long from the session's start. */
	| { kind: 'done'; seconds: number; open?: Turn }
	/** The connection was not opened, or not within the time. */
	| { kind: 'refused' }
	/**
	 * The connection was lost; `reason` completes 'because …'; `seconds` where all was sent;
	 * `isUnsure` where the service answered, but not to the end of the audio.
	 */
	| { kind: 'lost'; reason: string; seconds?: number; isUnsure?: boolean; open?: Turn }
	/** The service reports that it gives up. */
	| { kind: 'error'; error: ErrorMessage; open?: Turn }
	/** The recording could not be read on. */
	| { kind: 'unread'; error: NodeOperationError; open?: Turn };

/** Ends the waits of a session from within. */
class SessionOver extends Error {
	constructor(readonly outcome: Extract<SessionOutcome, { kind: 'lost' | 'error' }>) {
		super(outcome.kind);
	}
}

/**
 * One connection to Flux: sends a recording from where it stands to its end, at the pace of real
 * time, then silence until the last turn is closed.
 */
export class FluxSession {
	private readonly over = new AbortController();

	private readonly signal: AbortSignal;

	private readonly turns: TurnTracker;

	private readonly timeline: Timeline;

	private readonly serviceSilence = new ServiceSilence();

	private readonly pace: Pace;

	private readonly frameSamples: number;

	private readonly silence: Buffer;

	private socket: Socket | undefined;

	private isEnding = false;

	private lastSentAt = 0;

	private hasSpoken = false;

	/** Whether anything came from the service after the recording had been sent. */
	private hasAnsweredAtEnd = false;

	/** @param start the time of the recording at which the session begins, and its first turn */
	constructor(
		private readonly settings: SessionSettings,
		private readonly recording: Recording,
		start: { seconds: number; turn: number },
		private readonly listener: SessionListener,
		signal: AbortSignal,
	) {
		this.signal = AbortSignal.any([signal, this.over.signal]);
		this.frameSamples = Math.max(1, Math.round(FRAME_SECONDS * recording.sampleRate));
		this.silence = Buffer.alloc(this.frameSamples * BYTES_PER_SAMPLE);
		this.pace = new Pace(settings.speed, this.frameSamples / recording.sampleRate);
		const timeline = new Timeline(recording.sampleRate, start.seconds);
		this.timeline = timeline;
		this.turns = new TurnTracker({
			firstTurn: start.turn,
			timeOf: (seconds) => timeline.timeOf(seconds),
			sentUntil: () => timeline.timeOf(timeline.sent),
		});
	}

	/**
	 * Runs the session to its end.
	 * @returns how it ended; rejects with the signal's reason
	 */
	async run(): Promise<SessionOutcome> {
		return await this.converse()
			.catch((error: Error) => this.brokenOff(error))
			.finally(() => {
				this.over.abort();
				this.socket?.close();
				this.recording.close();
			});
	}

	/** The turn that has begun and not ended. */
	get openTurn(): Turn | undefined {
		return this.turns.open;
	}

	/** The time of the recording up to which the service has listened, where it lets that be known. */
	get heardUntil(): number | undefined {
		const { heardUntil } = this.turns;
		return heardUntil === undefined ? undefined : this.timeline.timeOf(heardUntil);
	}

	private async converse(): Promise<SessionOutcome> {
		const socket = await this.connect();
		if (!socket) return { kind: 'refused' };
		this.socket = socket;
		await this.sendRecording(socket);
		await this.sendSilence(socket);
		await this.closeStream(socket);
		const { open } = this.turns;
		const seconds = this.timeline.recorded;
		if (this.hasHeardAudio()) return { kind: 'done', seconds, open };
		const reason = 'it fell silent before it had heard all of the audio';
		return { kind: 'lost', reason, seconds, isUnsure: this.hasSpoken, open };
	}

	/** Whether the service has heard the recording to its end, as far as it lets that be known. */
	private hasHeardAudio(): boolean {
		const { heardUntil } = this.turns;
		return heardUntil === undefined
			? this.hasAnsweredAtEnd
			: heardUntil >= this.timeline.recordingEnd - UNMENTIONED_SECONDS;
	}

	private brokenOff(error: Error): SessionOutcome {
		const cause: unknown = this.over.signal.aborted ? this.over.signal.reason : error;
		if (cause instanceof SessionOver) {
			const { hasEnded, recorded } = this.timeline;
			return { ...cause.outcome, open: this.turns.open, ...(hasEnded && { seconds: recorded }) };
		}
		this.signal.throwIfAborted();
		if (!(error instanceof NodeOperationError)) throw error;
		return { kind: 'unread', error, open: this.turns.open };
	}

	private async connect(): Promise<Socket | undefined> {
		const { url, headers } = this.settings;
		const inTime = AbortSignal.any([this.signal, AbortSignal.timeout(HANDSHAKE_MS)]);
		const opening = openSocket(url, headers, (data) => this.receive(data), inTime);
		const socket = await opening.catch(() => undefined);
		this.signal.throwIfAborted();
		if (!socket || !('send' in socket)) return undefined;
		void socket.ended.then(({ code, reason }) => {
			if (!this.isEnding) this.endSession({ kind: 'lost', reason: closedBecause(code, reason) });
		});
		return socket;
	}

	private receive(data: unknown): void {
		if (this.signal.aborted) return;
		this.hasSpoken = true;
		this.hasAnsweredAtEnd ||= this.timeline.hasEnded;
		this.serviceSilence.reset();
		const message = readMessage(typeof data === 'string' ? this.settings.mask(data) : data);
		this.listener.onMessage(message);
		if (message.kind === 'error') this.endSession({ kind: 'error', error: message });
		if (message.kind !== 'turn') return;
		for (const turn of this.turns.take(message)) this.listener.onTurn(turn);
	}

	private endSession(outcome: SessionOver['outcome']): void {
		this.over.abort(new SessionOver(outcome));
	}

	private async sendRecording(socket: Socket): Promise<void> {
		this.lastSentAt = performance.now();
		this.serviceSilence.startClock();
		let next = this.startReading();
		for (;;) {
			const samples = await this.samplesOf(next, socket);
			if (samples.length === 0) break;
			next = this.startReading();
			const isWhole = samples.length === this.silence.length;
			await this.sendFrame(
				socket,
				isWhole ? samples : Buffer.concat([samples, this.silence], this.silence.length),
			);
			this.timeline.addRecorded(samples.length / BYTES_PER_SAMPLE);
		}
		this.timeline.endRecording();
	}

	/** Reads ahead by one frame, so that the next one is there when it is due. */
	private startReading(): PendingRead {
		const pending: PendingRead = {
			samples: this.recording.read(this.frameSamples, this.settings.channel),
			isSettled: false,
		};
		const settle = () => {
			pending.isSettled = true;
		};
		pending.samples.then(settle, settle);
		return pending;
	}

	/** The samples read; as long as they do not come, silence keeps the session alive. */
	private async samplesOf(read: PendingRead, socket: Socket): Promise<Buffer> {
		while (!read.isSettled) {
			await abortable(Promise.race([read.samples, sleep(POLL_MS)]), this.signal);
			this.checkSilence();
			if (!read.isSettled && performance.now() - this.lastSentAt > BRIDGE_AFTER_MS) {
				this.timeline.addBridge(this.frameSamples);
				// So little audio gives the service no reason to speak.
				this.serviceSilence.reset();
				await this.sendFrame(socket, this.silence);
			}
		}
		return await abortable(read.samples, this.signal);
	}

	/** Silence until all is heard and the last turn is closed, or will not be. */
	private async sendSilence(socket: Socket): Promise<void> {
		const { recordingEnd } = this.timeline;
		const longest = this.settings.eotTimeoutSeconds + TIMEOUT_MARGIN_SECONDS;
		for (;;) {
			const { audioSeconds, ms } = this.serviceSilence;
			const hasHeardAll = (this.turns.heardUntil ?? 0) >= recordingEnd + SETTLED_SECONDS;
			const isQuiet = audioSeconds >= QUIET_SECONDS && ms >= QUIET_SECONDS * 1_000;
			const isClosed = !this.turns.open && (hasHeardAll || isQuiet);
			if (isClosed || this.timeline.sent - recordingEnd >= longest) return;
			await this.sendFrame(socket, this.silence);
		}
	}

	private async closeStream(socket: Socket): Promise<void> {
		this.isEnding = true;
		socket.send(JSON.stringify({ type: 'CloseStream' }));
		let isEnded = false;
		const ended = socket.ended.then(() => {
			isEnded = true;
		});
		this.serviceSilence.reset();
		const unheard = Math.max(0, this.timeline.sent - (this.turns.heardUntil ?? 0));
		const deadline = performance.now() + LONGEST_END_MS + END_MS_PER_UNHEARD_SECOND * unheard;
		while (!isEnded && this.serviceSilence.ms < LONGEST_END_MS && performance.now() < deadline) {
			await abortable(Promise.race([ended, sleep(POLL_MS)]), this.signal);
			this.serviceSilence.countTime();
		}
	}

	private async sendFrame(socket: Socket, frame: Buffer): Promise<void> {
		for (;;) {
			const wait = this.pace.wait(performance.now());
			if (wait <= 0) break;
			await pause(Math.ceil(wait), this.signal);
		}
		const backlog = this.recording.sampleRate * BYTES_PER_SAMPLE * LONGEST_BACKLOG_SECONDS;
		let least = Infinity;
		let leastAt = performance.now();
		while (socket.bufferedAmount() > backlog) {
			if (socket.bufferedAmount() < least) {
				least = socket.bufferedAmount();
				leastAt = performance.now();
			} else if (performance.now() - leastAt > LONGEST_SILENCE_MS) {
				this.endSession({ kind: 'lost', reason: 'Cloudflare took no more audio' });
			}
			await pause(BACKLOG_POLL_MS, this.signal);
			this.checkSilence();
		}
		this.checkSilence();
		this.signal.throwIfAborted();
		socket.send(frame);
		this.lastSentAt = performance.now();
		this.pace.count(this.lastSentAt);
		this.timeline.addSent(this.frameSamples);
		this.serviceSilence.addAudio(this.timeline.secondsOf(this.frameSamples));
	}

	/** Ends a session in which nothing has been heard of the service for too long. */
	private checkSilence(): void {
		this.serviceSilence.countTime();
		const { audioSeconds, ms } = this.serviceSilence;
		if (ms > LONGEST_SILENCE_MS && audioSeconds >= SHORTEST_QUIET_AUDIO_SECONDS) {
			const seconds = LONGEST_SILENCE_MS / 1_000;
			this.endSession({
				kind: 'lost',
				reason: `nothing came from Cloudflare for ${seconds} seconds`,
			});
		}
	}
}

interface PendingRead {
	samples: Promise<Buffer>;
	isSettled: boolean;
}

function closedBecause(code: number, reason: string): string {
	const why = reason === '' ? '' : `, ${reason}`;
	return code === 1006 ? 'it broke off' : `Cloudflare closed it (code ${code}${why})`;
}
