import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { WebSocketServer } from 'ws';

import { Arrivals } from '../sandbox/cloudflare/pacing.ts';

const UPDATE_SECONDS = 0.25;

/**
 * Takes the audio of any number of Flux sessions without listening to it, so that the time it takes
 * itself does not show in what is measured: says every quarter of a second that nobody has spoken.
 */
export class FluxReceiver {
	readonly #server: Server;
	readonly #arrivals: Arrivals[] = [];

	private constructor(server: Server) {
		this.#server = server;
		const sockets = new WebSocketServer({ server });
		sockets.on('connection', (socket, { url = '/' }) => {
			const rate = Number(new URL(url, 'http://receiver').searchParams.get('sample_rate'));
			const arrivals = new Arrivals();
			this.#arrivals.push(arrivals);
			let said = 0;
			socket.on('message', (data: Buffer, isBinary) => {
				if (!isBinary) return socket.close();
				arrivals.add(data.length / 2 / rate);
				if (arrivals.audioSeconds - said < UPDATE_SECONDS) return;
				said = arrivals.audioSeconds;
				const window = { audio_window_start: 0, audio_window_end: said };
				socket.send(JSON.stringify({ event: 'Update', turn_index: 0, transcript: '', ...window }));
			});
		});
	}

	static async start(): Promise<FluxReceiver> {
		const server = createServer((_, response) => response.writeHead(426).end());
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
		return new FluxReceiver(server);
	}

	get baseUrl(): string {
		return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/client/v4`;
	}

	get sessions(): number {
		return this.#arrivals.length;
	}

	/** How late the frames of all sessions came, in milliseconds, ascending. */
	lateness(speed: number): number[] {
		return this.#arrivals.flatMap((arrivals) => arrivals.lateness(speed)).sort((a, b) => a - b);
	}

	/** The most audio that came within a second in any session, in seconds. */
	get fastestSecond(): number {
		return Math.max(...this.#arrivals.map(({ fastestSecond }) => fastestSecond));
	}

	clear(): void {
		this.#arrivals.length = 0;
	}

	async close(): Promise<void> {
		this.#server.closeAllConnections();
		await new Promise((resolve) => this.#server.close(resolve));
	}
}
