import { PcmReader } from '../pcm';
import { audioKind } from '../signature';
import { UnreadableAudio, openWav } from '../wav';
import {
	UnreadableRecording,
	type ContainerFormat,
	type Packet,
	type PartFile,
	type SoundTrack,
} from './container';

const PACKET_SECONDS = 0.05;
const SAMPLE_BYTES = 2;
const HEADER_BYTES = 44;
const FORMAT_PCM = 1;
/** In dB below full scale: what is quieter counts as silence. */
const SILENCE = -70;

/** WAV of every kind that can be read as samples; parts are 16-bit mono at the file's own rate. */
export const WAV: ContainerFormat = {
	name: 'WAV',
	matches: (start) => audioKind(start) === 'wav',
	async open(recording) {
		try {
			return new WavTrack(await openWav(await recording.open()));
		} catch (error) {
			throw error instanceof UnreadableAudio ? new UnreadableRecording(error.message) : error;
		}
	},
};

class WavTrack implements SoundTrack {
	readonly format = 'WAV';

	readonly isVideo = false;

	readonly warmUp = 0;

	readonly duration: number | undefined;

	constructor(private readonly pcm: PcmReader) {
		this.duration = pcm.secondsLeft;
	}

	get isCutOff(): boolean {
		return this.pcm.isTruncated;
	}

	async *packets(): AsyncGenerator<Packet, void, undefined> {
		const { sampleRate } = this.pcm.format;
		const wanted = Math.round(sampleRate * PACKET_SECONDS);
		let frames = 0;
		for (;;) {
			const bytes = await this.pcm.read(wanted, 'mix');
			if (bytes.length === 0) return;
			const count = bytes.length / SAMPLE_BYTES;
			yield {
				bytes,
				start: frames / sampleRate,
				duration: count / sampleRate,
				loudness: loudnessOf(bytes),
			};
			frames += count;
		}
	}

	sizeOf(_packets: number, bytes: number): number {
		return HEADER_BYTES + bytes;
	}

	write(packets: readonly Packet[]): PartFile {
		const samples = packets.map(({ bytes }) => bytes);
		const length = samples.reduce((sum, bytes) => sum + bytes.length, 0);
		return {
			content: Buffer.concat([header(this.pcm.format.sampleRate, length), ...samples]),
			extension: 'wav',
			mimeType: 'audio/wav',
		};
	}
}

/** The level of 16-bit samples in dB of full scale. */
function loudnessOf(bytes: Buffer): number {
	const count = bytes.length / SAMPLE_BYTES;
	let energy = 0;
	for (let offset = 0; offset < bytes.length; offset += SAMPLE_BYTES) {
		energy += bytes.readInt16LE(offset) ** 2;
	}
	return Math.max(SILENCE, 10 * Math.log10(energy / count / 32_768 ** 2));
}

function header(sampleRate: number, dataBytes: number): Buffer {
	const bytes = Buffer.alloc(HEADER_BYTES);
	bytes.write('RIFF', 0, 'latin1');
	bytes.writeUInt32LE(HEADER_BYTES - 8 + dataBytes, 4);
	bytes.write('WAVEfmt ', 8, 'latin1');
	bytes.writeUInt32LE(16, 16);
	bytes.writeUInt16LE(FORMAT_PCM, 20);
	bytes.writeUInt16LE(1, 22);
	bytes.writeUInt32LE(sampleRate, 24);
	bytes.writeUInt32LE(sampleRate * SAMPLE_BYTES, 28);
	bytes.writeUInt16LE(SAMPLE_BYTES, 32);
	bytes.writeUInt16LE(SAMPLE_BYTES * 8, 34);
	bytes.write('data', 36, 'latin1');
	bytes.writeUInt32LE(dataBytes, 40);
	return bytes;
}
