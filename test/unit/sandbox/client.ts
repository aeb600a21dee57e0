import { connect } from 'node:net';

import { makeDtmfWav } from '../../../sandbox/hearing/tones.ts';
import type { Sandbox } from '../../../sandbox/server.ts';

export type Model = keyof Sandbox['cloudsway']['endpointPaths'];

export const MINI = 'MaaS_GP_4o_mini_transcribe';
export const FULL = 'MaaS_GP_4o_transcribe';
export const DIARIZE = 'MaaS_GP_4o_transcribe_diarize';
export const WHISPER = 'whisper-1';

/** A recording of `one two three`, a pause, `four five`. */
export const phrase = makeDtmfWav({ channels: [[{ keys: '123 45' }]] });

export interface Upload {
	fields?: Array<[name: string, value: string]>;
	/** `null` sends no file. */
	file?: { bytes?: Buffer; name?: string; type?: string } | null;
	key?: string;
	endpointPath?: string;
	signal?: AbortSignal;
}

/** Sends a transcription request with the platform's own fetch and FormData. */
export function upload(
	{ cloudsway }: Sandbox,
	model: Model,
	{ fields = [], file = {}, key = cloudsway.accessKey, endpointPath, signal }: Upload = {},
): Promise<Response> {
	const form = new FormData();
	for (const [name, value] of fields) form.append(name, value);
	if (file) {
		const { bytes = phrase, name = 'phrase.wav', type = 'audio/wav' } = file;
		form.append('file', new Blob([new Uint8Array(bytes)], { type }), name);
	}
	const path = endpointPath ?? cloudsway.endpointPaths[model];
	return fetch(`${cloudsway.baseUrl}/v1/ai/${path}/audio/transcriptions`, {
		method: 'POST',
		headers: { authorization: `Bearer ${key}` },
		body: form,
		redirect: 'manual',
		signal,
	});
}

/** What the service says where it refuses a request. */
export async function refusalOf(response: Response): Promise<string> {
	const { error } = (await response.json()) as { error: { message: string } };
	return error.message;
}

/**
 * Writes a request to the sandbox as it is, and gives what came back until the sandbox ended the
 * connection; with `leaveAfterMs`, it is left so long after the request was written.
 */
export function exchangeRaw(
	sandbox: Sandbox,
	request: string,
	leaveAfterMs?: number,
): Promise<string> {
	const { hostname, port } = new URL(sandbox.baseUrl);
	return new Promise((resolve, reject) => {
		const socket = connect(Number(port), hostname);
		let received = '';
		socket.on('data', (data) => (received += data.toString('latin1')));
		socket.on('error', reject);
		socket.on('close', () => resolve(received));
		socket.write(request, () => {
			if (leaveAfterMs) setTimeout(() => socket.destroy(), leaveAfterMs);
		});
	});
}
