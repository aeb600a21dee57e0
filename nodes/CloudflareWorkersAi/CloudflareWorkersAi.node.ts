import {
	NodeConnectionTypes,
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
} from 'n8n-workflow';

import { concurrencyOf } from '../shared/fields';
import { runItems } from '../shared/items';
import * as runFlux from './operations/runFlux';
import * as transcribeFlux from './operations/transcribeFlux';
import * as transcribeNova3 from './operations/transcribeNova3';

const OPERATIONS = { runFlux, transcribeFlux, transcribeNova3 };

export class CloudflareWorkersAi implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Cloudflare Workers AI',
		name: 'cloudflareWorkersAi',
		icon: {
			light: 'file:../../icons/cloudflareWorkersAi.svg',
			dark: 'file:../../icons/cloudflareWorkersAi.dark.svg',
		},
		group: ['transform'],
		version: 1,
		subtitle: '={{$parameter["operation"] + ": " + $parameter["resource"]}}',
		description: 'Transcribe audio with the speech models of Cloudflare Workers AI',
		defaults: { name: 'Cloudflare Workers AI' },
		usableAsTool: true,
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		credentials: [{ name: 'cloudflareWorkersAiApi', required: true }],
		properties: [
			{
				displayName: 'Resource',
				name: 'resource',
				type: 'options',
				noDataExpression: true,
				options: [{ name: 'Audio', value: 'audio' }],
				default: 'audio',
			},
			{
				displayName: 'Operation',
				name: 'operation',
				type: 'options',
				noDataExpression: true,
				displayOptions: { show: { resource: ['audio'] } },
				options: [
					{
						name: 'Transcribe with Nova-3',
						value: 'transcribeNova3',
						description:
							'Turn an audio file of any format into text: English, unless the options say otherwise',
						action: 'Transcribe audio with nova 3',
					},
					{
						name: 'Transcribe with Flux',
						value: 'transcribeFlux',
						description: 'Turn a recording into turns of speech, in real time',
						action: 'Transcribe audio with flux',
					},
					{
						name: 'Run Flux (Takes No Audio)',
						value: 'runFlux',
						description: "Call Deepgram Flux by HTTP, as Cloudflare's reference documents it",
						action: 'Run flux without audio',
					},
				],
				default: 'transcribeNova3',
			},
			...runFlux.description,
			...transcribeFlux.description,
			...transcribeNova3.description,
		],
	};

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		const operation = this.getNodeParameter('operation', 0) as keyof typeof OPERATIONS;
		const items = await runItems(this, concurrencyOf(this), OPERATIONS[operation].execute);
		return [items];
	}
}
