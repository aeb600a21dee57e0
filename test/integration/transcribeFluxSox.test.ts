import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startSandbox, type Sandbox } from '../../sandbox/server.ts';
import { WAV_KINDS, largestDifference, makeWav, samplesOf, soxSamples } from '../sox.ts';
import { runCloudflare } from './cloudflareAccess.ts';

/** What arrives at the service is what sox makes of the same file. */
const RATE = 16_000;
const SECONDS = 0.31;

let sandbox: Sandbox;
let folder: string;

beforeAll(async () => {
	sandbox = await startSandbox();
	folder = mkdtempSync(join(tmpdir(), 'kinds-'));
});
afterAll(async () => {
	await sandbox.close();
	rmSync(folder, { recursive: true });
});
beforeEach(() => {
	sandbox.clear();
	sandbox.cloudflare.keepPcm = true;
});

const recordings = () =>
	WAV_KINDS.map((kind, index) => ({
		...kind,
		wav: makeWav(join(folder, `${index}.wav`), kind, RATE, SECONDS),
	}));

/** The samples a session received, without the silence behind the recording. */
function received(tag: string): Int16Array[] {
	return sandbox.cloudflare.sessions
		.filter(({ path }) => new URL(path, sandbox.baseUrl).searchParams.get('tag') === tag)
		.map(({ pcm }) => samplesOf(pcm ?? Buffer.alloc(0)).subarray(0, SECONDS * RATE));
}

async function send(channels: string, kinds: ReturnType<typeof recordings>): Promise<void> {
	const { error } = await runCloudflare(sandbox, 'transcribeFlux', {
		items: kinds.map(({ name, wav }) => ({
			json: { name },
			binary: { data: { data: wav, fileName: 'kind.wav', mimeType: 'audio/wav' } },
		})),
		parameters: { channels, options: { speed: 4, concurrency: 24, tag: '={{ $json.name }}' } },
	});
	expect(error).toBeUndefined();
}

it('is every kind of WAV, mixed', async () => {
	const kinds = recordings();
	await send('mix', kinds);
	for (const { name, wav } of kinds) {
		const [samples = new Int16Array()] = received(name);
		const difference = largestDifference(samples, soxSamples(wav, 'mix'));
		expect({ name, isSame: difference <= 1 }).toEqual({ name, isSame: true });
	}
});

it.each([
	['left', 0],
	['right', 1],
])('is the %s channel of every kind that has several', async (channels, index) => {
	const kinds = recordings().filter((kind) => kind.channels > 1);
	await send(channels, kinds);
	for (const { name, wav } of kinds) {
		const [samples = new Int16Array()] = received(name);
		const difference = largestDifference(samples, soxSamples(wav, index));
		expect({ name, isSame: difference <= 1 }).toEqual({ name, isSame: true });
	}
});

it('is each channel in a session of its own, split', async () => {
	const kinds = recordings().filter(({ channels }) => channels === 6);
	await send('split', kinds);
	for (const { name, wav } of kinds) {
		const sessions = received(name);
		expect(sessions).toHaveLength(6);
		for (const index of Array(6).keys()) {
			const expected = soxSamples(wav, index);
			const matches = sessions.filter((samples) => largestDifference(samples, expected) <= 1);
			expect({ name, index, matches: matches.length }).toEqual({ name, index, matches: 1 });
		}
	}
});
