import { NodeOperationError } from 'n8n-workflow';

import { audioKind, SIGNATURE_BYTES } from '../../shared/audio/signature';
import type { AudioSource } from '../../shared/audio/source';
import { ByteReader } from '../../shared/audio/byteReader';
import { inputError, type Item } from '../../shared/item';
import { PcmReader, type ChannelChoice } from '../../shared/audio/pcm';
import { abortable } from '../../shared/time';
import { escapeHtml } from '../../shared/text';
import { Resampler } from '../../shared/audio/resample';
import { openWav, UnreadableAudio } from '../../shared/audio/wav';

/**
 * The sample rates that Flux documents: https://developers.deepgram.com/docs/flux/quickstart.
 * In Hz; what is at another rate is resampled to the one that Deepgram recommends.
 */
export const FLUX_RATES: readonly number[] = [8_000, 16_000, 24_000, 44_100, 48_000];
const RECOMMENDED_RATE = 16_000;

/** A recording opened to be read once, as mono 16-bit samples of one channel or the mix. */
export interface Recording {
	/** In Hz, one of `FLUX_RATES`. */
	sampleRate: number;
	channels: number;
	/** Up to `samples` samples; none at the end. */
	read: (samples: number, channel: ChannelChoice) => Promise<Buffer>;
	skip: (samples: number) => Promise<number>;
	/** Whether the file turned out to be cut off. */
	isTruncated: () => boolean;
	close: () => void;
}

/**
 * How to read an item's recording: a WAV file, or with `rawSampleRate` samples without a header.
 */
export interface RecordingInput {
	item: Item;
	source: AudioSource;
	rawSampleRate?: number;
}

/**
 * Opens a recording and reads it up to its first sample.
 * @throws NodeOperationError for a file that is no WAV file, or one that cannot be read
 */
export async function openRecording(
	{ item, source, rawSampleRate }: RecordingInput,
	signal: AbortSignal,
): Promise<Recording> {
	const audio = await source(signal);
	const { content } = audio;
	const bytes = new ByteReader(Buffer.isBuffer(content) ? content : inTime(content, signal));
	const reading = async <T>(work: Promise<T>): Promise<T> => {
		try {
			return await abortable(work, signal);
		} catch (error) {
			signal.throwIfAborted();
			throw notRead(item, audio.failure() ?? (error as Error), audio.isStored);
		}
	};
	try {
		const pcm = await reading(
			rawSampleRate === undefined
				? openContainer(bytes)
				: Promise.resolve(new PcmReader(bytes, { ...RAW, sampleRate: rawSampleRate })),
		);
		const own = pcm.format.sampleRate;
		const sampleRate = FLUX_RATES.includes(own) ? own : RECOMMENDED_RATE;
		const samples = sampleRate === own ? pcm : new Resampler(pcm, own, sampleRate);
		return {
			sampleRate,
			channels: pcm.format.channels,
			read: (count, channel) => reading(samples.read(count, channel)),
			skip: (count) => reading(samples.skip(count)),
			isTruncated: () => pcm.isTruncated,
			close: audio.close,
		};
	} catch (error) {
		audio.close();
		signal.throwIfAborted();
		throw notRead(item, error as Error, audio.isStored);
	}
}

/** A source that gives nothing for so long has been lost. */
const LONGEST_WAIT_SECONDS = 300;
const RENEWED_AFTER_MS = 30_000;

/** The pieces of a stream; rejects where one does not come in time, or with the signal's reason. */
async function* inTime(
	stream: AsyncIterable<unknown>,
	signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
	const pieces = stream[Symbol.asyncIterator]();
	const limit = () => ({
		since: performance.now(),
		signal: AbortSignal.any([signal, AbortSignal.timeout(LONGEST_WAIT_SECONDS * 1_000)]),
	});
	let late = limit();
	for (;;) {
		// One signal for many pieces: each would stay in memory until its time is up.
		if (performance.now() - late.since > RENEWED_AFTER_MS) late = limit();
		const piece = await abortable(pieces.next(), late.signal);
		if (piece.done) return;
		yield piece.value as Uint8Array;
	}
}

const RAW = { encoding: 'integer', bytesPerSample: 2, channels: 1 } as const;

async function openContainer(bytes: ByteReader): Promise<PcmReader> {
	const start = await bytes.peek(SIGNATURE_BYTES);
	const kind = audioKind(start);
	if (kind === 'wav') return await openWav(bytes);
	if (start.length === 0) {
		throw new UnreadableAudio('The audio file is empty', 'Check the node that provides it.');
	}
	throw kind === undefined
		? new UnreadableAudio(
				'The audio is no WAV file: its format was not recognised',
				"Flux takes WAV files. Convert it, for example with 'ffmpeg -i input -c:a pcm_s16le output.wav'; set 'Audio Format' to Raw for 16-bit samples without a header.",
			)
		: new UnreadableAudio(
				`The audio is not a WAV file but ${kind}`,
				"Use the operation 'Transcribe with Nova-3', which takes files of any audio format, or convert it to WAV first, for example with 'ffmpeg -i input -c:a pcm_s16le output.wav'.",
			);
}

/** Flux takes a recording no faster than it is spoken, which some servers do not wait for. */
const DOWNLOAD_FIRST =
	"Its server may end downloads that take as long as the recording lasts: download it with an 'HTTP Request' node first, and set 'Input Type' to Binary File.";

function notRead(item: Item, cause: Error, isStored: boolean): Error {
	if (cause instanceof UnreadableAudio) return inputError(item, cause.message, cause.advice);
	if (cause instanceof NodeOperationError) return cause;
	const reason =
		cause.name === 'TimeoutError'
			? `Nothing more of it came for ${LONGEST_WAIT_SECONDS} seconds.`
			: `Reading it ended with: ${escapeHtml(cause.message)}.`;
	const goOn = isStored ? 'Run the item again.' : DOWNLOAD_FIRST;
	return inputError(item, 'The audio could not be read to its end', `${reason} ${goOn}`);
}
