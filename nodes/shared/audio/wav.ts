import type { ByteReader } from './byteReader';
import { PcmReader, type PcmFormat } from './pcm';

/** A recording that cannot be read: what it is, and how the user can go on. */
export class UnreadableAudio extends Error {
	constructor(
		message: string,
		readonly advice: string,
	) {
		super(message);
	}
}

/** Sizes from here on are what writers put that do not know the length: the file's end counts. */
const UNKNOWN_SIZE = 0x7fff_f000;
/** Beyond these a header is not meant for speech, but damaged. */
const MAX_CHANNELS = 64;
const MIN_RATE = 1_000;
const MAX_RATE = 384_000;
/** The longest form of `fmt ` (WAVE_FORMAT_EXTENSIBLE); what follows is of no use here. */
const FMT_BYTES = 40;

const FORMAT_PCM = 0x0001;
const FORMAT_FLOAT = 0x0003;
const FORMAT_A_LAW = 0x0006;
const FORMAT_MU_LAW = 0x0007;
const FORMAT_EXTENSIBLE = 0xfffe;
/** What follows the format's number in the sub-format of WAVE_FORMAT_EXTENSIBLE. */
const SUB_FORMAT_TAIL = Buffer.from('000000001000800000aa00389b71', 'hex');

const OTHER_FORMATS: Readonly<Record<number, string | undefined>> = {
	0x0002: 'Microsoft ADPCM',
	0x0011: 'IMA ADPCM',
	0x0014: 'G.723',
	0x0031: 'GSM 6.10',
	0x0040: 'G.721 ADPCM',
	0x0050: 'MPEG',
	0x0055: 'MP3',
	0x0161: 'Windows Media Audio',
	0x2000: 'AC-3',
};

/**
 * Reads a WAV file up to its first sample: RIFF, or RF64/BW64 for files beyond 4 GiB. Chunks before
 * the audio are passed over; those behind it are not read.
 *
 * @returns a reader of the audio: PCM of 8 to 32 bits, 32- or 64-bit float, A-law or mu-law
 * @throws UnreadableAudio for anything else, or a header that is cut off or contradicts itself
 */
export async function openWav(bytes: ByteReader): Promise<PcmReader> {
	const head = await bytes.read(12);
	const container = head.toString('latin1', 0, 4);
	if (head.length < 12 || !/^(RIFF|RF64|BW64)$/.test(container) || !isWave(head)) {
		throw damaged('it does not begin as a WAV file');
	}
	let format: PcmFormat | undefined;
	let longSize: number | undefined;
	for (;;) {
		const header = await bytes.read(8);
		if (header.length < 8) throw damaged('it ends before its audio');
		const id = header.toString('latin1', 0, 4);
		const size = header.readUInt32LE(4);
		if (id === 'data') {
			if (!format) throw damaged("its audio comes before the description of the format ('fmt ')");
			const length = await dataLength(bytes, size, longSize);
			return new PcmReader(bytes, format, length, size < UNKNOWN_SIZE && length === size);
		}
		if (!/^[ -~]{4}$/.test(id)) throw damaged('what follows its beginning is no chunk');
		const body = id === 'fmt ' || id === 'ds64' ? await bytes.read(Math.min(size, FMT_BYTES)) : '';
		if (typeof body !== 'string') {
			if (id === 'fmt ') format = formatOf(body);
			if (id === 'ds64' && body.length >= 16) longSize = Number(body.readBigUInt64LE(8));
		}
		await bytes.skip(size + (size % 2) - body.length);
	}
}

function isWave(head: Buffer): boolean {
	return head.toString('latin1', 8, 12) === 'WAVE';
}

async function dataLength(
	bytes: ByteReader,
	size: number,
	longSize: number | undefined,
): Promise<number> {
	if (size === 0xffff_ffff) return longSize || Infinity;
	if (size > 0) return size;
	const next = (await bytes.peek(4)).toString('latin1');
	return next === '' || TRAILING_CHUNKS.has(next) ? 0 : Infinity;
}

/** What follows the audio in common files: with a length of 0 before it, there is no audio. */
const TRAILING_CHUNKS: ReadonlySet<string> = new Set([
	...['LIST', 'JUNK', 'PAD ', 'bext', 'cue ', 'fact', 'iXML', 'id3 ', 'ID3 ', 'smpl', 'inst'],
]);

function formatOf(fmt: Buffer): PcmFormat {
	if (fmt.length < 16) throw damaged("the description of its format ('fmt ') is cut off");
	const tag = fmt.readUInt16LE(0);
	const channels = fmt.readUInt16LE(2);
	const sampleRate = fmt.readUInt32LE(4);
	const blockAlign = fmt.readUInt16LE(12);
	const bits = fmt.readUInt16LE(14);
	const isExtended = tag === FORMAT_EXTENSIBLE && fmt.length >= 26;
	const encoding = encodingOf(isExtended ? subFormat(fmt) : tag);
	if (channels < 1 || channels > MAX_CHANNELS) throw damaged(`it states ${channels} channels`);
	if (sampleRate < MIN_RATE || sampleRate > MAX_RATE) {
		throw damaged(`it states a sample rate of ${sampleRate} Hz`);
	}
	const leastBytes = Math.ceil(bits / 8);
	const bytesPerSample = blockAlign === 0 ? leastBytes : blockAlign / channels;
	if (bytesPerSample < leastBytes || !SAMPLE_BYTES[encoding].includes(bytesPerSample)) {
		throw damaged(`it states ${bits} bits a sample in blocks of ${blockAlign} bytes`);
	}
	return { encoding, bytesPerSample, channels, sampleRate };
}

const SAMPLE_BYTES: Readonly<Record<PcmFormat['encoding'], readonly number[]>> = {
	integer: [1, 2, 3, 4],
	float: [4, 8],
	'a-law': [1],
	'mu-law': [1],
};

function subFormat(fmt: Buffer): number {
	const tail = fmt.subarray(26, FMT_BYTES);
	if (!tail.equals(SUB_FORMAT_TAIL.subarray(0, tail.length))) {
		throw unsupported('an encoding of its own');
	}
	return fmt.readUInt16LE(24);
}

function encodingOf(tag: number): PcmFormat['encoding'] {
	switch (tag) {
		case FORMAT_PCM:
			return 'integer';
		case FORMAT_FLOAT:
			return 'float';
		case FORMAT_A_LAW:
			return 'a-law';
		case FORMAT_MU_LAW:
			return 'mu-law';
		default:
			throw unsupported(
				OTHER_FORMATS[tag] ?? `the encoding 0x${tag.toString(16).padStart(4, '0')}`,
			);
	}
}

function unsupported(encoding: string): UnreadableAudio {
	return new UnreadableAudio(
		`The WAV file holds ${encoding}, which cannot be read as samples`,
		"Convert it to a WAV file with 16-bit PCM, for example with 'ffmpeg -i input.wav -c:a pcm_s16le output.wav'.",
	);
}

function damaged(how: string): UnreadableAudio {
	return new UnreadableAudio(
		`The WAV file cannot be read: ${how}`,
		'Check that the file is whole, and that it plays elsewhere.',
	);
}
