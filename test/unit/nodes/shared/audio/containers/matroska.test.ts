import fc from 'fast-check';

import { UnreadableRecording } from '../../../../../../nodes/shared/audio/containers/container.ts';
import { MATROSKA } from '../../../../../../nodes/shared/audio/containers/matroska.ts';
import { StreamedRecording, fixture, hashOf, judge, packetsIn } from '../../../../../containers.ts';

const CUTTABLE = [
	{ file: 'opus.webm', format: 'WebM (Opus)', extension: 'webm' },
	{ file: 'opus-with-video.webm', format: 'WebM video (Opus)', extension: 'webm' },
	{ file: 'opus-live.webm', format: 'WebM video (Opus)', extension: 'webm' },
	{ file: 'vorbis.webm', format: 'WebM (Vorbis)', extension: 'webm' },
	{ file: 'vorbis.mkv', format: 'MKV (Vorbis)', extension: 'webm' },
	{ file: 'aac-with-video.mkv', format: 'MKV video (AAC)', extension: 'm4a' },
];

describe.each(CUTTABLE)('$file', ({ file, format, extension }) => {
	it('gives the packets that another reader finds in it', async () => {
		const { track, packets } = await packetsIn(MATROSKA, new StreamedRecording(fixture(file)));
		const expected = await judge(fixture(file));
		expect(packets.map(({ bytes }) => hashOf(bytes))).toEqual(
			expected.packets.map(({ hash }) => hash),
		);
		expect(track).toMatchObject({ format, isVideo: format.includes('video') });
		const gaps = packets.slice(1).map(({ start }, index) => {
			const before = packets[index];
			return start - (before?.start ?? 0) - (before?.duration ?? 0);
		});
		expect(Math.max(...gaps.map(Math.abs))).toBeLessThan(1e-6);
	});

	it('makes parts whose packets and times another reader finds unchanged', async () => {
		const { track, packets } = await packetsIn(MATROSKA, new StreamedRecording(fixture(file)));
		const size = Math.ceil(packets.length / 3);
		for (let from = 0; from < packets.length; from += size) {
			const run = packets.slice(from, from + size);
			const part = track.write(run);
			const found = await judge(part.content);
			expect(part.extension).toBe(extension);
			expect(found.packets.map(({ hash }) => hash)).toEqual(run.map((it) => hashOf(it.bytes)));
			const begin = run[0]?.start ?? 0;
			const priming = run[0]?.priming ?? 0;
			// Another reader may count from the decoder's delay; times are whole milliseconds.
			const differences = run.map(({ start, priming: own }, index) => {
				const expected = own === undefined ? start - begin : -own;
				const actual = found.packets[index]?.timestamp ?? Infinity;
				return Math.min(Math.abs(actual - expected), Math.abs(actual - expected - priming));
			});
			expect(Math.max(...differences)).toBeLessThan(0.002);
			const bytes = run.reduce((sum, packet) => sum + packet.bytes.length, 0);
			expect(track.sizeOf(run.length, bytes)).toBeGreaterThanOrEqual(part.content.length);
		}
	});

	it('is refused or read with any damage, and throws nothing else', async () => {
		const content = fixture(file);
		const damage = fc.array(
			fc.record({
				at: fc.oneof(fc.nat(content.length - 1), fc.nat(700)),
				byte: fc.constantFrom(0, 1, 0x7f, 0x80, 0xff),
			}),
			{ minLength: 1, maxLength: 12 },
		);
		await fc.assert(
			fc.asyncProperty(damage, async (changes) => {
				const copy = Buffer.from(content);
				for (const { at, byte } of changes) copy[at] = byte;
				const outcome = await packetsIn(MATROSKA, new StreamedRecording(copy, 65_536)).catch(
					(error: unknown) => error,
				);
				if (outcome instanceof UnreadableRecording) return;
				const { track, packets } = outcome as Awaited<ReturnType<typeof packetsIn>>;
				const bytes = packets.reduce((sum, packet) => sum + packet.bytes.length, 0);
				expect(bytes).toBeLessThanOrEqual(content.length);
				expect(track.write(packets).content.length).toBeGreaterThan(bytes);
			}),
			{ numRuns: 50 },
		);
	});
});

describe('WebM and MKV', () => {
	it.each([
		['AC-3', 'ac3.mkv'],
		['MP3', 'mp3.mkv'],
	])('refuse what cannot be cut, naming it: %s', async (named, file) => {
		const opening = MATROSKA.open(new StreamedRecording(fixture(file)));
		await expect(opening).rejects.toThrow(UnreadableRecording);
		await expect(opening).rejects.toThrow(named);
	});

	it('refuse a file that is cut off before the end it states', async () => {
		const content = fixture('opus.webm');
		const cut = content.subarray(0, Math.floor(content.length / 2));
		await expect(packetsIn(MATROSKA, new StreamedRecording(cut))).rejects.toThrow(/cut off/);
	});
});
