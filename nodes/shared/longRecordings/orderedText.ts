/** Pieces of text of several parts that come at the same time, passed on in the order of the parts. */
export class OrderedText {
	private readonly lanes: TextLane[] = [];

	private hasPassedText = false;

	constructor(private readonly onText: (piece: string) => void) {}

	/** The lane of the next part. */
	lane(): TextLane {
		const isFirst = this.lanes.length === 0;
		const lane = new TextLane(
			(piece) => this.pass(piece),
			() => this.advance(),
		);
		this.lanes.push(lane);
		if (isFirst) this.open(lane);
		return lane;
	}

	private open(lane: TextLane): void {
		lane.open(this.hasPassedText ? ' ' : '');
	}

	private pass(piece: string): void {
		this.onText(piece);
		this.hasPassedText ||= piece !== '';
	}

	private advance(): void {
		while (this.lanes[0]?.isEnded) {
			this.lanes.shift();
			if (this.lanes[0]) this.open(this.lanes[0]);
		}
	}
}

/** The text of one part. */
export class TextLane {
	isEnded = false;

	private isOpen = false;

	private held = '';

	private separator = '';

	constructor(
		private readonly onText: (piece: string) => void,
		private readonly onEnd: () => void,
	) {}

	add(piece: string): void {
		if (piece === '') return;
		if (!this.isOpen) {
			this.held += piece;
			return;
		}
		const { separator } = this;
		this.separator = '';
		this.onText(/^\s/.test(piece) ? piece : `${separator}${piece}`);
	}

	/** No more text comes; the next part's may go on. */
	end(): void {
		this.isEnded = true;
		this.onEnd();
	}

	/** Its text is passed on from now on, what is held at once. @param separator what goes before it */
	open(separator: string): void {
		this.isOpen = true;
		this.separator = separator;
		this.add(this.held);
		this.held = '';
	}
}
