import {
	NodeConnectionTypes,
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
} from 'n8n-workflow';

import { concurrencyOf } from '../shared/fields';
import { runItems } from '../shared/items';
import * as transcribe from './transcribe/transcribe';

export class Cloudsway implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Cloudsway',
		name: 'cloudsway',
		icon: { light: 'file:../../icons/cloudsway.svg', dark: 'file:../../icons/cloudsway.dark.svg' },
		group: ['transform'],
		version: 1,
		subtitle: '={{$parameter["operation"] + ": " + $parameter["resource"]}}',
		description: 'Transcribe audio files with Cloudsway',
		defaults: { name: 'Cloudsway' },
		usableAsTool: true,
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		credentials: [{ name: 'cloudswayApi', required: true }],
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
						name: 'Transcribe',
						value: 'transcribe',
						description: 'Turn speech in an audio file into text',
						action: 'Transcribe audio',
					},
				],
				default: 'transcribe',
			},
			...transcribe.description,
		],
	};

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		const items = await runItems(this, concurrencyOf(this), transcribe.execute);
		return [items];
	}
}
