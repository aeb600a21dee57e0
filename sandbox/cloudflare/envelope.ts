/** Cloudflare's answer to a request it refuses; the HTTP status goes with it. */
export class Refusal extends Error {
	readonly status: number;
	readonly code: number;

	constructor(status: number, code: number, message: string) {
		super(message);
		this.status = status;
		this.code = code;
	}

	get envelope(): object {
		const { code, message } = this;
		return { result: null, success: false, errors: [{ code, message }], messages: [] };
	}
}

export function success(result: unknown, more: object = {}): object {
	return { result, success: true, errors: [], messages: [], ...more };
}

/** A value that a model does not take. */
export function invalid(message: string): Refusal {
	return new Refusal(400, 5004, `AiError: Invalid data: ${message}`);
}

export function incomplete(message: string): Refusal {
	return new Refusal(400, 3003, `AiError: Incomplete request: ${message}`);
}
