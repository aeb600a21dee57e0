import { MP3 } from '../../../../../../nodes/shared/audio/containers/mp3.ts';
import { StreamedRecording, fixture, packetsIn, secondsIn } from '../../../../../containers.ts';
import { decode } from '../../../../../hearing.ts';
import { withstandsDamage, withstandsNonsense } from './damage.ts';

const read = (content: Buffer) => packetsIn(MP3, new StreamedRecording(content));

const id3 = (size: number) =>
	Buffer.concat([
		Buffer.from('ID3\u0004\u0000\u0000', 'latin1'),
		Buffer.from([(size >> 21) & 127, (size >> 14) & 127, (size >> 7) & 127, size & 127]),
		// Looks like the beginnings of frames, as pictures may.
		Buffer.alloc(size, Buffer.from('fffb9064', 'hex')),
	]);

const BARE = 'digits-8khz.mp3';

describe('MP3', () => {
	it.each(['digits-cbr.mp3', 'digits-vbr.mp3'])(
		'leaves out the tag in front of %s, which tells the duration',
		async (file) => {
			const { track, packets } = await read(fixture(file));
			expect(track.duration).toBeCloseTo(24, 2);
			expect(fixture(file).includes('Info') || fixture(file).includes('Xing')).toBe(true);
			expect(packets.some(({ bytes }) => /Info|Xing/.test(bytes.toString('latin1')))).toBe(false);
			// What the encoder put in front comes before the recording's first second.
			expect(packets[0]?.start).toBeLessThan(0);
			expect(track.isCutOff).toBe(false);
		},
	);

	it('passes over tags in front, between and behind', async () => {
		const sound = fixture(BARE);
		const { packets } = await read(sound);
		const half = packets.slice(0, 100).reduce((sum, { bytes }) => sum + bytes.length, 0);
		const ape = Buffer.alloc(32 + 500, 0xff);
		ape.write('APETAGEX', 0, 'latin1');
		ape.writeUInt32LE(500, 12);
		const id3v1 = Buffer.concat([Buffer.from('TAG'), Buffer.alloc(125)]);
		const tagged = Buffer.concat([
			...[id3(70_000), id3(3), sound.subarray(0, half), id3(100_000)],
			...[sound.subarray(half), ape, id3v1],
		]);
		const found = await read(tagged);
		expect(Buffer.concat(found.packets.map(({ bytes }) => bytes))).toEqual(sound);
	});

	it('finds its way through a little that is no sound, and refuses where much is missing', async () => {
		const sound = fixture(BARE);
		const between = (size: number) =>
			Buffer.concat([sound.subarray(0, 7_200), Buffer.alloc(size), sound.subarray(7_200)]);
		const { packets } = await read(between(3_000));
		expect(Buffer.concat(packets.map(({ bytes }) => bytes))).toEqual(sound);
		await expect(read(between(70_000))).rejects.toThrow(/damaged: 70000 bytes hold no sound after/);
	});

	it('says where a recording was cut off', async () => {
		const sound = fixture('digits-cbr.mp3');
		const { track, packets } = await read(sound.subarray(0, 100_000));
		expect(track.isCutOff).toBe(true);
		expect(secondsIn(packets)).toBeGreaterThan(12);
	});

	it.each([
		['fffd9004', 'MPEG audio of layer II (MP2)'],
		['fffb0004', 'MP3 in free format'],
		['fff15080', 'AAC (ADTS)'],
	])('refuses %s by its name', async (header, name) => {
		const start = Buffer.concat([Buffer.from(header, 'hex'), Buffer.alloc(2_000)]);
		await expect(read(start)).rejects.toThrow(name);
		await expect(read(Buffer.concat([id3(10), start]))).rejects.toThrow(name);
	});

	it('reads FLAC that stands behind an ID3 tag', async () => {
		const { track } = await read(Buffer.concat([id3(50), fixture('digits.flac')]));
		expect(track.format).toBe('FLAC');
	});

	it('refuses a recording whose sample rate changes', async () => {
		const both = Buffer.concat([fixture(BARE), fixture('digits-vbr.mp3')]);
		await expect(read(both)).rejects.toThrow('its sample rate changes after 24 s');
	});

	it('silences the tag of a recording that was appended, which players would take for the first', async () => {
		const sound = fixture('digits-vbr.mp3');
		const alone = await read(sound);
		const { track, packets } = await read(Buffer.concat([sound, sound]));
		expect(packets).toHaveLength(alone.packets.length * 2 + 1);
		const tag = packets[alone.packets.length];
		expect(tag?.bytes.subarray(4).every((byte) => byte === 0)).toBe(true);
		const { samples, complaints } = await decode(track.write(packets).content, 'mp3');
		expect(complaints).toEqual([]);
		expect(samples.length / 22_050).toBeCloseTo(secondsIn(packets), 1);
	});

	it('begins early enough for the first sound to be right', async () => {
		const { track, packets } = await read(fixture('digits-vbr.mp3'));
		const whole = await decode(track.write(packets).content, 'mp3');
		for (const from of [150, 301, 455]) {
			const warm = packets.findIndex(
				({ start }) => start > (packets[from]?.start ?? 0) - track.warmUp - 1e-6,
			);
			const part = await decode(track.write(packets.slice(warm)).content, 'mp3');
			const skipped = Math.round(
				(packets[from]?.start ?? 0) * 22_050 - (packets[warm]?.start ?? 0) * 22_050,
			);
			const there = Math.round(((packets[from]?.start ?? 0) - (packets[0]?.start ?? 0)) * 22_050);
			const own = part.samples.subarray(skipped, skipped + 5_000);
			const expected = whole.samples.subarray(there, there + 5_000);
			// Sample for sample what the whole recording gives there: no debt of the reservoir is left.
			expect(
				Math.max(...own.map((it, index) => Math.abs(it - (expected[index] ?? 9)))),
			).toBeLessThan(1e-4);
		}
	});

	it('is louder where there is sound', async () => {
		const { packets } = await read(fixture('digits-cbr.mp3'));
		const at = (seconds: number) => packets.find(({ start }) => start >= seconds)?.loudness ?? NaN;
		// The first digit sounds from 0.4 s to 0.52 s.
		expect(at(0.44) - at(0.2)).toBeGreaterThan(30);
	});

	it('withstands damage', async () => await withstandsDamage(MP3, fixture('digits-vbr.mp3')));

	it('withstands nonsense', async () => {
		await withstandsNonsense(MP3, fixture(BARE).subarray(0, 400));
		await withstandsNonsense(MP3, Buffer.from('ID3'));
	});
});
