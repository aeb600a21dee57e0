import { createHash } from 'crypto';

import { NodeApiError, NodeOperationError } from 'n8n-workflow';

import { cutIntoParts, type Part, type PartLimits } from '../audio/parts';
import { audioInMemory, type AudioSource, type OpenAudio } from '../audio/source';
import { showHint } from '../hint';
import { keepPartialResult, type Item } from '../item';
import { joinTranscripts, type JoinedTranscript, type TranscribedPart } from '../transcript/join';
import type { Overlap } from '../transcript/overlap';
import { transcriptJson } from '../transcript/transcript';
import type { FileAnswer } from './fileAnswer';
import { OrderedText } from './orderedText';
import { RecordingFile } from './recordingFile';
import { nameSpeakers, speakersIn } from './speakerNames';
import type { Voice } from './voice';
import { voicesIn } from './voices';

/** A file that goes out, and what goes with it. */
export interface FileToTranscribe {
	source: AudioSource;
	/** Whether it was made here, and so has a name and type of its own. */
	isPart: boolean;
	/** Of speakers heard in the first part, for those after it. */
	voices: readonly Voice[];
	/** Called with each piece of the text that comes before the answer is whole. */
	onText: (piece: string) => void;
}

export interface RecordingRequest {
	source: AudioSource;
	/** What is sent whole; without it everything is. */
	limits?: PartLimits;
	/** How long one try may take, and the source of the recording send nothing. In seconds. */
	timeoutSeconds: number;
	/** How many speakers can be introduced to a part by their voices. */
	mostVoices: number;
	/** Names of speakers that the user introduces, which are the same in every part. */
	introduced: readonly string[];
	/** Whether the service takes a file by its name and type. */
	isTaken: (audio: OpenAudio) => boolean;
	/** Called with each piece of the text, in order of the recording. */
	onText: (piece: string) => void;
	/** Has the service transcribe one file; tries again as it does for any. */
	transcribeFile: (file: FileToTranscribe) => Promise<FileAnswer>;
}

/** So many parts of a recording are held in memory at once, the one being cut included. */
const MOST_HELD = 3;

/**
 * Transcribes a recording of any length: as one file where it is within the limits, otherwise in parts
 * that are cut while it is read, sent at most three at once, and joined.
 *
 * @returns the service's answer; of a recording in more than one part all answers in `parts`
 * @throws NodeOperationError for a recording above the limits that cannot be cut, before anything is
 * sent; the error of a part, with what the others said
 */
export async function transcribeRecording(
	item: Item,
	request: RecordingRequest,
): Promise<FileAnswer> {
	const { source, limits, timeoutSeconds, isTaken, onText, transcribeFile } = request;
	const asOne = { isPart: false, voices: [], onText };
	if (!limits) return await transcribeFile({ ...asOne, source });
	const recording = await RecordingFile.open(item, source, limits, timeoutSeconds);
	try {
		const sending = await recording.sending(isTaken);
		if ('whole' in sending) return await transcribeFile({ ...asOne, source: sending.whole });
		const parts = new PartsUnderWay(item, request, recording);
		await parts.send(cutIntoParts(sending.track, limits), sending.track.duration);
		if (sending.track.isCutOff) {
			showHint(
				item,
				'The recording is cut off: its file ends before the length that it states. What is there was transcribed.',
				'warning',
			);
		}
		return parts.result();
	} finally {
		recording.close();
	}
}

/** A part that was sent; its file is kept until it is answered. */
interface SentPart extends Omit<Part, 'file'> {
	answer?: FileAnswer;
	error?: Error;
}

/** The parts of a recording: on their way, and what came of them. */
class PartsUnderWay {
	private readonly parts: SentPart[] = [];

	private readonly underWay = new Set<Promise<void>>();

	private readonly text: OrderedText;

	/** Also by an earlier try of the node: what was paid is not paid again. */
	private readonly answered: Map<string, FileAnswer>;

	private voices: readonly Voice[] = [];

	/** Why there are no more parts, where that is not the end of the recording. */
	private brokenOff: Error | undefined;

	/** In seconds. */
	private end = 0;

	constructor(
		private readonly item: Item,
		private readonly request: RecordingRequest,
		private readonly recording: RecordingFile,
	) {
		this.text = new OrderedText(request.onText);
		const { work = {} } = item;
		this.answered = work.answeredParts ??= new Map<string, FileAnswer>();
	}

	/**
	 * Sends all parts, or, where a failure ends the item, those until then.
	 * @param duration of the recording in seconds, where it is known before it is read
	 */
	async send(cut: AsyncGenerator<Part, void, undefined>, duration?: number): Promise<void> {
		const { item, request } = this;
		try {
			for await (const part of cut) {
				this.end = part.end;
				const sending = this.sendOne(part).finally(() => this.underWay.delete(sending));
				this.underWay.add(sending);
				if (this.parts.length === 1 && request.mostVoices > 0) await sending;
				while (this.underWay.size >= MOST_HELD) await Promise.race(this.underWay);
				const { failed } = this;
				if (failed && (isLasting(failed.error) || !item.context.continueOnFail())) break;
			}
		} catch (error) {
			this.brokenOff = this.recording.readFailure(error as Error, this.parts.length > 0);
		}
		await Promise.all(this.underWay);
		item.signal.throwIfAborted();
		const isWhole = !this.brokenOff && this.parts.at(-1)?.isLast;
		if (!isWhole) this.end = Math.max(this.end, duration ?? 0);
	}

	result(): FileAnswer {
		const { parts, brokenOff, failed } = this;
		const joined = this.joined();
		if (failed || brokenOff) throw this.failure(joined);
		const [only] = parts;
		const { transcript } = joined;
		if (parts.length === 1 && only?.answer) {
			return { json: only.answer.json, ...(only.answer.transcript && { transcript }) };
		}
		this.hint(joined);
		const answers = parts.map(({ start, end, answer }) => ({
			start: milliseconds(start),
			end: milliseconds(end),
			answer: answer?.json,
		}));
		const isHeard = parts.every(({ answer }) => answer?.transcript);
		return { json: { parts: answers }, ...(isHeard && { transcript }) };
	}

	private get failed(): SentPart | undefined {
		return this.parts.find(({ error }) => error);
	}

	private async sendOne({ file, ...part }: Part): Promise<void> {
		const sent: SentPart = part;
		const number = this.parts.push(sent);
		const { mostVoices, introduced, transcribeFile } = this.request;
		const { content, mimeType, extension } = file;
		const name = partName(this.recording.name, number, extension);
		const text = this.text.lane();
		try {
			const hash = createHash('sha256').update(content).digest('hex');
			sent.answer =
				this.answered.get(hash) ??
				(await transcribeFile({
					source: () => Promise.resolve(audioInMemory(content, name, mimeType)),
					isPart: true,
					voices: this.voices,
					onText: (piece) => text.add(piece),
				}));
			this.answered.set(hash, sent.answer);
			const { transcript } = sent.answer;
			if (number === 1 && !part.isLast && transcript && mostVoices > 0) {
				// The part is paid for and heard, whether or not a voice can be cut out of it.
				const voices = voicesIn(content, transcript, mostVoices, introduced);
				this.voices = await voices.catch(() => []);
			}
		} catch (error) {
			sent.error = error as Error;
		} finally {
			text.end();
		}
	}

	private joined(): JoinedTranscript {
		const named = nameSpeakers(
			this.parts.map(({ answer }) => answer?.transcript),
			this.voices,
			this.request.introduced,
		);
		const parts = this.parts.map(
			({ start, end, offset, overlap }, index): TranscribedPart => ({
				start,
				end,
				offset,
				overlap,
				transcript: named[index],
			}),
		);
		return joinTranscripts(parts);
	}

	/** The error of the part that failed first, with what the other parts said. */
	private failure({ transcript, missing }: JoinedTranscript): NodeApiError | NodeOperationError {
		const { context, itemIndex } = this.item;
		const { failed, brokenOff } = this;
		const cause = failed?.error ?? brokenOff ?? new Error('No part was transcribed');
		const error =
			cause instanceof NodeApiError || cause instanceof NodeOperationError
				? cause
				: new NodeOperationError(context.getNode(), cause, { itemIndex });
		const { parts, end } = this;
		const heardTo = parts.at(-1)?.end ?? 0;
		const unsent = end > heardTo ? [{ start: heardTo, end }] : [];
		const isCut = parts.length > 1 || !parts[0]?.isLast;
		const unheard = failed ? missing : unsent;
		if (isCut && unheard.length > 0) error.message += ` (${minutesOf(merged(unheard))})`;
		const lost = merged([...missing, ...unsent]);
		const isHeard = parts.some(({ answer }) => answer?.transcript);
		if (isHeard)
			keepPartialResult(error, { transcript: transcriptJson(transcript), missing: lost });
		return error;
	}

	private hint({ doubts, transcript }: JoinedTranscript): void {
		const { parts, item, request } = this;
		const cuts = parts.slice(1).map(({ start }) => clock(start));
		showHint(item, `Cut into ${parts.length} parts at ${cuts.join(', ')}`, 'info');
		if (request.mostVoices === 0 && speakersIn(transcript).length > 0) {
			showHint(
				item,
				'Speakers are told apart within a part only: one person may have a name for each part',
				'warning',
			);
		}
		if (doubts.length === 0) return;
		showHint(
			item,
			`No pause was found to cut in, and some text may stand twice: ${minutesOf(doubts)}`,
			'warning',
		);
	}
}

/** Causes that every further part would meet too. */
const LASTING_CAUSES: ReadonlySet<string | undefined> = new Set([
	'configuration-invalid',
	'credential-invalid',
	'quota-exhausted',
]);

function isLasting(error: Error | undefined): boolean {
	return error instanceof NodeApiError && LASTING_CAUSES.has(error.failure?.cause);
}

function partName(name = '', number: number, extension: string): string {
	const stem = name
		.split(/[/\\]/)
		.pop()
		?.replace(/\.[^.]*$/, '');
	return `${stem || 'audio'}-${number}.${extension}`;
}

/** Stretches that follow each other as one. */
function merged(stretches: readonly Overlap[]): Overlap[] {
	const result: Overlap[] = [];
	for (const { start, end } of stretches) {
		const before = result.at(-1);
		if (before && start <= before.end) before.end = Math.max(before.end, end);
		else result.push({ start, end });
	}
	return result;
}

/** Such as `minutes 4:02 to 1:04:02`. */
function minutesOf(stretches: readonly Overlap[]): string {
	return `minutes ${stretches.map(({ start, end }) => `${clock(start)} to ${clock(end)}`).join(', ')}`;
}

/** Such as `4:02` or `1:04:02`. */
function clock(seconds: number): string {
	const whole = Math.floor(seconds);
	const hours = Math.floor(whole / 3_600);
	const minutes = Math.floor((whole % 3_600) / 60);
	const two = (value: number) => String(value).padStart(2, '0');
	const start = hours > 0 ? `${hours}:${two(minutes)}` : String(minutes);
	return `${start}:${two(whole % 60)}`;
}

function milliseconds(seconds: number): number {
	return Math.round(seconds * 1_000) / 1_000;
}
