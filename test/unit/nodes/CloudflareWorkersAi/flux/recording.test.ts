import { Readable } from 'node:stream';

import type { IExecuteFunctions } from 'n8n-workflow';

import {
	openRecording,
	type RecordingInput,
} from '../../../../../nodes/CloudflareWorkersAi/flux/recording.ts';
import { makeDtmfWav } from '../../../../../sandbox/hearing/tones.ts';

const context = { getNode: () => ({ name: 'Flux' }) } as unknown as IExecuteFunctions;

function inputOf(
	content: Buffer | Readable,
	{ rawSampleRate, isStored = false }: { rawSampleRate?: number; isStored?: boolean } = {},
) {
	let isClosed = false;
	const input: RecordingInput = {
		item: { context, itemIndex: 3, signal: new AbortController().signal },
		rawSampleRate,
		source: async () =>
			await Promise.resolve({
				content,
				failure: () => undefined,
				isRead: () => false,
				isStored,
				close: () => {
					isClosed = true;
				},
			}),
	};
	return { input, isClosed: () => isClosed };
}

const running = new AbortController().signal;
const wav = makeDtmfWav({ sampleRate: 8_000, channels: [[{ keys: '1' }]] });

afterEach(() => jest.restoreAllMocks());

describe('openRecording', () => {
	it('reads a WAV file from a stream, and from memory', async () => {
		for (const content of [wav, Readable.from([wav.subarray(0, 9), wav.subarray(9)])]) {
			const recording = await openRecording(inputOf(content).input, running);
			expect(recording).toMatchObject({ sampleRate: 8_000, channels: 1 });
			expect(await recording.skip(10)).toBe(10);
			expect(await recording.read(5, 'mix')).toEqual(wav.subarray(44 + 20, 44 + 30));
		}
	});

	it('takes anything as samples where it is told to', async () => {
		const recording = await openRecording(inputOf(wav, { rawSampleRate: 16_000 }).input, running);
		expect(await recording.read(22, 'mix')).toEqual(wav.subarray(0, 44));
	});

	it('closes what it refuses', async () => {
		const { input, isClosed } = inputOf(Buffer.from('fLaC'));
		await expect(openRecording(input, running)).rejects.toMatchObject({
			message: 'The audio is not a WAV file but FLAC',
			context: { itemIndex: 3 },
		});
		expect(isClosed()).toBe(true);
	});

	it('does not wait for ever for a source that hangs', async () => {
		const timeout = AbortSignal.timeout.bind(AbortSignal);
		jest.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => timeout(ms / 10_000));
		const hanging = new Readable({ read: () => undefined });
		const { input, isClosed } = inputOf(hanging);
		await expect(openRecording(input, running)).rejects.toMatchObject({
			message: 'The audio could not be read to its end',
			description: expect.stringMatching(
				/^Nothing more of it came for 300 seconds\. .* 'HTTP Request'/,
			) as string,
		});
		expect(isClosed()).toBe(true);
	});

	it('gives up at once when it is stopped', async () => {
		const stop = new AbortController();
		const hanging = new Readable({ read: () => undefined });
		const { input, isClosed } = inputOf(hanging);
		const opening = openRecording(input, stop.signal);
		stop.abort(new Error('stopped'));
		await expect(opening).rejects.toThrow('stopped');
		expect(isClosed()).toBe(true);
	});

	it('says why a stream broke off', async () => {
		const broken = Readable.from(
			(async function* () {
				yield await Promise.resolve(wav.subarray(0, 100));
				throw new Error('disk <gone>');
			})(),
		);
		const recording = await openRecording(inputOf(broken, { isStored: true }).input, running);
		await expect(recording.read(640, 'mix')).rejects.toMatchObject({
			description: 'Reading it ended with: disk &lt;gone&gt;. Run the item again.',
		});
	});
});
