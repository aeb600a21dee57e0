import { DtmfListener, type HeardWord } from '../hearing/dtmf.ts';
import type { FluxSettings } from './fluxFields.ts';

export type TurnEventName =
	| 'Update'
	| 'StartOfTurn'
	| 'EagerEndOfTurn'
	| 'TurnResumed'
	| 'EndOfTurn';

/** An event of Flux's state machine; times in seconds from the start of the session's audio. */
export interface TurnEvent {
	event: TurnEventName;
	turn_index: number;
	audio_window_start: number;
	audio_window_end: number;
	transcript: string;
	words: Array<{ word: string; confidence: number; start: number; end: number }>;
	end_of_turn_confidence: number;
	trigger?: 'model' | 'timeout';
}

const STEP_SECONDS = 0.01;
const UPDATE_SECONDS = 0.25;
/** The confidence after `s` seconds of silence is 1 - e^(-s / this): 0.7 after half a second. */
const CERTAINTY_SECONDS = 0.415;
/** A turn that pauses on the star key is not over: only the time-out ends it. */
const UNFINISHED_WORD = 'star';
const UNFINISHED_CONFIDENCE = 0.45;

/**
 * Finds the turns in a stream of samples: DTMF keys are words, silence ends a turn. Decides every
 * 10 ms of audio, so its events do not depend on how the audio was cut into frames.
 */
export class TurnDetector {
	private readonly settings: FluxSettings;
	private readonly listener: DtmfListener;
	/** The samples of the step that is not complete yet. */
	private readonly step: Float64Array;
	private filled = 0;
	private samples = 0;
	private words: HeardWord[] = [];
	private state: 'idle' | 'ongoing' | 'awaiting' = 'idle';
	private turn = 0;
	private windowStart = 0;
	private lastUpdate = 0;
	/** Whether turns are ended at all. */
	endsTurns = true;

	constructor(settings: FluxSettings) {
		this.settings = settings;
		this.listener = new DtmfListener(settings.sampleRate);
		this.step = new Float64Array(Math.round(settings.sampleRate * STEP_SECONDS));
	}

	/** Listens to further samples, each -1 to 1. */
	push(samples: ArrayLike<number>): TurnEvent[] {
		const events: TurnEvent[] = [];
		for (let index = 0; index < samples.length; index++) {
			this.step[this.filled++] = samples[index] ?? 0;
			if (this.filled < this.step.length) continue;
			const heard = this.listener.push(this.step);
			this.samples += this.filled;
			this.filled = 0;
			const event = this.decide(heard);
			if (event) events.push(event);
		}
		return events;
	}

	/** The audio has ended: the turn that is still open as an Update. */
	end(): TurnEvent[] {
		this.samples += this.filled;
		this.filled = 0;
		this.words.push(...this.listener.end());
		return this.words.length > 0 ? [this.eventOf('Update')] : [];
	}

	/** Whether a turn has begun and not ended. */
	get isOpen(): boolean {
		return this.words.length > 0;
	}

	/** Ends the open turn now. */
	endTurn(trigger: 'model' | 'timeout'): TurnEvent {
		const event: TurnEvent = { ...this.eventOf('EndOfTurn'), trigger };
		this.state = 'idle';
		this.words = [];
		this.turn++;
		this.windowStart = this.time;
		return event;
	}

	private get time(): number {
		return this.samples / this.settings.sampleRate;
	}

	private get heard(): HeardWord[] {
		const { speaking } = this.listener;
		return speaking ? [...this.words, speaking] : this.words;
	}

	private get silence(): number {
		const last = this.words.at(-1);
		return this.listener.isSpeaking || !last ? 0 : Math.max(0, this.time - last.end);
	}

	private get confidence(): number {
		const confidence = 1 - Math.exp(-this.silence / CERTAINTY_SECONDS);
		const isUnfinished = this.words.at(-1)?.text === UNFINISHED_WORD;
		return isUnfinished ? Math.min(confidence, UNFINISHED_CONFIDENCE) : confidence;
	}

	private decide(ended: HeardWord[]): TurnEvent | undefined {
		this.words.push(...ended);
		const isHeard = ended.length > 0 || this.listener.isSpeaking;
		if (isHeard && this.state === 'idle') {
			this.state = 'ongoing';
			return this.eventOf('StartOfTurn');
		}
		if (isHeard && this.state === 'awaiting') {
			this.state = 'ongoing';
			return this.eventOf('TurnResumed');
		}
		if (this.state !== 'idle' && !this.listener.isSpeaking) {
			const end = this.pauseEvent();
			if (end) return end;
		}
		return this.time - this.lastUpdate >= UPDATE_SECONDS - 1e-6
			? this.eventOf('Update')
			: undefined;
	}

	private pauseEvent(): TurnEvent | undefined {
		const { eotThreshold, eagerEotThreshold = Infinity, eotTimeoutMs } = this.settings;
		if (this.endsTurns && this.confidence >= eotThreshold) return this.endTurn('model');
		if (this.endsTurns && this.silence * 1_000 >= eotTimeoutMs) return this.endTurn('timeout');
		if (this.state === 'awaiting' || this.confidence < eagerEotThreshold) return undefined;
		this.state = 'awaiting';
		return this.eventOf('EagerEndOfTurn');
	}

	private eventOf(event: TurnEventName): TurnEvent {
		this.lastUpdate = this.time;
		const { heard } = this;
		return {
			event,
			turn_index: this.turn,
			audio_window_start: rounded(this.windowStart),
			audio_window_end: rounded(this.time),
			transcript: heard.map(({ text }) => text).join(' '),
			words: heard.map(({ text, purity, start, end }) => ({
				word: text,
				confidence: rounded(purity),
				start: rounded(start),
				end: rounded(end),
			})),
			end_of_turn_confidence: rounded(this.confidence),
		};
	}
}

function rounded(value: number): number {
	return Math.round(value * 1_000) / 1_000;
}
