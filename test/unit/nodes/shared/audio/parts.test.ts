import type { Packet } from '../../../../../nodes/shared/audio/containers/container.ts';
import { cutIntoParts, type Part } from '../../../../../nodes/shared/audio/parts.ts';
import { openSoundTrack } from '../../../../../nodes/shared/audio/inspection.ts';
import type { HeardWord } from '../../../../../sandbox/hearing/dtmf.ts';
import { makeDtmfWav } from '../../../../../sandbox/hearing/tones.ts';
import { StreamedRecording, fixture, hashOf, judge } from '../../../../containers.ts';
import { DIGITS_SECONDS, digitPhrases } from '../../../../fixtures/recordings/digits.ts';
import { decode, hearDigits } from '../../../../hearing.ts';

const WORDS = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];
const SPOKEN = digitPhrases().map(({ keys }) => WORDS[Number(keys)]);

const RECORDINGS = [
	{ file: 'digits-cbr.mp3', bytes: 90_000 },
	{ file: 'digits-vbr.mp3', bytes: 16_000 },
	{ file: 'digits-8khz.mp3', bytes: 11_000 },
	{ file: 'digits.flac', bytes: 16_000 },
	{ file: 'digits-opus.ogg', bytes: 14_000 },
	{ file: 'digits-vorbis.ogg', bytes: 9_000 },
	{ file: 'digits.wav', bytes: 200_000 },
];

const contentOf = (file: string) =>
	file === 'digits.wav'
		? makeDtmfWav({
				sampleRate: 8_000,
				bitDepth: '24',
				channels: [digitPhrases(), digitPhrases()],
				duration: DIGITS_SECONDS,
			})
		: fixture(file);

const extensionOf = (file: string) => file.split('.').pop() ?? '';

async function cut(content: Buffer, bytes: number, seconds = Infinity): Promise<Part[]> {
	const track = await openSoundTrack(new StreamedRecording(content));
	const parts: Part[] = [];
	for await (const part of cutIntoParts(track, { bytes, seconds })) parts.push(part);
	return parts;
}

/** The digits in the parts with the recording's times, and what decoders had to complain about. */
async function hear(parts: readonly Part[]) {
	const words: HeardWord[] = [];
	const complaints: string[] = [];
	const lengths: number[] = [];
	for (const { file, offset } of parts) {
		const decoded = await decode(file.content, file.extension);
		complaints.push(...decoded.complaints);
		lengths.push(decoded.samples.length / decoded.sampleRate);
		words.push(...hearDigits(decoded).map((word) => ({ ...word, start: word.start + offset })));
	}
	return { words, complaints, lengths };
}

describe.each(RECORDINGS)('$file in parts', ({ file, bytes }) => {
	it('lets every digit be heard once and at its time, by size', async () => {
		const parts = await cut(contentOf(file), bytes);
		const { words, complaints, lengths } = await hear(parts);
		expect(parts.length).toBeGreaterThan(1);
		expect(complaints).toEqual([]);
		// The order of the digits is known, so that one lost or doubled at a cut would show.
		expect(words.map(({ text }) => text)).toEqual(SPOKEN);
		// An MP3 without LAME's tag sounds later than what it was made of, whole or in parts.
		const whole = hearDigits(await decode(contentOf(file), extensionOf(file)));
		const delays = words.map(({ start }, index) => start - (whole[index]?.start ?? Infinity));
		expect(Math.max(...delays.map(Math.abs))).toBeLessThan(0.05);
		for (const [index, part] of parts.entries()) {
			expect(part.file.content.length).toBeLessThanOrEqual(bytes);
			expect(part.overlap).toBe(0);
			expect(part.start).toBe(index === 0 ? 0 : parts[index - 1]?.end);
			expect(part.isLast).toBe(index === parts.length - 1);
			// A decoder may keep the last packet's sound back, and MP3's comes a frame late.
			expect(Math.abs((lengths[index] ?? 0) - (part.end - part.offset))).toBeLessThan(0.08);
		}
	});

	it('lets every digit be heard once and at its time, by minutes', async () => {
		const parts = await cut(contentOf(file), 10_000_000, 9);
		const { words } = await hear(parts);
		expect(parts.length).toBeGreaterThan(2);
		expect(words.map(({ text }) => text)).toEqual(SPOKEN);
		for (const part of parts) expect(part.end - part.offset).toBeLessThanOrEqual(9.000001);
	});
});

async function packetsOf(content: Buffer): Promise<Packet[]> {
	const packets: Packet[] = [];
	const track = await openSoundTrack(new StreamedRecording(content));
	for await (const packet of track.packets()) packets.push(packet);
	return packets;
}

describe.each(RECORDINGS.filter(({ file }) => !/wav|flac/.test(file)))(
	'packets of $file',
	({ file, bytes }) => {
		it('are those that another reader finds, in the recording and in its parts', async () => {
			const content = contentOf(file);
			const own = await packetsOf(content);
			const hashes = own.map((packet) => hashOf(packet.bytes));
			expect(hashes).toEqual((await judge(content)).packets.map(({ hash }) => hash));
			for (const part of await cut(content, bytes)) {
				const found = (await judge(part.file.content)).packets.map(({ hash }) => hash);
				const from = own.findIndex(({ start }) => Math.abs(start - part.offset) < 1e-9);
				expect(found).toEqual(hashes.slice(from, from + found.length));
				const last = own[from + found.length - 1];
				expect((last?.start ?? 0) + (last?.duration ?? 0)).toBeCloseTo(part.end, 6);
			}
		});
	},
);

it('gives the samples of a FLAC file unchanged, each once', async () => {
	const whole = await decode(fixture('digits.flac'), 'flac');
	const parts = await cut(fixture('digits.flac'), 16_000);
	const decoded = await Promise.all(parts.map(({ file }) => decode(file.content, 'flac')));
	// FLAC loses nothing: every sample of every part can be compared.
	const samples = Buffer.concat(decoded.map((part) => Buffer.from(part.samples.buffer)));
	expect(hashOf(samples)).toBe(hashOf(Buffer.from(whole.samples.buffer)));
});

describe('a recording in which no pause is found', () => {
	// Packets of a constant bit rate are all of one size, which tells nothing of their loudness.
	it('is cut so that its end is in both parts, up to a fifth of a short one', async () => {
		const parts = await cut(fixture('digits-opus-cbr.ogg'), 10_000_000, 18);
		expect(parts).toHaveLength(2);
		const [first, second] = parts;
		expect(first?.end).toBeCloseTo(18, 1);
		expect(second?.overlap).toBeCloseTo(3.6, 1);
		expect((second?.start ?? 0) + (second?.overlap ?? 0)).toBeCloseTo(first?.end ?? 0, 6);
		expect((second?.start ?? 0) - (second?.offset ?? 0)).toBeGreaterThanOrEqual(0.08);
	});

	it('is cut though pauses are there where its format does not tell the loudness', async () => {
		const { words } = await hear(await cut(fixture('digits-opus-cbr.ogg'), 10_000_000, 18));
		const unique = new Set(words.map(({ text, start }) => `${text} at ${start.toFixed(1)}`));
		expect(words.length).toBeGreaterThan(SPOKEN.length);
		expect(unique.size).toBe(SPOKEN.length);
	});
});

it('refuses a recording without sound, and one of which a packet is longer than a part', async () => {
	const empty = makeDtmfWav({ channels: [[]] }).subarray(0, 44);
	await expect(cut(empty, 1_000)).rejects.toThrow('The recording holds no sound');
	await expect(cut(contentOf('digits.flac'), 500)).rejects.toThrow('cannot be cut finely enough');
});

it('holds little more than a part of a recording that is read for hours', async () => {
	let read = 0;
	const track = {
		format: 'tones',
		isVideo: false,
		warmUp: 0,
		async *packets() {
			for (let index = 0; index < 20_000; index++) {
				// Nothing is read ahead: the next packet is asked for when the one before is kept.
				read++;
				yield await Promise.resolve({
					bytes: Buffer.alloc(1_000),
					start: index,
					duration: 1,
					loudness: index % 60 < 50 ? 40 : 0,
				});
			}
		},
		sizeOf: (_packets: number, bytes: number) => bytes,
		write: (packets: readonly Packet[]) => ({
			content: Buffer.alloc(packets.length * 1_000),
			extension: 'x',
			mimeType: 'x/x',
		}),
	};
	let from = 0;
	for await (const part of cutIntoParts(track, { bytes: 1_000_000, seconds: Infinity })) {
		expect(part.start).toBe(from);
		expect(part.file.content.length).toBeLessThanOrEqual(1_000_000);
		// What was read but does not stand in the parts so far is less than a fifth of a part.
		if (!part.isLast) expect(read - part.end).toBeLessThanOrEqual(201);
		from = part.end;
	}
	expect(from).toBe(20_000);
});
