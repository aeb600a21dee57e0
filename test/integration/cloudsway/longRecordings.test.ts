import type { IDataObject } from 'n8n-workflow';

import { makeDtmfWav, type Phrase } from '../../../sandbox/hearing/tones.ts';
import type { RequestRecord } from '../../../sandbox/core/exchange.ts';
import { fixture } from '../../containers.ts';
import { digitPhrases } from '../../fixtures/recordings/digits.ts';
import { CloudswayAccess, item, type CloudswayRun, type Model } from './access.ts';

const cloudsway = new CloudswayAccess();

const WORDS = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];
const SECONDS = 150;
const PHRASES = digitPhrases(SECONDS);
const SPOKEN = PHRASES.map(({ keys }) => WORDS[Number(keys)]).join(' ');

const recordingOf = (phrases: Phrase[], seconds = SECONDS) =>
	makeDtmfWav({ sampleRate: 8_000, channels: [phrases], duration: seconds });
const meeting = recordingOf(PHRASES);

/** Limits of which the meeting needs three parts: of a minute, and of a megabyte. */
const MINUTE = { partMinutes: 1 };
const MEGABYTE = { partMegabytes: 1 };

const run = (
	model: Model,
	responseFormat: string,
	options: IDataObject,
	more: CloudswayRun & { recording?: Buffer; simplify?: boolean } = {},
) => {
	const { recording = meeting, simplify = true, ...rest } = more;
	return cloudsway.run(
		model,
		{ responseFormat, simplify, options: options as Record<string, string> },
		{ items: [item(recording, 'meeting.wav')], ...rest },
	);
};

const uploads = (): RequestRecord[] =>
	cloudsway.sandbox.requests.filter(({ method }) => method === 'POST');

interface Timed {
	text: string;
	start: number;
	end: number;
	speaker?: string;
}

/** Whether times follow each other and are those at which the words are spoken. */
const expectTimes = (segments: Timed[]) => {
	const starts = PHRASES.map(({ start = 0 }) => start);
	for (const segment of segments) {
		const nearest = Math.min(...starts.map((start) => Math.abs(start - segment.start)));
		expect(nearest).toBeLessThan(0.05);
	}
	expect(segments.at(-1)?.end).toBeGreaterThan(SECONDS - 5);
};

describe('a long recording', () => {
	it('is within the limits of the service by default, and goes out whole where it is short', async () => {
		const { items, error } = await run('MaaS_GP_4o_mini_transcribe', 'json', {});
		expect(error).toBeUndefined();
		expect(items[0]?.json.text).toBe(SPOKEN);
		expect(uploads()).toHaveLength(1);
		expect(uploads()[0]?.file?.name).toBe('meeting.wav');
	});

	it('of the models that count minutes is cut by them: one text, a segment a part', async () => {
		const { items, hints } = await run('MaaS_GP_4o_mini_transcribe', 'json', MINUTE);
		const { text, segments, parts, usage, duration } = items[0]?.json ?? {};
		expect(text).toBe(SPOKEN);
		expect(segments).toHaveLength(3);
		expect(parts).toEqual(
			(segments as unknown as Timed[]).map(({ start, end }) => ({
				start,
				end,
				requestId: expect.stringMatching(/^req-/) as string,
			})),
		);
		expect(duration).toBeCloseTo(SECONDS, 1);
		// The sandbox counts ten tokens a second, rounded up for each part.
		expect((usage as IDataObject).input_tokens).toBeGreaterThanOrEqual(SECONDS * 10);
		expect(hints[0]?.message).toMatch(/^Item 0: Cut into 3 parts at 0:\d\d, 1:\d\d$/);
		expect(
			uploads()
				.map(({ file }) => file?.name)
				.sort(),
		).toEqual(['meeting-1.wav', 'meeting-2.wav', 'meeting-3.wav']);
	});

	it('is not cut by minutes with whisper-1, but by size', async () => {
		await run('whisper-1', 'json', MINUTE);
		expect(uploads()).toHaveLength(1);
		await run('whisper-1', 'json', MEGABYTE);
		expect(uploads()).toHaveLength(4);
		for (const { file } of uploads().slice(1)) expect(file?.size).toBeLessThanOrEqual(1_000_000);
	});

	it.each(['srt', 'vtt', 'verbose_json'])('comes back as one from %s', async (format) => {
		const { items } = await run('whisper-1', format, MEGABYTE);
		const { text, segments, parts } = items[0]?.json ?? {};
		expect(text).toBe(SPOKEN);
		expect((segments as unknown as Timed[]).map((segment) => segment.text).join(' ')).toBe(SPOKEN);
		expectTimes(segments as unknown as Timed[]);
		expect(parts).toHaveLength(3);
	});

	it('has a subtitle file of all parts', async () => {
		const result = await run('whisper-1', 'srt', { ...MEGABYTE, subtitles: 'vtt' });
		const { items } = result;
		const file = (await result.binary(items[0] ?? { json: {} }, 'subtitles')).toString();
		expect(file.match(/-->/g)?.length).toBe((items[0]?.json.segments as unknown[]).length);
		expect(file).toContain('00:02:');
	});

	it('comes back as text, of which a part is a segment', async () => {
		const options = { ...MINUTE, chunkingStrategy: 'auto' };
		const { items } = await run('MaaS_GP_4o_transcribe_diarize', 'text', options);
		expect(items[0]?.json.text).toBe(SPOKEN);
		expect(items[0]?.json.segments).toHaveLength(3);
	});

	it('gives the answers of its parts untouched without Simplify', async () => {
		const { items } = await run('whisper-1', 'verbose_json', MEGABYTE, { simplify: false });
		const parts = items[0]?.json.parts as unknown as Array<{
			start: number;
			end: number;
			answer: { text: string; task: string };
		}>;
		expect(Object.keys(items[0]?.json ?? {})).toEqual(['parts']);
		expect(parts.map(({ answer }) => answer.text).join(' ')).toBe(SPOKEN);
		expect(parts.map(({ answer }) => answer.task)).toEqual(Array(3).fill('transcribe'));
		expect(parts.map(({ start }) => start)).toEqual([0, parts[0]?.end, parts[1]?.end]);
	});

	it('streams the text of its parts in their order', async () => {
		// The first part answers last: what comes before it must wait for it.
		cloudsway.sandbox.faults.add({ fault: { kind: 'delay', ms: 1_000 } });
		const options = { ...MINUTE, stream: true };
		const { items, chunks } = await run('MaaS_GP_4o_transcribe', 'json', options, {
			streaming: true,
		});
		expect(items[0]?.json.text).toBe(SPOKEN);
		const sent = chunks.filter(({ type }) => type === 'item').map(({ content }) => content);
		expect(sent.join('')).toBe(SPOKEN);
		expect(chunks.map(({ type }) => type).filter((type) => type !== 'item')).toEqual([
			'begin',
			'end',
		]);
	});
});

describe('a video', () => {
	it('has its sound sent alone, whatever its size', async () => {
		const video = fixture('digits-video.mp4');
		const { items, error } = await cloudsway.run(
			'whisper-1',
			{ responseFormat: 'verbose_json' },
			{ items: [item(video, 'talk.mp4', 'video/mp4')] },
		);
		expect(error).toBeUndefined();
		const { file } = cloudsway.lastRequest();
		expect(file).toMatchObject({ name: 'talk-1.m4a', mimeType: 'audio/mp4' });
		expect(file?.size).toBeLessThan(video.length);
		expect(items[0]?.json.parts).toBeUndefined();
		expect((items[0]?.json.text as string).split(' ')).toHaveLength(digitPhrases().length);
	});

	it.each([
		['aac-with-video.mov', 'video/quicktime', 'm4a'],
		['aac-with-video.mkv', 'video/x-matroska', 'm4a'],
		['vorbis.mkv', 'video/x-matroska', 'webm'],
	])(
		'or recording of a kind that the service does not take goes out as another: %s',
		async (file, type, extension) => {
			const { error } = await cloudsway.run(
				'whisper-1',
				{},
				{ items: [item(fixture(file), file, type)] },
			);
			expect(error).toBeUndefined();
			const stem = file.replace(/\..*/, '');
			expect(cloudsway.lastRequest().file?.name).toBe(`${stem}-1.${extension}`);
		},
	);

	it('goes out whole where that is wanted', async () => {
		await cloudsway.run(
			'whisper-1',
			{ options: { longRecordings: 'send' } },
			{ items: [item(fixture('digits-video.mp4'), 'talk.mp4', 'video/mp4')] },
		);
		expect(cloudsway.lastRequest().file?.name).toBe('talk.mp4');
	});
});

it('a file above the limit that cannot be cut is refused before anything is paid', async () => {
	const avi = Buffer.concat([Buffer.from('RIFF....AVI LIST'), Buffer.alloc(1_100_000)]);
	const { error } = await run('whisper-1', 'json', MEGABYTE, { recording: avi });
	expect(error?.message).toContain("above 'Part Megabytes' and cannot be cut: it has 1.2 MB");
	expect(error?.description).toMatch(/The file is AVI.*'Long Recordings' to Send Whole/);
	expect(uploads()).toHaveLength(0);
});

describe('a part that fares badly', () => {
	it('is sent again alone after 429', async () => {
		const fault = { kind: 'status' as const, status: 429, headers: { 'retry-after': '0' } };
		cloudsway.sandbox.faults.add({ times: 2, fault });
		const { items, error } = await run('whisper-1', 'verbose_json', MEGABYTE);
		expect(error).toBeUndefined();
		expect(items[0]?.json.text).toBe(SPOKEN);
		expect(uploads()).toHaveLength(5);
	});

	it.each([
		['500 for ever', { kind: 'status' as const, status: 500 }, '(500)'],
		['a reset', { kind: 'reset' as const, when: 'after' as const }, 'broken off'],
	])('fails the item after %s, with its minutes', async (_, fault, reason) => {
		cloudsway.sandbox.faults.add({ fault });
		const { error, items } = await run('whisper-1', 'verbose_json', MEGABYTE);
		expect(items).toEqual([]);
		expect(error?.message).toContain(reason);
		expect(error?.message).toMatch(/\(minutes \d:\d\d to \d:\d\d\) \[item 0\]$/);
	});

	it('is all that is sent and paid again by Retry On Fail', async () => {
		cloudsway.sandbox.faults.add({ fault: { kind: 'status', status: 500 } });
		const settings = { retryOnFail: true, maxTries: 2, waitBetweenTries: 0 };
		const { items } = await run('whisper-1', 'verbose_json', MEGABYTE, { settings });
		expect(items[0]?.json.text).toBe(SPOKEN);
		const sizes = uploads()
			.filter(({ status }) => status === 200)
			.map(({ file }) => file?.sha256);
		expect(new Set(sizes).size).toBe(sizes.length);
		expect(uploads()).toHaveLength(4);
	});

	it('leaves the rest and what is missing, with Continue On Fail', async () => {
		cloudsway.sandbox.faults.add({ fault: { kind: 'status', status: 500 } });
		const { items } = await run('whisper-1', 'verbose_json', MEGABYTE, { continueOnFail: true });
		const { error, details, transcript, missing } = items[0]?.json ?? {};
		expect(error).toMatch(/\(500\) \(minutes/);
		expect(details).toBeTruthy();
		const [gap] = missing as Array<{ start: number; end: number }>;
		const { segments, text } = transcript as unknown as { segments: Timed[]; text: string };
		const rest = PHRASES.filter(
			({ start = 0 }) => start < (gap?.start ?? 0) || start > (gap?.end ?? 0),
		);
		expect(text).toBe(rest.map(({ keys }) => WORDS[Number(keys)]).join(' '));
		for (const { start, end } of segments) {
			expect(end <= (gap?.start ?? 0) || start >= (gap?.end ?? 0)).toBe(true);
		}
		// Two parts were heard and paid, one was not.
		expect(uploads().filter(({ status }) => status === 200)).toHaveLength(2);
	});
});

describe('speakers of a recording in parts', () => {
	// Four voices by their loudness, who take turns in every part, in another order in each.
	const LEVELS = [0.45, 0.2, 0.09, 0.04];
	const turns = (start: number, order: number[]): Phrase[] =>
		order.map((voice, index) => ({
			keys: String(voice + 1).repeat(12),
			level: LEVELS[voice],
			start: start + index * 4,
		}));
	const phrases = [
		...turns(1, [0, 1, 2, 3]),
		...turns(25, [3, 1]),
		...turns(62, [2, 0, 3, 1]),
		...turns(122, [1, 3, 2, 0]),
	];
	const dialogue = recordingOf(phrases);
	const options = { ...MINUTE, chunkingStrategy: 'auto' };

	const speakersOf = (segments: Timed[]) =>
		segments.map(({ text, speaker }) => [text.split(' ')[0], speaker]);

	it('have one name each', async () => {
		const { items, error } = await run('MaaS_GP_4o_transcribe_diarize', 'diarized_json', options, {
			recording: dialogue,
		});
		expect(error).toBeUndefined();
		const { segments, parts } = items[0]?.json ?? {};
		expect((parts as unknown[]).length).toBeGreaterThan(2);
		const names: Record<string, string> = { one: 'A', two: 'B', three: 'C', four: 'D' };
		const spoken = speakersOf(segments as unknown as Timed[]);
		expect(spoken).toEqual(spoken.map(([text = '']) => [text, names[text]]));
		expect(spoken).toHaveLength(phrases.length);
		// The voices go out with later parts alone, since they are of the first.
		const sent = uploads().map(
			({ fields }) => fields.filter(([name]) => name === 'known_speaker_names[]').length,
		);
		expect(sent).toEqual([0, ...Array<number>(sent.length - 1).fill(4)]);
	});

	it('beyond those introduced get a name of their own', async () => {
		const late = recordingOf([...turns(1, [0, 1]), ...turns(62, [2, 0]), ...turns(122, [3, 1])]);
		const { items } = await run('MaaS_GP_4o_transcribe_diarize', 'diarized_json', options, {
			recording: late,
		});
		const spoken = speakersOf(items[0]?.json.segments as unknown as Timed[]);
		expect(spoken).toEqual([
			['one', 'A'],
			['two', 'B'],
			['three', 'C'],
			['one', 'A'],
			['four', 'D'],
			['two', 'B'],
		]);
	});

	it('that the user introduced keep their names and come first', async () => {
		const sample = makeDtmfWav({
			channels: [[{ keys: '2'.repeat(12), level: LEVELS[1] }]],
			duration: 3,
		});
		const reference = `data:audio/wav;base64,${sample.toString('base64')}`;
		const knownSpeakers = { speaker: [{ name: 'agent', referenceType: 'dataUrl', reference }] };
		const { items } = await run(
			'MaaS_GP_4o_transcribe_diarize',
			'diarized_json',
			{ ...options, knownSpeakers },
			{ recording: dialogue },
		);
		const spoken = speakersOf(items[0]?.json.segments as unknown as Timed[]);
		const names: Record<string, string> = { one: 'A', two: 'agent', three: 'B', four: 'C' };
		expect(spoken).toEqual(spoken.map(([text = '']) => [text, names[text]]));
		const introduced = uploads()
			.at(-1)
			?.fields.filter(([name]) => name === 'known_speaker_names[]')
			.map(([, name]) => name);
		expect(introduced).toEqual(['agent', 'speaker_A', 'speaker_B', 'speaker_C']);
	});
});
