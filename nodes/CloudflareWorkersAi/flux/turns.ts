import type { Segment, Word } from '../../shared/transcript/transcript';
import type { TurnMessage } from './messages';

/** A turn as it is put out; times in seconds from the recording's start. */
export interface TurnSegment extends Segment {
	/** From 0, over all sessions of the recording. */
	turn: number;
	/** Whether the service ended it; false where the audio ended before. */
	final: boolean;
	endOfTurnConfidence?: number;
}

export interface Turn {
	segment: TurnSegment;
	words: Word[];
	/** When it was first heard, which puts turns in order even where words have no times. */
	heardAt: number;
	/** Up to where the service had listened when it last spoke of the turn. */
	heardUntil?: number;
}

/** Where a session's numbers and times belong in the recording. */
export interface SessionPlace {
	/** The number of its first turn. */
	firstTurn: number;
	/** A time of the session's audio as a time of the recording, in seconds. */
	timeOf: (sessionSeconds: number) => number;
	/** The time of the recording up to which audio has been sent; for a service that states no times. */
	sentUntil?: () => number;
}

/** The turns of one session, from its messages. */
export class TurnTracker {
	private openTurn: Turn | undefined;

	/** The session's index of the first turn that has not been finished. */
	private nextIndex = 0;

	/** Up to where the service had listened when it first heard speech of the turn under way. */
	private speechFrom: number | undefined;

	private latest: number | undefined;

	constructor(private readonly place: SessionPlace) {}

	/** Up to where the service has listened, in seconds of the session's audio, where it says so. */
	get heardUntil(): number | undefined {
		return this.latest;
	}

	/** The turn that has begun and not ended. */
	get open(): Turn | undefined {
		return this.openTurn;
	}

	/** Takes a message in and returns the turns that it finishes. */
	take(message: TurnMessage): Turn[] {
		const { event, turnIndex = this.nextIndex, windowEnd, transcript } = message;
		this.latest = windowEnd === undefined ? this.latest : Math.max(this.latest ?? 0, windowEnd);
		if (turnIndex < this.nextIndex) return [];
		// A turn that is followed by another is over, whether or not its end was announced.
		const done = turnIndex > this.nextIndex ? this.finish() : [];
		this.nextIndex = turnIndex;
		const isBegun = event !== 'EndOfTurn' && (event !== 'Update' || transcript !== '');
		if (isBegun) this.speechFrom ??= windowEnd;
		if (transcript !== '') this.openTurn = this.turnOf(message);
		if (event === 'EndOfTurn') {
			done.push(...this.finish());
			this.nextIndex++;
		}
		return done;
	}

	private finish(): Turn[] {
		const turn = this.openTurn;
		this.openTurn = undefined;
		this.speechFrom = undefined;
		return turn ? [{ ...turn, segment: { ...turn.segment, final: true } }] : [];
	}

	/** When speech was first heard, unless the turn ends at that moment. */
	private speechBefore(end: number | undefined): number | undefined {
		const { speechFrom } = this;
		return speechFrom !== undefined && speechFrom < (end ?? 0) ? speechFrom : undefined;
	}

	private turnOf(message: TurnMessage): Turn {
		const { windowStart, windowEnd, transcript, endOfTurnConfidence } = message;
		const { firstTurn, timeOf, sentUntil } = this.place;
		const at = (seconds: number | undefined) =>
			seconds === undefined ? undefined : rounded(timeOf(seconds));
		const words = message.words.map((word) => ({
			...word,
			start: at(word.start),
			end: at(word.end),
		}));
		const [first] = words;
		const last = words.at(-1);
		return {
			segment: {
				turn: firstTurn + this.nextIndex,
				text: transcript,
				final: false,
				start: first?.start ?? at(this.speechBefore(windowEnd) ?? windowStart),
				end: last?.end ?? at(windowEnd),
				endOfTurnConfidence,
			},
			words,
			// As it was first told: a later word must not change the order of turns already put out.
			heardAt:
				this.openTurn?.heardAt ??
				first?.start ??
				at(this.speechFrom ?? windowEnd ?? windowStart) ??
				0,
			// Not rounded: from here on the audio is sent again after a lost connection.
			heardUntil: windowEnd === undefined ? (last?.end ?? sentUntil?.()) : timeOf(windowEnd),
		};
	}
}

/** To milliseconds: a sum of seconds must not show how it was added up. */
export function rounded(seconds: number): number {
	return Math.round(seconds * 1_000) / 1_000;
}
