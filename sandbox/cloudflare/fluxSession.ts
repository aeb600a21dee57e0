import { createHash, randomUUID } from 'node:crypto';

import type { RawData, WebSocket } from 'ws';

import type { FluxSettings } from './fluxFields.ts';
import { Arrivals } from './pacing.ts';
import { TurnDetector, type TurnEvent } from './turns.ts';

/** How a session is treated badly; a time is one of the audio received in the session, in seconds. */
export interface SocketFault {
	/** Ends the connection at this time, or before this frame, without a close frame. */
	dropAtSeconds?: number;
	dropAfterFrames?: number;
	/** Closes in due form with this code instead of dropping. */
	dropCode?: number;
	/** Sends nothing from this time on, and stays open. */
	silentFromSeconds?: number;
	/** Sends an error message at this time, and closes. */
	error?: { atSeconds: number; code: string; description: string; type?: 'Error' | 'FatalError' };
	/** Takes no more than so many bytes a second from the network. */
	bytesPerSecond?: number;
	/** Never ends a turn. */
	openTurns?: boolean;
}

/** How the stand-in differs from the published protocol, as services do. */
export interface FluxQuirks {
	/** Leaves `type` out, as Cloudflare's own schema does. */
	withoutType?: boolean;
	/** Gives words without times, as Cloudflare's own schema does. */
	withoutWordTimes?: boolean;
	/** Ends the open turn on CloseStream, as older descriptions say. */
	endsTurnOnClose?: boolean;
	/** Adds messages of unknown types and events, and text that is no JSON. */
	strangers?: boolean;
	/** Ends a session that gets no audio for so long; default 10 s. */
	idleMs?: number;
}

/** What a session received and sent, for tests to look at. */
export interface FluxSessionRecord {
	requestId: string;
	/** Path with query, as it was sent. */
	path: string;
	/** Names in lower case; of Authorization only the scheme. */
	headers: Record<string, string>;
	sampleRate: number;
	frames: number;
	bytes: number;
	smallestFrame: number;
	largestFrame: number;
	/** Of all PCM bytes received so far. */
	readonly sha256: string;
	/** The bytes themselves, where they are kept. */
	readonly pcm: Buffer | undefined;
	arrivals: Arrivals;
	/** Text frames of the client. */
	texts: string[];
	/** Messages sent, but for Updates. */
	events: TurnEvent[];
	/** Milliseconds since 1970. */
	startedAt: number;
	endedAt?: number;
	/** As the client closed it; absent where it did not. */
	closeCode?: number;
}

export interface SessionOptions {
	path: string;
	headers: Record<string, string>;
	settings: FluxSettings;
	fault: SocketFault;
	quirks: FluxQuirks;
	keepPcm: boolean;
}

/** Serves one Flux session on an open socket; the record is filled as it goes. */
export function serveFlux(socket: WebSocket, options: SessionOptions): FluxSessionRecord {
	return new FluxSession(socket, options).record;
}

class FluxSession {
	readonly record: FluxSessionRecord;
	private readonly socket: WebSocket;
	private readonly options: SessionOptions;
	private readonly detector: TurnDetector;
	private readonly hash = createHash('sha256');
	private readonly pieces: Buffer[] = [];
	private sequence = 0;
	private oddByte = Buffer.alloc(0);
	private idle: NodeJS.Timeout | undefined;
	/** Messages that a slow reader has not taken yet. */
	private readonly unread: Array<() => void> = [];
	private reading: NodeJS.Timeout | undefined;

	constructor(socket: WebSocket, options: SessionOptions) {
		const { fault, headers, path, settings } = options;
		this.socket = socket;
		this.options = options;
		this.detector = new TurnDetector(settings);
		this.detector.endsTurns = !fault.openTurns;
		const { hash, pieces } = this;
		this.record = {
			requestId: randomUUID(),
			path,
			headers,
			sampleRate: settings.sampleRate,
			frames: 0,
			bytes: 0,
			smallestFrame: Infinity,
			largestFrame: 0,
			get sha256() {
				return hash.copy().digest('hex');
			},
			get pcm() {
				return options.keepPcm ? Buffer.concat(pieces) : undefined;
			},
			arrivals: new Arrivals(),
			texts: [],
			events: [],
			startedAt: Date.now(),
		};
		socket.on('message', (data, isBinary) => this.receive(data, isBinary));
		socket.on('error', () => socket.terminate());
		socket.on('close', (code) => this.closed(code));
		this.awaitAudio();
		this.send({ type: 'Connected' });
	}

	private receive(data: RawData, isBinary: boolean): void {
		const bytes = data as Buffer;
		const read = () => {
			if (this.socket.readyState !== this.socket.OPEN) return;
			if (isBinary) this.receiveAudio(bytes);
			else this.receiveText(bytes.toString('utf8'));
		};
		const { bytesPerSecond } = this.options.fault;
		if (bytesPerSecond === undefined) read();
		else this.readSlowly(read, (bytes.length / bytesPerSecond) * 1_000);
	}

	/** Takes one message after another, each in its time, and nothing from the network meanwhile. */
	private readSlowly(read: () => void, ms: number): void {
		const next = () => {
			this.reading = setTimeout(() => {
				read();
				this.unread.shift();
				const [following] = this.unread;
				if (following) following();
				else this.socket.resume();
			}, ms);
		};
		this.unread.push(next);
		this.socket.pause();
		if (this.unread.length === 1) next();
	}

	private receiveAudio(frame: Buffer): void {
		const { fault, settings } = this.options;
		const { record } = this;
		if (frame.length === 0)
			return this.fail('EMPTY_AUDIO_FRAME', 'A binary message holds no audio');
		if (record.frames === fault.dropAfterFrames) return this.drop();
		this.awaitAudio();
		record.frames++;
		record.bytes += frame.length;
		record.smallestFrame = Math.min(record.smallestFrame, frame.length);
		record.largestFrame = Math.max(record.largestFrame, frame.length);
		record.arrivals.add(frame.length / 2 / settings.sampleRate);
		this.hash.update(frame);
		if (this.options.keepPcm) this.pieces.push(frame);
		for (const event of this.detector.push(this.samplesOf(frame))) this.sendEvent(event);
		this.misbehave();
	}

	private samplesOf(frame: Buffer): Float64Array {
		const bytes = this.oddByte.length > 0 ? Buffer.concat([this.oddByte, frame]) : frame;
		const count = Math.floor(bytes.length / 2);
		this.oddByte = Buffer.from(bytes.subarray(count * 2));
		return Float64Array.from(
			{ length: count },
			(_, index) => bytes.readInt16LE(index * 2) / 32_768,
		);
	}

	private get heardSeconds(): number {
		return this.record.arrivals.audioSeconds;
	}

	private misbehave(): void {
		const { dropAtSeconds, error } = this.options.fault;
		if (dropAtSeconds !== undefined && this.heardSeconds >= dropAtSeconds) return this.drop();
		if (error && this.heardSeconds >= error.atSeconds) {
			this.fail(error.code, error.description, error.type);
		}
	}

	private drop(): void {
		const { dropCode } = this.options.fault;
		if (dropCode === undefined) this.socket.terminate();
		else this.socket.close(dropCode);
	}

	private receiveText(text: string): void {
		this.record.texts.push(text);
		const type = typeOf(text);
		if (type !== 'CloseStream') {
			const reason =
				type === undefined
					? 'the message is no JSON object with a type'
					: `unknown variant \`${type}\`, expected \`CloseStream\``;
			return this.fail(
				'UNPARSABLE_CLIENT_MESSAGE',
				`Could not parse the client message: ${reason}`,
			);
		}
		for (const event of this.detector.end()) this.sendEvent(event);
		if (this.options.quirks.endsTurnOnClose && this.detector.isOpen) {
			this.sendEvent(this.detector.endTurn('model'));
		}
		this.socket.close();
	}

	private sendEvent(event: TurnEvent): void {
		const { quirks } = this.options;
		if (event.event !== 'Update') this.record.events.push(event);
		const words = quirks.withoutWordTimes
			? event.words.map(({ word, confidence }) => ({ word, confidence }))
			: event.words;
		if (quirks.strangers) this.sendStrangers(event);
		this.send({ type: 'TurnInfo', ...event, words });
	}

	/** What a tolerant client passes over. */
	private sendStrangers({ turn_index }: TurnEvent): void {
		this.send({ type: 'Metadata', note: 'unknown to clients' });
		this.send({
			type: 'TurnInfo',
			event: 'TurnMused',
			turn_index,
			transcript: 'never said',
			words: [],
		});
		if (!this.isMute) this.socket.send('no JSON');
	}

	private get isMute(): boolean {
		return this.heardSeconds >= (this.options.fault.silentFromSeconds ?? Infinity);
	}

	private send({ type, ...message }: { type: string; [key: string]: unknown }): void {
		if (this.isMute || this.socket.readyState !== this.socket.OPEN) return;
		const { quirks } = this.options;
		this.socket.send(
			JSON.stringify({
				...(!quirks.withoutType && { type }),
				request_id: this.record.requestId,
				sequence_id: this.sequence++,
				...message,
			}),
		);
	}

	private fail(code: string, description: string, type: 'Error' | 'FatalError' = 'Error'): void {
		this.socket.send(JSON.stringify({ type, sequence_id: this.sequence++, code, description }));
		this.socket.close();
	}

	/** The real service's idle close has no close frame when it comes through Cloudflare. */
	private awaitAudio(): void {
		clearTimeout(this.idle);
		this.idle = setTimeout(() => this.socket.terminate(), this.options.quirks.idleMs ?? 10_000);
	}

	private closed(code: number): void {
		clearTimeout(this.idle);
		clearTimeout(this.reading);
		this.record.endedAt = Date.now();
		this.record.closeCode = code;
	}
}

function typeOf(text: string): string | undefined {
	try {
		const { type } = JSON.parse(text) as { type?: unknown };
		return typeof type === 'string' ? type : undefined;
	} catch {
		return undefined;
	}
}
