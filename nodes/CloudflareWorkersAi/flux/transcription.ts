import {
	NodeApiError,
	NodeOperationError,
	type IDataObject,
	type INodeExecutionData,
} from 'n8n-workflow';

import type { ChannelChoice } from '../../shared/audio/pcm';
import { showHint } from '../../shared/hint';
import { inputError, isToolRun, keepPartialResult, type Item } from '../../shared/item';
import { LiveText } from '../../shared/liveText';
import { escapeHtml } from '../../shared/text';
import { subtitleBinary, type SubtitleRequest } from '../../shared/transcript/subtitleBinary';
import {
	spokenJson,
	transcriptJson,
	withoutEmpty,
	type Transcript,
} from '../../shared/transcript/transcript';
import { ChannelTranscription, type ChannelSettings } from './channel';
import { eotTimeoutOption, socketQuery, type FluxParameters } from './parameters';
import { openRecording, type Recording, type RecordingInput } from './recording';
import { LiveTurns } from './liveTurns';
import type { Turn } from './turns';

export const FLUX_MODEL = '@cf/deepgram/flux';

/** What the user asks for, checked. */
export interface FluxRequest {
	flux: FluxParameters;
	/** Below the credential's base URL. */
	path: string;
	input: RecordingInput;
	channels: 'mix' | 'left' | 'right' | 'split';
	output: 'transcript' | 'turns' | 'events';
	/** Seconds of audio a second. */
	speed: number;
	maxReconnects: number;
	subtitles?: SubtitleRequest;
}

/**
 * Transcribes a recording, with one session for each channel that is listened to.
 *
 * @returns the items that the request wants; for an AI agent `{ text }`
 * @throws NodeOperationError for audio that Flux cannot take; NodeApiError for what Cloudflare
 * answers, with the turns finished until then in its description
 */
export async function transcribeRecording(
	item: Item,
	request: FluxRequest,
): Promise<INodeExecutionData[]> {
	const recording = await openRecording(request.input, item.signal);
	const transcription = new RecordingTranscription(item, request, recording);
	await transcription.run(recording);
	return await transcription.results();
}

/** A channel that is listened to on its own; its speaker has a name where there are several. */
interface Part {
	transcription: ChannelTranscription;
	speaker?: string;
}

/** A turn, and the speaker it belongs to where channels are told apart. */
type SpokenTurn = Pick<Turn, 'segment' | 'words' | 'heardAt'>;

/** The transcription of one item: its channels, and what goes out while it runs. */
class RecordingTranscription {
	private readonly parts: Part[];

	private readonly live: LiveText;

	private readonly liveTurns: LiveTurns;

	/** @throws NodeOperationError where the recording does not have the channel wanted; closes it then */
	constructor(
		private readonly item: Item,
		private readonly request: FluxRequest,
		recording: Recording,
	) {
		this.live = new LiveText(item);
		const choices = channelsOf(item, request.channels, recording);
		const isSplit = request.channels === 'split';
		const settings = this.settings(recording.sampleRate);
		this.parts = choices.map((channel, index) => ({
			transcription: new ChannelTranscription({ ...settings, channel }),
			...(isSplit && { speaker: `channel ${index + 1}` }),
		}));
		this.liveTurns = new LiveTurns(this.live, this.parts);
	}

	/** @param recording opened already, for the first channel */
	async run(recording: Recording): Promise<void> {
		this.live.begin();
		await this.listen(recording).catch((error: Error) => this.fail(error));
		await this.live.end();
		if (this.parts.some(({ transcription }) => transcription.isTruncated)) this.hintAtCut();
		if (this.parts.some(({ transcription }) => transcription.isUnsure)) {
			showHint(
				this.item,
				'Cloudflare fell silent before it had heard the recording to its end, twice at the same place. Text may be missing there.',
				'warning',
			);
		}
	}

	async results(): Promise<INodeExecutionData[]> {
		const { context } = this.item;
		const { output, subtitles } = this.request;
		const transcript = this.transcript();
		if (isToolRun(context)) return [{ json: { text: transcript.text } }];
		if (output === 'turns') {
			return this.turns().map(({ segment, words }) => ({
				json: { ...spokenJson(segment), ...withoutEmpty({ words: words.map(spokenJson) }) },
			}));
		}
		if (output === 'events') return this.events().map((json) => ({ json }));
		const binary = subtitles && (await subtitleBinary(this.item, transcript, subtitles, NO_TIMES));
		return [{ json: transcriptJson(transcript), ...(binary && { binary }) }];
	}

	private hintAtCut(): void {
		const reason =
			this.request.input.rawSampleRate === undefined
				? 'its file ends before the length that its header states'
				: 'its last sample is not whole';
		showHint(
			this.item,
			`The recording is cut off: ${reason}. What is there was transcribed.`,
			'warning',
		);
	}

	private settings(sampleRate: number): Omit<ChannelSettings, 'channel'> {
		const { flux, input, maxReconnects, output, path, speed } = this.request;
		return {
			input,
			path,
			query: socketQuery(flux, sampleRate),
			speed,
			eotTimeoutSeconds: (flux.eotTimeoutMs ?? (eotTimeoutOption.default as number)) / 1_000,
			maxReconnects,
			keepsEvents: output === 'events',
			onProgress: () => this.liveTurns.sendSettled(),
		};
	}

	/** Every channel reads the recording for itself, so that none waits for another. */
	private async listen(first: Recording): Promise<void> {
		const stop = new AbortController();
		const both = AbortSignal.any([this.item.signal, stop.signal]);
		const runs = this.parts.map(async ({ transcription }, index) => {
			const recording = index === 0 ? first : await openRecording(this.request.input, both);
			await transcription.run(recording, both);
		});
		await Promise.all(runs).finally(async () => {
			stop.abort();
			await Promise.allSettled(runs);
		});
	}

	private turns(): SpokenTurn[] {
		return this.parts
			.flatMap(({ transcription, speaker }) =>
				transcription.turns.map(({ segment, words, heardAt }) => ({
					segment: { ...segment, ...(speaker && { speaker }) },
					words,
					heardAt,
				})),
			)
			.sort((a, b) => a.heardAt - b.heardAt);
	}

	private events(): IDataObject[] {
		return this.parts
			.flatMap(({ transcription, speaker }) =>
				transcription.events.map(({ json, receivedAt }) => ({
					json: { ...json, ...(speaker && { speaker }) },
					receivedAt,
				})),
			)
			.sort((a, b) => a.receivedAt - b.receivedAt)
			.map(({ json }) => json);
	}

	private transcript(): Transcript {
		const turns = this.turns();
		const lengths = this.parts.flatMap(({ transcription }) => transcription.seconds ?? []);
		return {
			text: textOf(turns),
			duration: lengths.length > 0 ? Math.max(...lengths) : undefined,
			segments: turns.map(({ segment }) => segment),
			words: turns.flatMap(({ segment: { speaker }, words }) =>
				words.map((word) => ({ ...word, ...(speaker && { speaker }) })),
			),
			service: 'cloudflare',
			model: FLUX_MODEL,
			requestId: this.parts[0]?.transcription.requestId,
		};
	}

	/** The error with the turns heard so far in its description, so that none of them is lost. */
	private async fail(cause: Error): Promise<never> {
		const { context, itemIndex, signal } = this.item;
		signal.throwIfAborted();
		const error =
			cause instanceof NodeApiError || cause instanceof NodeOperationError
				? cause
				: new NodeOperationError(context.getNode(), cause, { itemIndex });
		const transcript = this.transcript();
		if (transcript.text !== '') {
			const heard = `Transcribed until then: ${escapeHtml(transcript.text)}`;
			error.description = `${error.description ?? ''} ${heard}`;
			keepPartialResult(error, { transcript: transcriptJson(transcript) });
		}
		this.liveTurns.sendRest();
		await this.live.fail(error.message);
		throw error;
	}
}

const NO_TIMES = 'Flux gave no times for this recording.';

function channelsOf(
	item: Item,
	choice: FluxRequest['channels'],
	recording: Recording,
): ChannelChoice[] {
	switch (choice) {
		case 'left':
			return [0];
		case 'right':
			if (recording.channels > 1) return [1];
			recording.close();
			throw inputError(
				item,
				"'Channels' is set to Right, but the recording has one channel only",
				"Set 'Channels' to Mix or Left.",
			);
		case 'split':
			return [...Array(recording.channels).keys()];
		default:
			return ['mix'];
	}
}

function textOf(turns: SpokenTurn[]): string {
	return turns.map(({ segment }) => segment.text).join(' ');
}
