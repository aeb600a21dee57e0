import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { INodeParameters } from 'n8n-workflow';

import { makeDtmfWav } from '../../sandbox/hearing/tones.ts';
import { startSandbox, type Sandbox } from '../../sandbox/server.ts';
import { digitPhrases } from '../fixtures/recordings/digits.ts';
import { runCloudflare, type CloudflareRun } from './cloudflareAccess.ts';
import type { InputItem } from './engine.ts';

const SECONDS = 150;
const PHRASES = digitPhrases(SECONDS);
const WORDS = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];
const SPOKEN = PHRASES.map(({ keys }) => WORDS[Number(keys)]);

let sandbox: Sandbox;
let folder: string;
/** Two and a half minutes, 4.8 MB: more than two parts of a minute. */
let wav: Buffer;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'nova3-long-'));
	sandbox = await startSandbox({ samplesDir: folder });
	wav = makeDtmfWav({ sampleRate: 8_000, bitDepth: '24', channels: [PHRASES], duration: SECONDS });
	await writeFile(join(folder, 'meeting.wav'), wav);
});
afterAll(async () => {
	await sandbox.close();
	await rm(folder, { recursive: true });
});
beforeEach(() => sandbox.clear());

const SPLIT = { longRecordings: 'split', partMinutes: 1 };

const item = (data: Buffer, fileName: string): InputItem => ({
	binary: { data: { data, fileName } },
});

const run = (options: INodeParameters = SPLIT, { parameters, ...rest }: CloudflareRun = {}) =>
	runCloudflare(sandbox, 'transcribeNova3', {
		items: [item(wav, 'meeting.wav')],
		parameters: { ...parameters, options },
		...rest,
	});

interface TimedWord {
	text: string;
	start: number;
}

/** The greatest difference of the words' times from those at which they are spoken, in seconds. */
const largestDelay = (words: TimedWord[]) =>
	Math.max(...words.map(({ start }, index) => Math.abs(start - (PHRASES[index]?.start ?? NaN))));

it('sends a recording of any length as it is where that is not asked for', async () => {
	const { items } = await run({});
	expect(sandbox.requests).toHaveLength(1);
	expect(items[0]?.json.parts).toBeUndefined();
});

it('warns that speakers are told apart within a part only, and gives none another’s name', async () => {
	const { items, hints } = await run({ ...SPLIT, diarize: true });
	const segments = items[0]?.json.segments as Array<{ speaker: string }>;
	expect(segments.map(({ speaker }) => speaker)).toEqual(['speaker 0', 'speaker 1', 'speaker 2']);
	expect(hints.map(({ message }) => message)).toContainEqual(
		expect.stringContaining('Speakers are told apart within a part only'),
	);
});

it('gives the results of the parts untouched without Simplify', async () => {
	const { items } = await run(SPLIT, { parameters: { simplify: false } });
	const parts = items[0]?.json.parts as Array<{ start: number; answer: object }>;
	expect(parts).toHaveLength(3);
	for (const { answer } of parts) expect(answer).toHaveProperty('results.channels');
});

describe.each(['binary', 'url', 'chunked'])('a long recording, from %s', (from) => {
	it('goes out in parts and comes back as one, no word lost or doubled', async () => {
		const address = `${sandbox.baseUrl}/samples/meeting.wav`;
		const parameters =
			from === 'binary'
				? {}
				: { inputType: 'url', audioUrl: from === 'url' ? address : `${address}?chunked=1` };
		const { items, error, hints } = await run(SPLIT, { parameters });
		expect(error).toBeUndefined();
		const { words, parts, text, duration } = items[0]?.json ?? {};
		// The order of the digits is known, so that one lost or doubled at a cut would show.
		expect((words as TimedWord[]).map((word) => word.text)).toEqual(SPOKEN);
		expect(text).toBe(SPOKEN.join(' '));
		expect(largestDelay(words as TimedWord[])).toBeLessThan(0.05);
		expect(duration).toBeCloseTo(SECONDS, 1);
		expect(parts).toHaveLength(3);
		expect(sandbox.requests).toHaveLength(3);
		const messages = hints.map(({ message }) => message);
		expect(messages).toEqual([
			expect.stringMatching(/^Item 0: Cut into 3 parts at 0:\d\d, 1:\d\d$/),
		]);
	});
});
