import type { SocketFault } from '../cloudflare/fluxSession.ts';

/** How a request is treated badly. */
export type Fault =
	/** Reads the request, then answers with this instead of the service. */
	| ({ kind: 'status' } & AnswerFault)
	/** Answers with this without reading the body, and closes the connection. */
	| ({ kind: 'early' } & AnswerFault)
	/** Resets the connection: before the body is read, in its middle, or instead of the answer. */
	| { kind: 'reset'; when: 'before' | 'during' | 'after' }
	/** Reads the request and never answers. */
	| { kind: 'silence' }
	/** Answers as it should, but reads the request's body slowly. */
	| { kind: 'slowUpload'; bytesPerSecond: number }
	/** Answers as it should, but later. */
	| { kind: 'delay'; ms: number }
	/** Sends the answer's body byte by byte, so many milliseconds apart. */
	| { kind: 'drip'; ms: number }
	/** Ends the connection after so many bytes of the answer's body. */
	| { kind: 'cut'; bytes: number }
	/** Treats the WebSocket session that the request opens badly. */
	| ({ kind: 'socket' } & SocketFault)
	/** Changes how a stream of server-sent events is written. */
	| ({ kind: 'events' } & EventFault);

export interface AnswerFault {
	status: number;
	/** Such as `retry-after`, or `location` of a redirect. */
	headers?: Record<string, string>;
	/** `{token}` in it stands for the bearer token of the request. */
	body?: string;
}

export interface EventFault {
	/** Ends the stream, cleanly, after so many events. */
	stopAfter?: number;
	/** Breaks the connection off after so many events. */
	breakAfter?: number;
	/** Sends this as an event after so many others, and ends the stream. */
	error?: { after: number; data: string };
	lineEnd?: '\n' | '\r' | '\r\n';
	/** Sends pieces of so many bytes. */
	pieceBytes?: number;
	/** Adds comments and ends with `[DONE]`. */
	decorated?: boolean;
	/** Writes the JSON of each event in several lines of data. */
	multiline?: boolean;
	/** Milliseconds between events. */
	everyMs?: number;
}

/** A fault for the next requests that match. */
export interface FaultPlan {
	/** Matches when the path contains this; default: every path. */
	path?: string;
	method?: string;
	/** The bearer token of the requests meant, such as one of several keys. */
	token?: string;
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
	take(method: string, path: string, token?: string): Fault | undefined {
		const plan = this.plans.find(
			(candidate) =>
				candidate.times > 0 &&
				path.includes(candidate.path ?? '') &&
				(candidate.method ?? method) === method &&
				(candidate.token ?? token) === token,
		);
		if (!plan) return undefined;
		plan.times--;
		return plan.fault;
	}
}
