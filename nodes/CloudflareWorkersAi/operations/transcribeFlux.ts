import {
	NodeApiError,
	NodeOperationError,
	updateDisplayOptions,
	type IDataObject,
	type INodeExecutionData,
	type INodeProperties,
} from 'n8n-workflow';

import { audioSource } from '../../shared/audio/source';
import { audioInputFields, concurrencyOption, subtitleOptions } from '../../shared/fields';
import { inputError, isToolRun, takesLiveText, type Item } from '../../shared/item';
import { choiceOf, numberWithin } from '../../shared/parameters';
import type { ChannelChoice } from '../../shared/audio/pcm';
import {
	subtitleBinary,
	subtitleRequest,
	type SubtitleRequest,
} from '../../shared/transcript/subtitleBinary';
import { transcriptJson, withoutEmpty, type Transcript } from '../../shared/transcript/transcript';
import { escapeHtml } from '../../shared/text';
import { openRecording, type Recording, type RecordingInput } from '../flux/recording';
import { hasWebSocket } from '../flux/socket';
import { ChannelTranscription, type ChannelSettings } from '../flux/transcription';
import type { Turn } from '../flux/turns';
import {
	byDisplayName,
	encodingField,
	fluxOptions,
	readFluxParameters,
	sampleRateField,
	socketQuery,
	type FluxParameters,
} from '../flux/parameters';
import { FLUX_MODEL, modelPath } from '../service';

const DEFAULT_SPEED = 1.25;
const DEFAULT_RECONNECTS = 3;
const DEFAULT_EOT_TIMEOUT_MS = 5_000;

const fields: INodeProperties[] = [
	...audioInputFields,
	{
		displayName: 'Audio Format',
		name: 'audioFormat',
		type: 'options',
		options: [
			{
				name: 'WAV File',
				value: 'auto',
				description: 'PCM, float, A-law or mu-law, at the rate the file states',
			},
			{
				name: 'Raw',
				value: 'raw',
				description: '16-bit samples without a header: signed, little-endian, one channel',
			},
		],
		default: 'auto',
		description: 'What the audio file is. Flux takes samples only, no compressed audio.',
	},
	{ ...encodingField },
	{ ...sampleRateField, displayOptions: { show: { audioFormat: ['raw'] } } },
	{
		displayName: 'Channels',
		name: 'channels',
		type: 'options',
		options: [
			{ name: 'Left', value: 'left', description: 'The first channel alone' },
			{ name: 'Mix', value: 'mix', description: 'The average of all channels' },
			{ name: 'Right', value: 'right', description: 'The second channel alone' },
			{
				name: 'Split',
				value: 'split',
				description: 'Each channel as a speaker of its own, billed each',
			},
		],
		default: 'mix',
		description: 'Which channels of the recording to listen to',
		displayOptions: { show: { audioFormat: ['auto'] } },
	},
	{
		displayName: 'Output',
		name: 'output',
		type: 'options',
		options: [
			{ name: 'Events', value: 'events', description: 'One item an event of Flux, as it came' },
			{ name: 'Transcript', value: 'transcript', description: 'One item a recording' },
			{ name: 'Turns', value: 'turns', description: 'One item a turn' },
		],
		default: 'transcript',
		description: 'What the output items are',
	},
	{
		displayName: 'Options',
		name: 'options',
		type: 'collection',
		placeholder: 'Add option',
		default: {},
		options: byDisplayName([
			concurrencyOption,
			...fluxOptions,
			{
				displayName: 'Max Reconnects',
				name: 'maxReconnects',
				type: 'number',
				typeOptions: { minValue: 0, numberPrecision: 0 },
				default: DEFAULT_RECONNECTS,
				description:
					'How often a lost connection is opened again. The audio after the last finished turn is then sent again.',
			},
			{
				displayName: 'Speed',
				name: 'speed',
				type: 'number',
				typeOptions: { minValue: 0.5, maxValue: 4, numberPrecision: 2 },
				default: DEFAULT_SPEED,
				description:
					'Seconds of audio to send a second. Deepgram states 1.25 as the most it takes.',
			},
			...subtitleOptions.map((option) => ({
				...option,
				displayOptions: {
					show: { ...option.displayOptions?.show, '/output': ['transcript'] },
				},
			})),
		]),
	},
];

/** The fields of the operation, in the order the editor shows them. */
export const description: INodeProperties[] = updateDisplayOptions(
	{ show: { resource: ['audio'], operation: ['transcribeFlux'] } },
	fields,
);

/**
 * Transcribes one item's recording in real time, over a WebSocket (one a channel with 'Split'):
 * https://developers.cloudflare.com/workers-ai/models/flux/ and
 * https://developers.deepgram.com/docs/flux/quickstart
 *
 * @returns the common transcript, or an item a turn, or an item an event; for an AI agent `{ text }`
 * @throws NodeOperationError for parameters or audio that Flux cannot take, before it is called;
 * NodeApiError for what Cloudflare answers, with the turns finished until then in its description
 */
export async function execute(item: Item): Promise<INodeExecutionData[]> {
	if (!hasWebSocket()) {
		throw inputError(
			item,
			'Flux needs a WebSocket, which the Node.js of this n8n does not have',
			"n8n 2.41 and later run on a Node.js (24) that has it: update n8n, or use the operation 'Transcribe with Nova-3'.",
		);
	}
	const request = await readRequest(item);
	const recording = await openRecording(request.input, item.signal);
	const call = new Call(item, request);
	await call.run(recording, item.signal);
	return await call.results();
}

interface FluxRequest {
	flux: FluxParameters;
	path: string;
	input: RecordingInput;
	channels: 'mix' | 'left' | 'right' | 'split';
	output: 'transcript' | 'turns' | 'events';
	speed: number;
	maxReconnects: number;
	subtitles?: SubtitleRequest;
}

async function readRequest(item: Item): Promise<FluxRequest> {
	const { context, itemIndex } = item;
	const options = context.getNodeParameter('options', itemIndex, {}) as IDataObject;
	const flux = readFluxParameters(item);
	const choice = <T extends string>(displayName: string, name: string, choices: readonly T[]) =>
		choiceOf(item, displayName, context.getNodeParameter(name, itemIndex, choices[0]), choices);
	const isRaw = choice('Audio Format', 'audioFormat', ['auto', 'raw']) === 'raw';
	return {
		flux,
		path: await modelPath(item, FLUX_MODEL),
		input: {
			item,
			source: audioSource(item),
			rawSampleRate: isRaw ? Number(flux.fields.sample_rate) : undefined,
		},
		channels: choice('Channels', 'channels', ['mix', 'left', 'right', 'split'] as const),
		output: choice('Output', 'output', ['transcript', 'turns', 'events'] as const),
		speed: numberWithin(item, 'Speed', options.speed, { min: 0.5, max: 4 }) ?? DEFAULT_SPEED,
		maxReconnects:
			numberWithin(item, 'Max Reconnects', options.maxReconnects, {
				min: 0,
				max: 1_000,
				integer: true,
			}) ?? DEFAULT_RECONNECTS,
		subtitles: subtitleRequest(options),
	};
}

/** A channel that is listened to on its own; its speaker has a name where there are several. */
interface Part {
	transcription: ChannelTranscription;
	speaker?: string;
}

type SpokenTurn = Pick<Turn, 'segment' | 'words' | 'heardAt'>;

/** The transcription of one item: its channels, and what goes out while it runs. */
class Call {
	private parts: Part[] = [];

	private readonly isStreaming: boolean;

	private sending: Promise<void> = Promise.resolve();

	private hasSentTurn = false;

	constructor(
		private readonly item: Item,
		private readonly request: FluxRequest,
	) {
		const { context } = item;
		this.isStreaming = takesLiveText(context);
	}

	async run(recording: Recording, signal: AbortSignal): Promise<void> {
		const choices = channelsOf(this.item, this.request.channels, recording);
		const isSplit = this.request.channels === 'split';
		const settings = this.settings(recording.sampleRate);
		this.parts = choices.map((channel, index) => ({
			transcription: new ChannelTranscription({ ...settings, channel }),
			...(isSplit && { speaker: `channel ${index + 1}` }),
		}));
		this.send('begin');
		await this.listen(recording, signal).catch((error: Error) => this.fail(error, signal));
		this.send('end');
		await this.sending;
		if (this.parts.some(({ transcription }) => transcription.isTruncated)) this.hintAtCut();
		if (this.parts.some(({ transcription }) => transcription.isUnsure)) {
			this.hint(
				'Cloudflare fell silent before it had heard the recording to its end, twice at the same place. Text may be missing there.',
			);
		}
	}

	async results(): Promise<INodeExecutionData[]> {
		const { context } = this.item;
		const { output, subtitles } = this.request;
		const transcript = this.transcript();
		if (isToolRun(context)) return [{ json: { text: transcript.text } }];
		if (output === 'turns')
			return this.turns().map(({ segment, words }) => ({
				json: withoutEmpty({ ...segment, words: words.map(withoutEmpty) }),
			}));
		if (output === 'events') return this.events().map((json) => ({ json }));
		const binary = subtitles && (await subtitleBinary(this.item, transcript, subtitles, NO_TIMES));
		return [{ json: transcriptJson(transcript), ...(binary && { binary }) }];
	}

	private hintAtCut(): void {
		const reason =
			this.request.input.rawSampleRate === undefined
				? 'its file ends before the length that its header states'
				: 'its last sample is not whole';
		this.hint(`The recording is cut off: ${reason}. What is there was transcribed.`);
	}

	private hint(message: string): void {
		const { context, itemIndex } = this.item;
		// An older n8n has no hints.
		if (typeof context.addExecutionHints !== 'function') return;
		context.addExecutionHints({
			message: `Item ${itemIndex}: ${message}`,
			type: 'warning',
			location: 'outputPane',
		});
	}

	private settings(sampleRate: number): Omit<ChannelSettings, 'channel'> {
		const { flux, input, maxReconnects, output, path, speed } = this.request;
		const timeoutMs = Number(flux.fields.eot_timeout_ms ?? DEFAULT_EOT_TIMEOUT_MS);
		return {
			input,
			path,
			query: socketQuery(flux, sampleRate),
			speed,
			eotTimeoutSeconds: timeoutMs / 1_000,
			maxReconnects,
			keepsEvents: output === 'events',
			onTurn: ({ segment }) => this.sendTurn(segment.text),
		};
	}

	/** Every channel reads the recording for itself, so that none waits for another. */
	private async listen(first: Recording, signal: AbortSignal): Promise<void> {
		const stop = new AbortController();
		const both = AbortSignal.any([signal, stop.signal]);
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
		const lengths = this.parts.map(({ transcription }) => transcription.seconds ?? 0);
		return {
			text: textOf(turns),
			duration: Math.max(...lengths),
			segments: turns.map(({ segment }) => segment),
			words: turns.flatMap(({ segment: { speaker }, words }) =>
				words.map((word) => ({ ...word, ...(speaker && { speaker }) })),
			),
			service: 'cloudflare',
			model: FLUX_MODEL,
			requestId: this.parts[0]?.transcription.requestId,
		};
	}

	private send(type: 'begin' | 'item' | 'end' | 'error', content?: string): void {
		if (!this.isStreaming) return;
		const { context, itemIndex } = this.item;
		this.sending = this.sending.then(async () => {
			await context.sendChunk(type, itemIndex, content);
		});
		// Waited for at the end; until then a listener that is gone must not bring the process down.
		this.sending.catch(() => undefined);
	}

	/** So that what is sent makes up the transcript's text. */
	private sendTurn(text: string): void {
		this.send('item', this.hasSentTurn ? ` ${text}` : text);
		this.hasSentTurn = true;
	}

	/** The error with the turns heard so far in its description, so that none of them is lost. */
	private async fail(cause: Error, signal: AbortSignal): Promise<never> {
		signal.throwIfAborted();
		const { context, itemIndex } = this.item;
		const error =
			cause instanceof NodeApiError || cause instanceof NodeOperationError
				? cause
				: new NodeOperationError(context.getNode(), cause, { itemIndex });
		const text = textOf(this.turns());
		if (text !== '') {
			error.description = `${error.description ?? ''} Transcribed until then: ${escapeHtml(text)}`;
		}
		this.send('error', error.message);
		await this.sending;
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
