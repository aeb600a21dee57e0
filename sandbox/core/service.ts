import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import type { Exchange } from './exchange.ts';
import type { Fault } from './faults.ts';

/** A stand-in of one service below a path of its own. */
export interface SandboxService {
	name: string;
	/** The path its base URL has; requests below it come to `handle` without it. */
	prefix: string;
	handle: (exchange: Exchange, path: string) => Promise<void>;
	/** Answers a request to switch to WebSocket; without it there is none. */
	upgrade?: (
		request: IncomingMessage,
		socket: Duplex,
		head: Buffer,
		fault: Fault | undefined,
	) => Promise<void>;
	/** Forgets what it was told and what it did. */
	clear?: () => void;
	/** Ends what it does by itself, between requests. */
	close?: () => void;
}
