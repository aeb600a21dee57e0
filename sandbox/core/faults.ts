/** How a request is treated badly. */
export type Fault =
	/** Reads the request, then answers with this instead of the service. */
	| { kind: 'status'; status: number; headers?: Record<string, string>; body?: string }
	/** Answers with this without reading the body, and closes the connection. */
	| { kind: 'early'; status: number; headers?: Record<string, string>; body?: string }
	/** Resets the connection: before the body is read, in its middle, or instead of the answer. */
	| { kind: 'reset'; when: 'before' | 'during' | 'after' }
	/** Reads the request and never answers. */
	| { kind: 'silence' }
	/** Answers as it should, but later. */
	| { kind: 'delay'; ms: number }
	/** Sends the answer's body byte by byte, so many milliseconds apart. */
	| { kind: 'drip'; ms: number }
	/** Ends the connection after so many bytes of the answer's body. */
	| { kind: 'cut'; bytes: number }
	/** Changes how a stream of server-sent events is written. */
	| ({ kind: 'events' } & EventFault);

export interface EventFault {
	/** Ends the stream, cleanly, after so many events. */
	stopAfter?: number;
	/** Sends this as an event after so many others, and ends the stream. */
	error?: { after: number; data: string };
	lineEnd?: '\n' | '\r' | '\r\n';
	/** Sends pieces of so many bytes. */
	pieceBytes?: number;
	/** Adds comments and ends with `[DONE]`. */
	decorated?: boolean;
	/** Milliseconds between events. */
	everyMs?: number;
}

/** A fault for the next requests that match. */
export interface FaultPlan {
	/** Matches when the path contains this; default: every path. */
	path?: string;
	method?: string;
	/** How many requests it hits; default 1. */
	times?: number;
	fault: Fault;
}

export class FaultPlans {
	private plans: Array<Required<Pick<FaultPlan, 'times'>> & FaultPlan> = [];

	add(plan: FaultPlan): void {
		this.plans.push({ times: 1, ...plan });
	}

	clear(): void {
		this.plans = [];
	}

	/** The fault for a request, used up where it was the last of its plan. */
	take(method: string, path: string): Fault | undefined {
		const plan = this.plans.find(
			(candidate) =>
				candidate.times > 0 &&
				path.includes(candidate.path ?? '') &&
				(candidate.method ?? method) === method,
		);
		if (!plan) return undefined;
		plan.times--;
		return plan.fault;
	}
}
