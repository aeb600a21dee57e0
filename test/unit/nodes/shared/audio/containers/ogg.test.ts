import { OGG } from '../../../../../../nodes/shared/audio/containers/ogg.ts';
import { crc32 } from '../../../../../../nodes/shared/audio/containers/crc.ts';
import { PageWriter } from '../../../../../../nodes/shared/audio/containers/oggPage.ts';
import {
	StreamedRecording,
	fixture,
	judge,
	packetsIn,
	secondsIn,
} from '../../../../../containers.ts';
import { decode } from '../../../../../hearing.ts';
import { withstandsDamage, withstandsNonsense } from './damage.ts';

const read = (content: Buffer) => packetsIn(OGG, new StreamedRecording(content));
const OPUS = fixture('digits-opus.ogg');
const VORBIS = fixture('digits-vorbis.ogg');

/** Every page of a file. */
function pagesOf(content: Buffer): Buffer[] {
	const pages: Buffer[] = [];
	for (let at = 0; at < content.length; ) {
		const segments = content[at + 26] ?? 0;
		const body = content.subarray(at + 27, at + 27 + segments).reduce((sum, it) => sum + it, 0);
		pages.push(content.subarray(at, at + 27 + segments + body));
		at += 27 + segments + body;
	}
	return pages;
}

function withCheck(page: Buffer): Buffer {
	const own = Buffer.from(page);
	own.writeUInt32LE(0, 22);
	own.writeUInt32LE(crc32(own), 22);
	return own;
}

describe('Ogg', () => {
	it.each([
		['digits-opus.ogg', 'Ogg (Opus)', false],
		['digits-vorbis.ogg', 'Ogg (Vorbis)', false],
		['digits-theora.ogv', 'Ogg video (Vorbis)', true],
	])('reads %s as %s, packet for packet and second for second', async (file, format, isVideo) => {
		const { track, packets } = await read(fixture(file));
		expect(track).toMatchObject({ format, isVideo });
		expect(secondsIn(packets)).toBeCloseTo(24, 1);
		const gaps = packets.slice(1).map(({ start }, index) => {
			const before = packets[index];
			return Math.abs(start - (before?.start ?? 0) - (before?.duration ?? 0));
		});
		expect(Math.max(...gaps)).toBeLessThan(1e-6);
	});

	it('writes pages with a check, in order, the first and last of which say that they are', async () => {
		for (const content of [OPUS, VORBIS]) {
			const { track, packets } = await read(content);
			const pages = pagesOf(track.write(packets.slice(300, 700)).content);
			expect(pages.map((page) => withCheck(page))).toEqual(pages);
			expect(pages.map((page) => page.readUInt32LE(18))).toEqual(pages.map((_, index) => index));
			const flags = pages.map((page) => page[5]);
			expect(flags).toEqual(pages.map((_, at) => (at === 0 ? 2 : at === pages.length - 1 ? 4 : 0)));
			const positions = pages.map((page) => Number(page.readBigInt64LE(6)));
			expect(positions).toEqual([...positions].sort((a, b) => a - b));
		}
	});

	it('keeps the delay of the encoder out of the first part alone', async () => {
		const { track, packets } = await read(OPUS);
		const preSkip = (content: Buffer) => content.readUInt16LE(content.indexOf('OpusHead') + 10);
		expect(preSkip(track.write(packets.slice(0, 100)).content)).toBe(preSkip(OPUS));
		expect(preSkip(track.write(packets.slice(100, 200)).content)).toBe(0);
		expect(packets[0]).toMatchObject({ start: 0, priming: preSkip(OPUS) / 48_000 });
	});

	it('ends the last packet where the recording ends', async () => {
		const { packets } = await read(OPUS);
		const last = packets.at(-1);
		expect((last?.start ?? 0) + (last?.duration ?? 0)).toBeCloseTo(24, 6);
	});

	it('gives the samples of Vorbis as the whole recording does, from the part’s first one on', async () => {
		const { track, packets } = await read(VORBIS);
		const whole = await decode(VORBIS, 'ogg');
		const run = packets.slice(200, 300);
		const part = await decode(track.write(run).content, 'ogg');
		const begin = Math.round((run[0]?.start ?? 0) * 44_100);
		expect(part.complaints).toEqual([]);
		expect(part.samples).toEqual(whole.samples.subarray(begin, begin + part.samples.length));
	});

	it('puts packets together that are longer than a page', () => {
		const writer = new PageWriter(7);
		const packets = [10, 255, 510, 70_000, 0, 140_000].map((size) =>
			Buffer.alloc(size, size % 251),
		);
		for (const [index, packet] of packets.entries()) writer.add(packet, index);
		const pages = pagesOf(writer.end());
		const segments = pages.flatMap((page) => [...page.subarray(27, 27 + (page[26] ?? 0))]);
		const sizes: number[] = [];
		let size = 0;
		for (const segment of segments) {
			size += segment;
			if (segment === 255) continue;
			sizes.push(size);
			size = 0;
		}
		expect(sizes).toEqual(packets.map(({ length }) => length));
		expect(pages.map((page) => (page[5] ?? 0) & 1)).toEqual([0, 1, 1, 1]);
	});

	it('goes on with the next of a chain of streams of one kind', async () => {
		const { track, packets } = await read(Buffer.concat([OPUS, OPUS]));
		const alone = await read(OPUS);
		expect(packets).toHaveLength(alone.packets.length * 2);
		expect(secondsIn(packets)).toBeCloseTo(48, 1);
		const found = await judge(track.write(packets).content);
		expect(found.packets).toHaveLength(packets.length);
		const { complaints } = await decode(track.write(packets).content, 'ogg');
		expect(complaints).toEqual([]);
	});

	it('refuses a chain of streams of different kinds, and says where', async () => {
		await expect(read(Buffer.concat([OPUS, VORBIS]))).rejects.toThrow(
			'a chain of recordings of different kinds: another one begins after 24 s',
		);
	});

	it('refuses other codecs by name', async () => {
		const writer = new PageWriter(1);
		writer.add(Buffer.concat([Buffer.from('Speex   1.2'), Buffer.alloc(70)]), 0);
		await expect(read(writer.end())).rejects.toThrow('The Ogg file holds Speex');
	});

	it('refuses a page that is damaged, or missing its beginning', async () => {
		const pages = pagesOf(OPUS);
		const damaged = Buffer.from(OPUS);
		damaged[12_000] = (damaged[12_000] ?? 0) ^ 4;
		await expect(read(damaged)).rejects.toThrow('the check of a page is wrong');
		const torn = Buffer.concat([...pages.slice(0, 5), Buffer.alloc(50), ...pages.slice(5)]);
		await expect(read(torn)).rejects.toThrow('a page is missing its beginning');
	});

	it('keeps what is there of a recording that was cut off, and says so', async () => {
		const { track, packets } = await read(OPUS.subarray(0, 20_000));
		expect(track.isCutOff).toBe(true);
		expect(packets.length).toBeGreaterThan(500);
	});

	it('withstands damage that the checks of pages tell', async () => {
		await withstandsDamage(OGG, OPUS);
		await withstandsDamage(OGG, fixture('digits-theora.ogv'));
	});

	// Whoever means harm makes the checks right.
	it.each(['digits-opus.ogg', 'digits-vorbis.ogg'])(
		'withstands damage to %s with checks made right',
		async (file) => {
			const pages = pagesOf(fixture(file));
			for (let seed = 1; seed < 300; seed++) {
				const changed = pages.map((page, index) => {
					const own = Buffer.from(page);
					const at = 5 + ((seed * 7_919 + index * 104_729) % (own.length - 5));
					if ((seed + index) % 3 === 0 && (at < 22 || at >= 27)) own[at] = (seed * 31) % 256;
					return withCheck(own);
				});
				const outcome: unknown = await packetsIn(
					OGG,
					new StreamedRecording(Buffer.concat(changed)),
				).catch((error: unknown) => error);
				if (outcome instanceof Error) {
					expect(outcome.constructor.name).toBe('UnreadableRecording');
					continue;
				}
				const { track, packets } = outcome as Awaited<ReturnType<typeof packetsIn>>;
				const bytes = packets.reduce((sum, packet) => sum + packet.bytes.length, 0);
				for (const { start, duration } of packets) {
					expect(start >= 0 && duration >= 0 && Number.isFinite(start + duration)).toBe(true);
				}
				expect(track.write(packets).content.length).toBeLessThanOrEqual(
					track.sizeOf(packets.length, bytes),
				);
			}
		},
	);

	it('withstands nonsense', async () => {
		await withstandsNonsense(OGG, OPUS.subarray(0, 1_000));
		await withstandsNonsense(OGG, Buffer.from('OggS'));
	});
});
