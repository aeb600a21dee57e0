/** How a connection ended: the code is 1006 where it was not closed in due form. */
export interface SocketEnd {
	code: number;
	reason: string;
}

/** An open WebSocket, as far as a session needs it. */
export interface Socket {
	send: (data: Uint8Array | string) => void;
	/** Bytes handed over that have not gone to the network yet. */
	bufferedAmount: () => number;
	/** Settles when the connection has ended, whoever ended it. */
	ended: Promise<SocketEnd>;
	close: () => void;
}

/** Node's own WebSocket takes headers, which its types (those of browsers) do not know. */
type HeaderWebSocket = new (url: string, options: { headers: Record<string, string> }) => WebSocket;

/** Whether the running Node has a WebSocket: Node 22 and later do. */
export function hasWebSocket(): boolean {
	return typeof WebSocket === 'function';
}

/**
 * Opens a WebSocket; every message goes to `onMessage`.
 * @returns the open socket, or how it ended before it was open (a WebSocket does not tell why)
 */
export async function openSocket(
	url: string,
	headers: Record<string, string>,
	onMessage: (data: unknown) => void,
	signal: AbortSignal,
): Promise<Socket | SocketEnd> {
	signal.throwIfAborted();
	const socket = new (WebSocket as unknown as HeaderWebSocket)(url, { headers });
	const close = () => socket.close();
	signal.addEventListener('abort', close, { once: true });
	socket.addEventListener('message', ({ data }) => onMessage(data));
	const opened = new Promise<void>((resolve) => {
		socket.addEventListener('open', () => resolve(), { once: true });
	});
	const ended = new Promise<SocketEnd>((resolve) => {
		socket.addEventListener(
			'close',
			({ code, reason }) => {
				signal.removeEventListener('abort', close);
				resolve({ code, reason });
			},
			{ once: true },
		);
	});
	const end = await Promise.race([opened, ended]);
	signal.throwIfAborted();
	if (end) return end;
	return {
		send: (data) => socket.send(data),
		bufferedAmount: () => socket.bufferedAmount,
		ended,
		close,
	};
}
