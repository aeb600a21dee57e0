import { HeldRecording } from '../../../../../nodes/shared/audio/heldRecording.ts';
import { inspectRecording, openSoundTrack } from '../../../../../nodes/shared/audio/inspection.ts';
import { makeDtmfWav } from '../../../../../sandbox/hearing/tones.ts';
import { StreamedRecording, fixture } from '../../../../containers.ts';

/** A recording on the web: it can be fetched, and each fetching is counted. */
function onTheWeb(content: Buffer, most: number, isLengthKnown = true) {
	const about = { fetched: 0, read: 0 };
	const fetch = () => {
		about.fetched++;
		return Promise.resolve(
			(async function* () {
				for (let at = 0; at < content.length; at += 1_000) {
					about.read = Math.min(content.length, at + 1_000);
					yield await Promise.resolve(content.subarray(at, at + 1_000));
				}
			})(),
		);
	};
	const length = isLengthKnown ? content.length : undefined;
	return { about, recording: new HeldRecording(fetch, most, length) };
}

async function contentOf(recording: HeldRecording): Promise<Buffer> {
	const pieces: Uint8Array[] = [];
	for await (const piece of await recording.release()) pieces.push(piece);
	return Buffer.concat(pieces);
}

const LIMITS = { bytes: 1_000_000, seconds: 60 };

describe('inspectRecording', () => {
	it.each([
		['digits-cbr.mp3', 'MP3', 24],
		['digits-8khz.mp3', 'MP3', 24],
		['digits.flac', 'FLAC', 24],
		['digits-opus.ogg', 'Ogg (Opus)', 24],
		['digits-vorbis.ogg', 'Ogg (Vorbis)', 24],
		['aac-moov-behind.m4a', 'M4A', 6],
		['opus.webm', 'WebM', 6],
	])('lets %s be sent as it is, fetched once', async (file, format, seconds) => {
		const content = fixture(file);
		const { about, recording } = onTheWeb(content, LIMITS.bytes);
		const found = await inspectRecording(recording, LIMITS);
		expect(found).toMatchObject({ isVideo: false, mustBeCut: false });
		expect(found.format).toContain(format);
		expect(found.duration).toBeCloseTo(seconds, 0);
		expect(await contentOf(recording)).toEqual(content);
		expect(about.fetched).toBe(1);
	});

	it.each(['digits-cbr.mp3', 'digits-8khz.mp3', 'digits.flac', 'digits-opus.ogg'])(
		'has %s cut where it is longer than the limit, still fetched once',
		async (file) => {
			const { about, recording } = onTheWeb(fixture(file), LIMITS.bytes);
			const found = await inspectRecording(recording, { ...LIMITS, seconds: 20 });
			expect(found.mustBeCut).toBe(true);
			expect(await contentOf(recording)).toEqual(fixture(file));
			expect(about.fetched).toBe(1);
		},
	);

	it.each(['digits-theora.ogv', 'aac-with-video.mp4', 'opus-with-video.webm'])(
		'has a video cut: %s',
		async (file) => {
			const { recording } = onTheWeb(fixture(file), LIMITS.bytes);
			const found = await inspectRecording(recording, { ...LIMITS, seconds: Infinity });
			expect(found).toMatchObject({ isVideo: true, mustBeCut: true });
		},
	);

	it('reads only the beginning where the size or the header tells enough', async () => {
		const wav = makeDtmfWav({ channels: [[{ keys: '1' }]], duration: 30 });
		const tooLarge = onTheWeb(wav, 500_000);
		const found = await inspectRecording(tooLarge.recording, { bytes: 500_000, seconds: 60 });
		expect(found).toMatchObject({ format: 'WAV', mustBeCut: true });
		expect(tooLarge.about.read).toBeLessThanOrEqual(2_000);
		const fits = onTheWeb(wav, 1_000_000);
		await inspectRecording(fits.recording, LIMITS);
		expect(fits.about.read).toBeLessThanOrEqual(2_000);
	});

	it('reads up to the limit where the length is not known, and keeps no more than that', async () => {
		const wav = makeDtmfWav({ channels: [[{ keys: '1' }]], duration: 30 });
		const { about, recording } = onTheWeb(wav, 500_000, false);
		const found = await inspectRecording(recording, { bytes: 500_000, seconds: Infinity });
		expect(found.mustBeCut).toBe(true);
		expect(about.read).toBeLessThanOrEqual(501_000);
	});

	it('leaves what it cannot read to the service, below the limit', async () => {
		const text = Buffer.from('RIFF....AVI LIST');
		const { recording } = onTheWeb(text, LIMITS.bytes);
		expect(await inspectRecording(recording, LIMITS)).toEqual({
			format: 'AVI',
			isVideo: false,
			mustBeCut: false,
		});
		const broken = onTheWeb(Buffer.from('OggS but nothing else'), LIMITS.bytes);
		expect(await inspectRecording(broken.recording, LIMITS)).toMatchObject({ mustBeCut: false });
	});
});

describe('openSoundTrack', () => {
	it('refuses other formats by name', async () => {
		const open = (start: string) => openSoundTrack(new StreamedRecording(Buffer.from(start)));
		await expect(open('RIFF....AVI LIST')).rejects.toThrow('The file is AVI, which cannot be cut');
		await expect(open('what is this')).rejects.toThrow('The format of the file is not known');
	});
});

describe('HeldRecording', () => {
	it('gives the beginning again without fetching it again, until more was read than it keeps', async () => {
		const content = Buffer.from(Array.from({ length: 20_000 }, (_, index) => index % 251));
		const { about, recording } = onTheWeb(content, 5_000);
		for (let time = 0; time < 3; time++) {
			expect(await (await recording.open()).read(3_000)).toEqual(content.subarray(0, 3_000));
		}
		expect(about).toEqual({ fetched: 1, read: 3_000 });
		expect(await (await recording.open()).read(9_000)).toEqual(content.subarray(0, 9_000));
		expect(about.fetched).toBe(1);
		expect(await contentOf(recording)).toEqual(content);
		expect(about.fetched).toBe(2);
	});

	it('keeps nothing of what it was asked to release', async () => {
		const content = Buffer.alloc(10_000, 7);
		const { about, recording } = onTheWeb(content, 50_000);
		await (await recording.open()).peek(64);
		expect(await contentOf(recording)).toEqual(content);
		expect(about.fetched).toBe(1);
		await (await recording.open()).peek(64);
		expect(about.fetched).toBe(2);
	});
});
