import {
	NodeConnectionTypes,
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
	type IWebhookFunctions,
	type IWebhookResponseData,
} from 'n8n-workflow';

import { concurrencyOf } from '../shared/fields';
import { runItems } from '../shared/items';
import { resume, resumeWebhooks } from './callback/resumeCall';
import * as cancel from './operations/cancel';
import * as create from './operations/create';
import * as get from './operations/get';
import * as wait from './operations/wait';
import { getInputFields } from './schema/mapperFields';
import { suspendExecution } from './waiting/suspend';

const operations = { cancel, create, get, wait };

export class Connecte implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Connecte',
		name: 'connecte',
		icon: { light: 'file:../../icons/connecte.svg', dark: 'file:../../icons/connecte.dark.svg' },
		group: ['transform'],
		version: 1,
		subtitle: '={{$parameter["operation"] + ": " + $parameter["resource"]}}',
		description: 'Transcribe speech, or run any other AI model, with Connecte',
		defaults: { name: 'Connecte' },
		usableAsTool: true,
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		credentials: [{ name: 'connecteApi', required: true }],
		webhooks: resumeWebhooks,
		properties: [
			{
				displayName: 'Resource',
				name: 'resource',
				type: 'options',
				noDataExpression: true,
				options: [{ name: 'Prediction', value: 'prediction' }],
				default: 'prediction',
			},
			{
				displayName: 'Operation',
				name: 'operation',
				type: 'options',
				noDataExpression: true,
				displayOptions: { show: { resource: ['prediction'] } },
				options: [
					{
						name: 'Cancel',
						value: 'cancel',
						description: 'Stop a prediction that has not ended',
						action: 'Cancel prediction',
					},
					{
						name: 'Create',
						value: 'create',
						description: 'Run a model on an input',
						action: 'Create prediction by running a hosted model',
					},
					{
						name: 'Get',
						value: 'get',
						description: 'Read a prediction, whatever its status',
						action: 'Get prediction',
					},
					{
						name: 'Wait',
						value: 'wait',
						description: 'Wait for the end of a prediction that was created before',
						action: 'Wait for prediction',
					},
				],
				default: 'create',
			},
			...create.description,
			...get.description,
			...cancel.description,
			...wait.description,
		],
	};

	methods = { resourceMapping: { getInputFields } };

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		const operation = this.getNodeParameter('operation', 0) as keyof typeof operations;
		const items = await runItems(this, concurrencyOf(this), operations[operation].execute);
		return [await suspendExecution(this, items)];
	}

	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		return await resume(this);
	}
}
