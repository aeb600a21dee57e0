import { updateDisplayOptions, type INodeExecutionData, type INodeProperties } from 'n8n-workflow';

import { audioSource } from '../../shared/audio/source';
import { audioInputFields, concurrencyOption, subtitleOptions } from '../../shared/fields';
import { optionsOf, parametersOf } from '../../shared/fieldValues';
import { inputError, type Item } from '../../shared/item';
import { optionsCollection } from '../../shared/options';
import { subtitleRequest } from '../../shared/transcript/subtitleBinary';
import {
	encodingField,
	fluxOptions,
	readFluxParameters,
	sampleRateField,
} from '../flux/parameters';
import { hasWebSocket } from '../flux/socket';
import { FLUX_MODEL, transcribeRecording, type FluxRequest } from '../flux/transcription';
import { modelPath } from '../service';

const audioFormatField: INodeProperties = {
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
};

const channelsField: INodeProperties = {
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
};

const outputField: INodeProperties = {
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
};

const maxReconnectsOption: INodeProperties = {
	displayName: 'Max Reconnects',
	name: 'maxReconnects',
	type: 'number',
	typeOptions: { minValue: 0, maxValue: 1000, numberPrecision: 0 },
	default: 3,
	description:
		'How often a lost connection is opened again. The audio after the last finished turn is then sent again.',
};

const speedOption: INodeProperties = {
	displayName: 'Speed',
	name: 'speed',
	type: 'number',
	typeOptions: { minValue: 0.5, maxValue: 4, numberPrecision: 2 },
	default: 1.25,
	description: 'Seconds of audio to send a second. Deepgram states 1.25 as the most it takes.',
};

const fields: INodeProperties[] = [
	...audioInputFields,
	audioFormatField,
	encodingField,
	{ ...sampleRateField, displayOptions: { show: { audioFormat: ['raw'] } } },
	channelsField,
	outputField,
	optionsCollection([
		concurrencyOption,
		...fluxOptions,
		maxReconnectsOption,
		speedOption,
		...subtitleOptions.map((option) => ({
			...option,
			displayOptions: {
				show: { ...option.displayOptions?.show, '/output': ['transcript'] },
			},
		})),
	]),
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
	return await transcribeRecording(item, await readRequest(item));
}

async function readRequest(item: Item): Promise<FluxRequest> {
	const parameters = parametersOf(item);
	const options = optionsOf(item);
	const flux = readFluxParameters(item);
	const isRaw = parameters.choice<'auto' | 'raw'>(audioFormatField) === 'raw';
	return {
		flux,
		path: await modelPath(item, FLUX_MODEL),
		input: {
			item,
			source: audioSource(item),
			rawSampleRate: isRaw ? flux.sampleRate : undefined,
		},
		channels: parameters.choice(channelsField),
		output: parameters.choice(outputField),
		speed: options.number(speedOption),
		maxReconnects: options.number(maxReconnectsOption),
		subtitles: subtitleRequest(options),
	};
}
