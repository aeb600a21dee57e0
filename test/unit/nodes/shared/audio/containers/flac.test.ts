import { crc16 } from '../../../../../../nodes/shared/audio/containers/crc.ts';
import { FLAC } from '../../../../../../nodes/shared/audio/containers/flac.ts';
import {
	flacFrameAt,
	parseStreamInfo,
	renumbered,
	type StreamInfo,
} from '../../../../../../nodes/shared/audio/containers/flacFrame.ts';
import { StreamedRecording, fixture, packetsIn, secondsIn } from '../../../../../containers.ts';
import { withstandsDamage, withstandsNonsense } from './damage.ts';

const read = (content: Buffer) => packetsIn(FLAC, new StreamedRecording(content));
const SOUND = fixture('digits.flac');
const INFO_AT = 8;
const info = parseStreamInfo(SOUND.subarray(INFO_AT)) as StreamInfo;

describe('FLAC', () => {
	it('finds every frame by its checks', async () => {
		const { track, packets } = await read(SOUND);
		expect(secondsIn(packets)).toBeCloseTo(24, 6);
		expect(track.duration).toBeCloseTo(24, 6);
		expect(track.isCutOff).toBe(false);
		const bytes = Buffer.concat(packets.map((packet) => packet.bytes));
		expect(SOUND.subarray(SOUND.length - bytes.length)).toEqual(bytes);
	});

	it('writes STREAMINFO as it is of the part, and counts its frames from 0', async () => {
		const { track, packets } = await read(SOUND);
		const run = packets.slice(20, 41);
		const { content } = track.write(run);
		const own = parseStreamInfo(content.subarray(INFO_AT));
		expect(own).toEqual({
			...info,
			totalSamples: Math.round(secondsIn(run) * info.sampleRate),
		});
		// 34 bytes, the last 16 of which are a checksum of the samples: 0 says that there is none.
		expect(content.subarray(INFO_AT + 18, INFO_AT + 34)).toEqual(Buffer.alloc(16));
		const again = await read(content);
		const numbers = again.packets.map(({ bytes }) => flacFrameAt(bytes, 0, info)?.number);
		expect(numbers).toEqual(run.map((_, index) => index));
		const sizes = again.packets.map(({ bytes }) => bytes.length);
		expect(content.readUIntBE(INFO_AT + 4, 3)).toBe(Math.min(...sizes));
		expect(content.readUIntBE(INFO_AT + 7, 3)).toBe(Math.max(...sizes));
	});

	it('changes nothing of a frame but its number and checks, however long the number is', async () => {
		const { packets } = await read(SOUND);
		const frame = packets[5]?.bytes ?? Buffer.alloc(0);
		const header = flacFrameAt(frame, 0, info);
		if (!header) throw new Error('no frame');
		// RFC 9639, table 18 and 9.1.5: from each length of the number on.
		for (const number of [
			0,
			127,
			128,
			2_047,
			2_048,
			65_535,
			65_536,
			2 ** 21,
			2 ** 26,
			2 ** 31,
			2 ** 36 - 1,
		]) {
			const changed = renumbered(frame, header, number);
			const own = flacFrameAt(changed, 0, info);
			expect(own).toMatchObject({ number, blockSize: header.blockSize });
			expect(changed.subarray((own?.length ?? 0) + 1, -2)).toEqual(
				frame.subarray(header.length + 1, -2),
			);
			expect(crc16(changed, 0, changed.length)).toBe(0);
		}
		expect(renumbered(frame, header, header.number)).toEqual(frame);
	});

	it('passes over the other blocks of metadata, and an ID3v1 tag behind', async () => {
		const picture = Buffer.alloc(4 + 200_000, 0xff);
		picture.writeUIntBE(200_000, 1, 3);
		picture[0] = 6;
		const content = Buffer.concat([
			...[SOUND.subarray(0, INFO_AT + 34), picture, SOUND.subarray(INFO_AT + 34)],
			...[Buffer.from('TAG'), Buffer.alloc(125)],
		]);
		const [{ packets }, plain] = [await read(content), await read(SOUND)];
		expect(packets).toEqual(plain.packets);
	});

	it('refuses a frame that is damaged, and says when', async () => {
		const damaged = Buffer.from(SOUND);
		damaged[15_000] = (damaged[15_000] ?? 0) ^ 1;
		await expect(read(Buffer.concat([damaged, SOUND]))).rejects.toThrow(
			/damaged: no frame of sound was found after \d+ s/,
		);
	});

	it('keeps what is there of a recording that was cut off, and says so', async () => {
		const { track, packets } = await read(SOUND.subarray(0, 20_000));
		expect(track.isCutOff).toBe(true);
		expect(packets.length).toBeGreaterThan(50);
	});

	it('withstands damage', async () => await withstandsDamage(FLAC, SOUND));

	it('withstands nonsense', async () => {
		await withstandsNonsense(FLAC, SOUND.subarray(0, 6_000));
		await withstandsNonsense(FLAC, Buffer.from('fLaC'));
	});
});
