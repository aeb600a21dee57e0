import fc from 'fast-check';

import { UnreadableRecording } from '../../../../../../nodes/shared/audio/containers/container.ts';
import { MP4 } from '../../../../../../nodes/shared/audio/containers/mp4.ts';
import {
	StreamedRecording,
	fixture,
	hashOf,
	judge,
	packetsIn,
	secondsIn,
} from '../../../../../containers.ts';

const CUTTABLE = [
	{ file: 'aac-moov-front.m4a', format: 'M4A (AAC)', isVideo: false, opened: 1, seconds: 6 },
	{ file: 'aac-moov-behind.m4a', format: 'M4A (AAC)', isVideo: false, opened: 2, seconds: 6 },
	{ file: 'aac-fragmented.mp4', format: 'MP4 (AAC)', isVideo: false, opened: 1, seconds: 6.0213 },
	{ file: 'alac.m4a', format: 'M4A (ALAC)', isVideo: false, opened: 2, seconds: 3 },
	{ file: 'aac-with-video.mp4', format: 'MP4 video (AAC)', isVideo: true, opened: 2, seconds: 5 },
	{ file: 'aac-with-video.mov', format: 'MOV video (AAC)', isVideo: true, opened: 2, seconds: 5 },
	{
		file: 'aac-fragmented-with-video.mp4',
		format: 'MP4 video (AAC)',
		isVideo: true,
		opened: 1,
		seconds: 4.032,
	},
];

/** A copy in which a name of four letters is another one, everywhere. */
function renamed(content: Buffer, from: string, to: string): Buffer {
	const copy = Buffer.from(content);
	for (let at = copy.indexOf(from); at >= 0; at = copy.indexOf(from, at + 1)) copy.write(to, at);
	return copy;
}

/** The judge knows no ALAC, which the last of the tests of each file covers. */
const JUDGED = CUTTABLE.filter(({ format }) => !format.includes('ALAC'));

describe.each(JUDGED)('$file', ({ file, format, isVideo, opened, seconds }) => {
	it('gives the packets that another reader finds in it, at the same times', async () => {
		const content = fixture(file);
		const recording = new StreamedRecording(content);
		const { track, packets } = await packetsIn(MP4, recording);
		const expected = await judge(content);
		expect(packets.map(({ bytes }) => hashOf(bytes))).toEqual(
			expected.packets.map(({ hash }) => hash),
		);
		const differences = packets.map(({ start }, index) =>
			Math.abs(start - Math.max(0, expected.packets[index]?.timestamp ?? Infinity)),
		);
		expect(Math.max(...differences)).toBeLessThan(0.001);
		expect(track).toMatchObject({ format, isVideo });
		expect(secondsIn(packets)).toBeCloseTo(seconds, 3);
		// The directory in front costs one reading of the store, the one behind a second.
		expect(recording.opened).toBe(opened);
	});

	it('makes parts whose packets and times another reader finds unchanged', async () => {
		const { track, packets } = await packetsIn(MP4, new StreamedRecording(fixture(file)));
		const size = Math.ceil(packets.length / 3);
		for (let from = 0; from < packets.length; from += size) {
			const run = packets.slice(from, from + size);
			const part = track.write(run);
			const found = await judge(part.content);
			expect(part).toMatchObject({ extension: 'm4a', mimeType: 'audio/mp4' });
			expect(found.packets.map(({ hash }) => hash)).toEqual(run.map((it) => hashOf(it.bytes)));
			const begin = run[0]?.start ?? 0;
			const differences = run.map(({ start }, index) =>
				Math.abs(start - begin - Math.max(0, found.packets[index]?.timestamp ?? Infinity)),
			);
			expect(Math.max(...differences)).toBeLessThan(0.001);
			const bytes = run.reduce((sum, packet) => sum + packet.bytes.length, 0);
			expect(track.sizeOf(run.length, bytes)).toBeGreaterThanOrEqual(part.content.length);
		}
	});
});

describe('MP4, M4A and MOV', () => {
	it.each(CUTTABLE)(
		'read their own part of $file, so that no configuration of a decoder is lost',
		async ({ file }) => {
			const { track, packets } = await packetsIn(MP4, new StreamedRecording(fixture(file)));
			const again = await packetsIn(MP4, new StreamedRecording(track.write(packets).content));
			expect(again.packets.map(({ bytes }) => hashOf(bytes))).toEqual(
				packets.map(({ bytes }) => hashOf(bytes)),
			);
			expect(secondsIn(again.packets)).toBeCloseTo(secondsIn(packets), 3);
			expect(again.track.warmUp).toBe(track.warmUp);
			expect(again.packets.map((packet) => packet.loudness)).toEqual(
				packets.map((packet) => packet.loudness),
			);
		},
	);

	it.each([
		['silence', 'aac-moov-behind.m4a'],
		['noise at -66 dB', 'aac-moov-front.m4a'],
	])('tell tones from pauses of %s without decoding', async (_pause, file) => {
		// Every second of the fixtures is 0.6 s of a tone and 0.4 s of a pause. The gain is that of a
		// packet's lowest band, so it is a run of packets that tells, not a single one.
		const { packets } = await packetsIn(MP4, new StreamedRecording(fixture(file)));
		for (let second = 0; second < 6; second++) {
			const mean = (from: number, to: number) => {
				const run = packets.filter(({ start }) => start > second + from && start < second + to);
				return run.reduce((sum, { loudness = NaN }) => sum + loudness, 0) / run.length;
			};
			expect(mean(0.1, 0.5)).toBeGreaterThan(mean(0.68, 0.88));
		}
	});

	it('keep nothing of a stream’s pieces alive but the packets', async () => {
		const recording = new StreamedRecording(fixture('aac-with-video.mp4'), 1 << 20);
		const { packets } = await packetsIn(MP4, recording);
		const held = Math.max(...packets.map(({ bytes }) => bytes.buffer.byteLength));
		expect(held).toBeLessThanOrEqual(65_536);
	});

	it.each([
		['AC-3', fixture('ac3.mp4')],
		['PCM', fixture('pcm.mov')],
		['encrypted', renamed(fixture('aac-moov-front.m4a'), 'mp4a', 'enca')],
		['Opus', renamed(fixture('aac-moov-front.m4a'), 'mp4a', 'Opus')],
		['has no sound', renamed(fixture('aac-moov-front.m4a'), 'soun', 'text')],
		['has no directory', renamed(fixture('aac-moov-behind.m4a'), 'moov', 'free')],
	])('refuse what cannot be cut, naming it: %s', async (named, content) => {
		const opening = MP4.open(new StreamedRecording(content));
		await expect(opening).rejects.toThrow(UnreadableRecording);
		await expect(opening).rejects.toThrow(named);
	});

	it.each(CUTTABLE)('refuse $file where it is cut off, wherever that is', async ({ file }) => {
		const content = fixture(file);
		const { packets: whole } = await packetsIn(MP4, new StreamedRecording(content));
		for (let share = 1; share < 20; share++) {
			const cut = content.subarray(0, Math.floor((content.length * share) / 20));
			const found = await packetsIn(MP4, new StreamedRecording(cut)).catch(
				(error: unknown) => error,
			);
			// A fragmented file that ends between two fragments, or in what stands behind, is whole.
			if (found instanceof UnreadableRecording) continue;
			expect(found).toHaveProperty('packets');
			const { packets } = found as Awaited<ReturnType<typeof packetsIn>>;
			expect(packets).toHaveLength(whole.length);
		}
	});

	it.each(CUTTABLE)(
		'refuse or read $file with any damage, and throw nothing else',
		async ({ file }) => {
			const content = fixture(file);
			const directory = content.indexOf('moov');
			const damage = fc.array(
				fc.record({
					at: fc.oneof(
						fc.nat(content.length - 1),
						fc.nat(900).map((near) => Math.min(directory + near, content.length - 1)),
					),
					byte: fc.constantFrom(0, 1, 0x7f, 0x80, 0xff),
				}),
				{ minLength: 1, maxLength: 12 },
			);
			await fc.assert(
				fc.asyncProperty(damage, async (changes) => {
					const copy = Buffer.from(content);
					for (const { at, byte } of changes) copy[at] = byte;
					const outcome = await packetsIn(MP4, new StreamedRecording(copy, 65_536)).catch(
						(error: unknown) => error,
					);
					if (outcome instanceof UnreadableRecording) return;
					const { track, packets } = outcome as Awaited<ReturnType<typeof packetsIn>>;
					// No more comes out than went in, and it still makes a file.
					const bytes = packets.reduce((sum, packet) => sum + packet.bytes.length, 0);
					expect(bytes).toBeLessThanOrEqual(content.length);
					expect(packets.every(({ start, duration }) => start >= 0 && duration >= 0)).toBe(true);
					expect(track.write(packets).content.length).toBeGreaterThan(bytes);
				}),
				{ numRuns: 60 },
			);
		},
	);
});
