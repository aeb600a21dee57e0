import type { LiveText } from '../../shared/liveText';
import type { Turn } from './turns';

/** A channel whose turns are sent as they come. */
export interface LiveChannel {
	/** Set where channels are told apart. */
	speaker?: string;
	transcription: {
		/** Finished turns, in order of time. */
		readonly finished: readonly LiveTurn[];
		/** The finished ones, and the one that is open. */
		readonly turns: readonly LiveTurn[];
		/** No turn to come was first heard before this time of the recording, in seconds. */
		readonly settledUntil: number;
	};
}

type LiveTurn = Pick<Turn, 'heardAt'> & { segment: Pick<Turn['segment'], 'text'> };

/**
 * Sends turns in the order in which the transcript has them: one is held back as long as another
 * channel may still have an earlier one. Where channels are told apart, each turn is a line that names
 * its speaker.
 */
export class LiveTurns {
	/** How many turns of each channel have been sent. */
	private readonly sent: number[];

	private hasSent = false;

	constructor(
		private readonly live: LiveText,
		private readonly channels: readonly LiveChannel[],
	) {
		this.sent = channels.map(() => 0);
	}

	/** Sends what is finished, and comes before whatever is to come. */
	sendSettled(): void {
		this.sendWhile(
			({ finished }) => finished,
			(turn, channel) => this.isSettled(turn, channel),
		);
	}

	/** Sends all there is: nothing more is to come. */
	sendRest(): void {
		this.sendWhile(
			({ turns }) => turns,
			() => true,
		);
	}

	private sendWhile(
		turnsOf: (transcription: LiveChannel['transcription']) => readonly LiveTurn[],
		mayGo: (turn: LiveTurn, channel: number) => boolean,
	): void {
		for (;;) {
			const [earliest] = this.channels
				.flatMap(({ transcription }, channel) => {
					const turn = turnsOf(transcription)[this.sent[channel] ?? 0];
					return turn ? [{ turn, channel }] : [];
				})
				.sort((a, b) => a.turn.heardAt - b.turn.heardAt);
			if (!earliest || !mayGo(earliest.turn, earliest.channel)) return;
			this.send(earliest.turn, earliest.channel);
		}
	}

	/** Of several turns heard at the same time, the one of the first channel comes first. */
	private isSettled(turn: LiveTurn, of: number): boolean {
		return this.channels.every(({ transcription }, channel) => {
			const hasMore = transcription.finished.length > (this.sent[channel] ?? 0);
			const { settledUntil } = transcription;
			const isLater = channel < of ? settledUntil > turn.heardAt : settledUntil >= turn.heardAt;
			return channel === of || hasMore || isLater;
		});
	}

	private send({ segment }: LiveTurn, channel: number): void {
		const speaker = this.channels[channel]?.speaker;
		const text = speaker === undefined ? segment.text : `${speaker}: ${segment.text}`;
		const separator = speaker === undefined ? ' ' : '\n';
		this.live.add(this.hasSent ? `${separator}${text}` : text);
		this.hasSent = true;
		this.sent[channel] = (this.sent[channel] ?? 0) + 1;
	}
}
