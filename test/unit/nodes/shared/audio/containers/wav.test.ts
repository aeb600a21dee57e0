import { WAV } from '../../../../../../nodes/shared/audio/containers/wav.ts';
import { encodeWav, type BitDepth } from '../../../../../../sandbox/hearing/encodeWav.ts';
import { StreamedRecording, packetsIn, secondsIn } from '../../../../../containers.ts';
import { decode } from '../../../../../hearing.ts';
import { withstandsDamage, withstandsNonsense } from './damage.ts';

const read = (content: Buffer) => packetsIn(WAV, new StreamedRecording(content));

const RATE = 11_025;
const ramp = Float64Array.from({ length: RATE * 2 }, (_, index) => (index / RATE / 2) * 1.6 - 0.8);
const falling = ramp.map((sample) => sample / 2);

describe('WAV', () => {
	it.each<BitDepth>(['8', '16', '24', '32', '32f', '64'])(
		'of %s bits becomes 16-bit mono at its own rate, every sample once',
		async (bits) => {
			const { track, packets } = await read(encodeWav([ramp, falling], RATE, bits));
			expect(track.duration).toBeCloseTo(2, 6);
			expect(secondsIn(packets)).toBeCloseTo(2, 6);
			const { samples, sampleRate } = await decode(track.write(packets).content, 'wav');
			expect(sampleRate).toBe(RATE);
			const mix = ramp.map((sample, index) => (sample + (falling[index] ?? 0)) / 2);
			const differences = mix.map((sample, index) => Math.abs(sample - (samples[index] ?? 9)));
			expect(samples).toHaveLength(mix.length);
			expect(Math.max(...differences)).toBeLessThan(bits === '8' ? 1 / 128 : 1 / 16_384);
		},
	);

	it('is as loud as its samples', async () => {
		const loud = ramp.map((_, index) => (index < RATE ? 0 : Math.sin(index)));
		const { packets } = await read(encodeWav([loud], RATE, '16'));
		expect(packets[0]?.loudness).toBe(-70);
		// The mean square of a sine at full scale is a half: 3 dB below.
		expect(packets.at(-2)?.loudness).toBeCloseTo(-3, 1);
	});

	it('says that a file was cut off, and refuses what cannot be read as samples', async () => {
		const whole = encodeWav([ramp], RATE, '16');
		const { track, packets } = await read(whole.subarray(0, 20_000));
		expect(track.isCutOff).toBe(true);
		expect(secondsIn(packets)).toBeCloseTo((20_000 - 44) / 2 / RATE, 6);
		const adpcm = Buffer.from(whole);
		adpcm.writeUInt16LE(0x11, 20);
		await expect(read(adpcm)).rejects.toThrow('The WAV file holds IMA ADPCM');
	});

	it('withstands damage', async () => {
		// One byte a sample becomes two.
		await withstandsDamage(WAV, encodeWav([ramp], RATE, '8'), 2);
	});

	it('withstands nonsense', async () =>
		await withstandsNonsense(WAV, encodeWav([ramp], RATE, '16').subarray(0, 60)));
});
