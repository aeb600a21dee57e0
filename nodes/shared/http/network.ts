/** What is known of the end of a connection. */
export interface NetworkReason {
	/** As Node names it, such as ECONNRESET; none for a failure that is not one of the network. */
	code?: string;
	/** Whether it ended before anything could be sent. */
	isBeforeConnection: boolean;
	/** Whether it ended because the other side's certificate or encryption was not accepted. */
	isInsecure: boolean;
}

const NOT_CONNECTED = new Set([
	'ECONNREFUSED',
	'ENOTFOUND',
	'EAI_AGAIN',
	'ENETUNREACH',
	'EHOSTUNREACH',
]);
/** How far to follow the causes of an error; they may go round in circles. */
const DEEPEST_CAUSE = 6;
const INSECURE = /^(ERR_TLS_|ERR_SSL_|CERT_|EPROTO$|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

/** The reason of a network error, wherever in its causes n8n has put it. */
export function networkReason(error: unknown): NetworkReason {
	const causes = causesOf(error);
	const first = (key: 'code' | 'syscall') =>
		causes.map((cause) => cause[key]).find((value) => typeof value === 'string');
	const code = first('code');
	const syscall = first('syscall');
	return {
		code,
		isBeforeConnection:
			syscall === 'connect' || syscall === 'getaddrinfo' || NOT_CONNECTED.has(code ?? ''),
		isInsecure: INSECURE.test(code ?? ''),
	};
}

interface Cause {
	code?: string;
	syscall?: string;
	cause?: unknown;
	errors?: unknown;
}

/** The error and what caused it; of several addresses tried at once, the first one's error. */
function causesOf(error: unknown, depth = 0): Cause[] {
	if (typeof error !== 'object' || error === null || depth > DEEPEST_CAUSE) return [];
	const { cause, errors } = error as Cause;
	const [several] = Array.isArray(errors) ? (errors as unknown[]) : [];
	return [error, ...causesOf(several, depth + 1), ...causesOf(cause, depth + 1)];
}
