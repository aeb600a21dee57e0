import { startSandbox, type Sandbox } from '../../sandbox/server.ts';
import { KIND_SAMPLE_RATE, KIND_SECONDS, WAV_KINDS, type WavKind } from '../fixtures/recipes.ts';
import { largestDifference, recording, samplesOf, soxSamples } from '../recordings.ts';
import { runCloudflare } from './cloudflareAccess.ts';

/** What arrives at the service is what sox makes of the same file. */
let sandbox: Sandbox;

beforeAll(async () => {
	sandbox = await startSandbox();
});
afterAll(() => sandbox.close());
beforeEach(() => {
	sandbox.clear();
	sandbox.cloudflare.keepPcm = true;
});

/** The samples a session received, without the silence behind the recording. */
function received(tag: string): Int16Array[] {
	return sandbox.cloudflare.sessions
		.filter(({ path }) => new URL(path, sandbox.baseUrl).searchParams.get('tag') === tag)
		.map(({ pcm }) =>
			samplesOf(pcm ?? Buffer.alloc(0)).subarray(0, KIND_SECONDS * KIND_SAMPLE_RATE),
		);
}

async function send(channels: string, kinds: WavKind[]): Promise<void> {
	const { error } = await runCloudflare(sandbox, 'transcribeFlux', {
		items: kinds.map(({ name, wav }) => ({
			json: { name },
			binary: { data: { data: recording(wav), fileName: 'kind.wav', mimeType: 'audio/wav' } },
		})),
		parameters: { channels, options: { speed: 4, concurrency: 24, tag: '={{ $json.name }}' } },
	});
	expect(error).toBeUndefined();
}

it('is every kind of WAV, mixed', async () => {
	await send('mix', WAV_KINDS);
	for (const kind of WAV_KINDS) {
		const { name } = kind;
		const [samples = new Int16Array()] = received(name);
		const difference = largestDifference(samples, soxSamples(kind, 'mix'));
		expect({ name, isSame: difference <= 1 }).toEqual({ name, isSame: true });
	}
});

it.each([
	['left', 0],
	['right', 1],
])('is the %s channel of every kind that has several', async (channels, index) => {
	const kinds = WAV_KINDS.filter((kind) => kind.channels > 1);
	await send(channels, kinds);
	for (const kind of kinds) {
		const { name } = kind;
		const [samples = new Int16Array()] = received(name);
		const difference = largestDifference(samples, soxSamples(kind, index));
		expect({ name, isSame: difference <= 1 }).toEqual({ name, isSame: true });
	}
});

it('is each channel in a session of its own, split', async () => {
	const kinds = WAV_KINDS.filter(({ channels }) => channels === 6);
	await send('split', kinds);
	for (const kind of kinds) {
		const { name } = kind;
		const sessions = received(name);
		expect(sessions).toHaveLength(6);
		for (const index of Array(6).keys()) {
			const expected = soxSamples(kind, index);
			const matches = sessions.filter((samples) => largestDifference(samples, expected) <= 1);
			expect({ name, index, matches: matches.length }).toEqual({ name, index, matches: 1 });
		}
	}
});
