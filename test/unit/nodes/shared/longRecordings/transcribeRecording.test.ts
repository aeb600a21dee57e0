import { Readable } from 'node:stream';

import type { IExecuteFunctions, INode } from 'n8n-workflow';

import type { PartLimits } from '../../../../../nodes/shared/audio/parts.ts';
import type { AudioSource } from '../../../../../nodes/shared/audio/source.ts';
import { partialResultOf, type Item } from '../../../../../nodes/shared/item.ts';
import {
	transcribeRecording,
	type FileToTranscribe,
	type RecordingRequest,
} from '../../../../../nodes/shared/longRecordings/transcribeRecording.ts';
import type { Transcript } from '../../../../../nodes/shared/transcript/transcript.ts';
import { hearRecording } from '../../../../../sandbox/hearing/recording.ts';
import { makeDtmfWav } from '../../../../../sandbox/hearing/tones.ts';
import { fixture } from '../../../../containers.ts';
import { DIGITS_SECONDS, digitPhrases } from '../../../../fixtures/recordings/digits.ts';

const LIMITS: PartLimits = { bytes: 10_000_000, seconds: 9 };

const contentOf = (file: string) =>
	file === 'digits.wav'
		? makeDtmfWav({
				sampleRate: 8_000,
				channels: [digitPhrases(), digitPhrases()],
				duration: DIGITS_SECONDS,
			})
		: fixture(file);

/** An item of a node under way, and the hints it gave. */
function itemUnderWay(continueOnFail = false) {
	const hints: string[] = [];
	const node: Partial<INode> = { name: 'Transcribe', type: 'test' };
	const context: Partial<IExecuteFunctions> = {
		getNode: () => node as INode,
		continueOnFail: () => continueOnFail,
		addExecutionHints: (...given) => hints.push(...given.map(({ message }) => message)),
	};
	const { signal } = new AbortController();
	const item: Item = { context: context as IExecuteFunctions, itemIndex: 0, signal };
	return { item, hints };
}

/** A recording that comes as a stream, and counts how often it was opened. */
function recordingOf(content: Buffer, fileName: string, isStored = false) {
	const about = { opened: 0 };
	const source: AudioSource = () => {
		about.opened++;
		const pieces = Array.from({ length: Math.ceil(content.length / 5_000) }, (_, index) =>
			content.subarray(index * 5_000, (index + 1) * 5_000),
		);
		return Promise.resolve({
			content: Readable.from(pieces, { objectMode: false }),
			length: content.length,
			fileName,
			isStored,
			failure: () => undefined,
			isRead: () => true,
			close: () => undefined,
		});
	};
	return { about, source };
}

/** A service that hears what it is sent, and says what it was sent. */
class Listener {
	readonly names: string[] = [];

	atOnce = 0;

	mostAtOnce = 0;

	readonly transcribeFile = async ({ source }: FileToTranscribe) => {
		this.mostAtOnce = Math.max(this.mostAtOnce, ++this.atOnce);
		const { content, fileName = '' } = await source(new AbortController().signal);
		this.names.push(fileName);
		const pieces: Buffer[] = [];
		if (Buffer.isBuffer(content)) pieces.push(content);
		else for await (const piece of content) pieces.push(piece as Buffer);
		const heard = await hearRecording(Buffer.concat(pieces));
		this.atOnce--;
		const words = (heard?.channels[0] ?? []).map(({ text, start, end }) => ({ text, start, end }));
		const text = words.map((word) => word.text).join(' ');
		const transcript: Transcript = { text, words, service: 'test', usage: { seconds: 1 } };
		return { json: { text }, transcript };
	};
}

const requestOf = (
	source: AudioSource,
	transcribeFile: RecordingRequest['transcribeFile'],
	more: Partial<RecordingRequest> = {},
): RecordingRequest => ({
	source,
	limits: LIMITS,
	timeoutSeconds: 10,
	mostVoices: 0,
	introduced: [],
	isTaken: () => true,
	onText: () => undefined,
	transcribeFile,
	...more,
});

describe.each([
	['digits.wav', 'wav'],
	['digits-cbr.mp3', 'mp3'],
	['digits-vbr.mp3', 'mp3'],
	['digits.m4a', 'm4a'],
	['digits-video.mp4', 'm4a'],
	['digits-opus.ogg', 'ogg'],
	['digits-vorbis.ogg', 'ogg'],
	['digits.flac', 'flac'],
	['digits.webm', 'webm'],
])('%s in parts', (file, extension) => {
	it('has each word once and at its time, from one download', async () => {
		const content = contentOf(file);
		const { item, hints } = itemUnderWay();
		const { about, source } = recordingOf(content, `calls/${file}`);
		const listener = new Listener();
		const { json, transcript } = await transcribeRecording(
			item,
			requestOf(source, listener.transcribeFile),
		);
		const whole = (await hearRecording(content))?.channels[0] ?? [];
		// The order of the words is known, so that one lost or doubled at a cut would show.
		expect(transcript?.words?.map(({ text }) => text)).toEqual(whole.map(({ text }) => text));
		const delays = whole.map(({ start }, index) =>
			Math.abs((transcript?.words?.[index]?.start ?? Infinity) - start),
		);
		expect(Math.max(...delays)).toBeLessThan(0.05);
		const parts = transcript?.parts ?? [];
		expect(parts.length).toBeGreaterThan(2);
		expect(parts.at(-1)?.end).toBeCloseTo(DIGITS_SECONDS, 0);
		expect(transcript?.usage).toEqual({ seconds: parts.length });
		expect(json.parts).toHaveLength(parts.length);
		expect(about.opened).toBe(1);
		const stem = file.replace(/\..*/, '');
		expect([...listener.names].sort()).toEqual(
			parts.map((_, index) => `${stem}-${index + 1}.${extension}`),
		);
		expect(listener.mostAtOnce).toBeLessThanOrEqual(3);
		expect(hints[0]).toMatch(/^Item 0: Cut into \d parts at 0:0\d, /);
	});
});

describe('a recording within the limits', () => {
	it.each([
		[true, 2],
		[false, 1],
	])('is sent as it is (in the store: %s)', async (isStored, opened) => {
		const content = fixture('digits-opus.ogg');
		const { item, hints } = itemUnderWay();
		const { about, source } = recordingOf(content, 'a.ogg', isStored);
		const listener = new Listener();
		const limits = { ...LIMITS, seconds: 60 };
		const { transcript } = await transcribeRecording(
			item,
			requestOf(source, listener.transcribeFile, { limits }),
		);
		expect(transcript?.words).toHaveLength(digitPhrases().length);
		expect(transcript?.parts).toBeUndefined();
		expect(listener.names).toEqual(['a.ogg']);
		expect(about.opened).toBe(opened);
		expect(hints).toEqual([]);
	});
});

describe('a video', () => {
	it('below every limit has its sound sent as one file, which is no part', async () => {
		const { item, hints } = itemUnderWay();
		const { source } = recordingOf(fixture('digits-video.mp4'), 'talk.mp4');
		const listener = new Listener();
		const limits = { ...LIMITS, seconds: Infinity };
		const { json, transcript } = await transcribeRecording(
			item,
			requestOf(source, listener.transcribeFile, { limits }),
		);
		expect(listener.names).toEqual(['talk-1.m4a']);
		expect(json).toEqual({ text: transcript?.text });
		expect(transcript?.words).toHaveLength(digitPhrases().length);
		expect(hints).toEqual([]);
	});
});

describe('what cannot be cut', () => {
	it.each([
		['AVI', Buffer.from(`RIFF....AVI LIST${'x'.repeat(200_000)}`), 'The file is AVI'],
		['unknown', Buffer.alloc(200_000, 'x'), 'The format of the file is not known'],
		['without its end', fixture('digits.m4a').subarray(0, 20_000), 'no directory'],
	])('is refused above the limit before anything is sent: %s', async (_, content, found) => {
		const { item } = itemUnderWay();
		const { source } = recordingOf(content, 'a.avi');
		const listener = new Listener();
		const limits = { bytes: 10_000, seconds: Infinity };
		const error = await transcribeRecording(
			item,
			requestOf(source, listener.transcribeFile, { limits }),
		).catch((reason: Error) => reason);
		expect(error).toMatchObject({
			message: expect.stringMatching(
				/'Part Megabytes' and cannot be cut: it has 0\.\d MB/,
			) as string,
			description: expect.stringMatching(
				new RegExp(`${found}.*Nothing was sent.*'Long Recordings' to Send Whole`),
			) as string,
		});
		expect(listener.names).toEqual([]);
	});
});

it('keeps what was heard of a recording that is damaged further on', async () => {
	const { item } = itemUnderWay(true);
	const { source } = recordingOf(fixture('aac-moov-front.m4a').subarray(0, 34_000), 'a.m4a');
	const listener = new Listener();
	const limits = { bytes: 15_000, seconds: Infinity };
	const error = await transcribeRecording(
		item,
		requestOf(source, listener.transcribeFile, { limits }),
	).catch((reason: Error) => reason);
	expect(error).toMatchObject({
		message: expect.stringMatching(
			/^The recording is damaged, .* \(minutes 0:0\d to 0:06\)$/,
		) as string,
		description: expect.stringContaining('cut off') as string,
	});
	const kept = partialResultOf(error as Parameters<typeof partialResultOf>[0]);
	expect((kept?.transcript as unknown as Transcript).words?.length).toBeGreaterThan(0);
	expect(kept?.missing).toEqual([
		{ start: expect.any(Number) as number, end: expect.closeTo(6, 0) as number },
	]);
});

describe('a part that fails for good', () => {
	const failing = (number: number, listener: Listener) => async (file: FileToTranscribe) => {
		const { fileName } = await file.source(new AbortController().signal);
		if (fileName?.includes(`-${number}.`)) throw new Error('The service is ill');
		return await listener.transcribeFile(file);
	};

	it('fails the item and names its minutes; with Continue On Fail the others are kept', async () => {
		const { item } = itemUnderWay(true);
		const { source } = recordingOf(fixture('digits-cbr.mp3'), 'a.mp3');
		const listener = new Listener();
		const error = await transcribeRecording(item, requestOf(source, failing(2, listener))).catch(
			(reason: Error) => reason,
		);
		expect(error).toMatchObject({
			message: expect.stringMatching(/^The service is ill \(minutes 0:0\d to 0:1\d\)$/) as string,
		});
		const kept = partialResultOf(error as Parameters<typeof partialResultOf>[0]);
		expect(kept?.missing).toHaveLength(1);
		const [missing] = kept?.missing as Array<{ start: number; end: number }>;
		const words = (kept?.transcript as unknown as Transcript).words ?? [];
		const expected = digitPhrases().filter(
			({ start = 0 }) => start < (missing?.start ?? 0) || start > (missing?.end ?? 0),
		);
		expect(words).toHaveLength(expected.length);
		expect(words.at(-1)?.start).toBeCloseTo(expected.at(-1)?.start ?? 0, 0);
	});

	it('ends the sending where the item ends with it', async () => {
		const { item } = itemUnderWay();
		const { source } = recordingOf(fixture('digits-cbr.mp3'), 'a.mp3');
		const listener = new Listener();
		const limits = { ...LIMITS, seconds: 3 };
		const request = requestOf(source, failing(1, listener), { limits });
		await expect(transcribeRecording(item, request)).rejects.toThrow('The service is ill');
		expect(listener.names.length).toBeLessThan(5);
	});
});
