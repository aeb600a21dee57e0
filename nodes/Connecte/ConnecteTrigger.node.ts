import {
	NodeConnectionTypes,
	NodeOperationError,
	type ICredentialDataDecryptedObject,
	type IHookFunctions,
	type INodeType,
	type INodeTypeDescription,
	type IWebhookFunctions,
	type IWebhookResponseData,
} from 'n8n-workflow';

import { OWN_ANSWER } from './callback/call';
import { forgetEvents } from './callback/seenEvents';
import { receive, triggerKey, webhookSecretOf } from './callback/triggerCall';

/** What is shorter can be found by trying. */
const SHORTEST_WEBHOOK_SECRET = 16;

export class ConnecteTrigger implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Connecte Trigger',
		name: 'connecteTrigger',
		icon: { light: 'file:../../icons/connecte.svg', dark: 'file:../../icons/connecte.dark.svg' },
		group: ['trigger'],
		version: 1,
		subtitle: '={{$parameter["events"].join(", ")}}',
		description: 'Starts the workflow when a Connecte prediction has ended',
		defaults: { name: 'Connecte Trigger' },
		inputs: [],
		outputs: [NodeConnectionTypes.Main],
		credentials: [{ name: 'connecteApi', required: true }],
		webhooks: [
			{
				name: 'default',
				httpMethod: 'POST',
				responseMode: 'onReceived',
				responseData: OWN_ANSWER,
				path: 'webhook',
			},
		],
		properties: [
			{
				displayName:
					"Publish the workflow first, then copy this node's production URL into 'Webhook URL' of the Connecte node's options; the test URL takes one call only. The Connecte node signs it with the 'Webhook Secret' of the credential, so both nodes need the same credential: without that secret every call is refused.",
				name: 'notice',
				type: 'notice',
				default: '',
			},
			{
				displayName: 'Events',
				name: 'events',
				type: 'multiOptions',
				required: true,
				noDataExpression: true,
				options: [
					{
						name: 'Prediction Failed',
						value: 'failed',
						description: 'The model could not finish its work',
					},
					{
						name: 'Prediction Succeeded',
						value: 'succeeded',
						description: 'The result is there',
					},
				],
				default: ['succeeded', 'failed'],
				description: 'Which ends of a prediction start the workflow',
			},
			{
				displayName: 'Authentication',
				name: 'authentication',
				type: 'options',
				noDataExpression: true,
				options: [
					{
						name: 'None',
						value: 'none',
						description: "Take calls from anyone who knows this node's URL",
					},
					{
						name: 'Signed URL',
						value: 'signedUrl',
						description:
							"Take only calls to a URL that was signed with the credential's webhook secret, at most seven days ago",
					},
				],
				default: 'signedUrl',
			},
			{
				displayName: 'Confirm With API',
				name: 'confirmWithApi',
				type: 'boolean',
				noDataExpression: true,
				default: true,
				description:
					'Whether to read the prediction from the API and put out what it says, instead of believing the call',
			},
			{
				displayName: 'Simplify',
				name: 'simplify',
				type: 'boolean',
				default: true,
				description:
					'Whether to return a simplified version of the response instead of the raw data',
			},
			{
				displayName: 'Options',
				name: 'options',
				type: 'collection',
				placeholder: 'Add option',
				default: {},
				options: [
					{
						displayName: 'Deduplicate',
						name: 'deduplicate',
						type: 'boolean',
						default: true,
						description:
							'Whether to run only once for a prediction and its status, however often the call comes. At least the last 1,000 events are remembered.',
					},
				],
			},
		],
	};

	webhookMethods = {
		default: {
			async checkExists(this: IHookFunctions): Promise<boolean> {
				// Connecte keeps no list of addresses: every create request names its own.
				return await Promise.resolve(false);
			},
			async create(this: IHookFunctions): Promise<boolean> {
				if (this.getMode() === 'manual') forgetEvents(triggerKey(this));
				const events = this.getNodeParameter('events', []) as string[];
				if (events.length === 0) {
					throw new NodeOperationError(this.getNode(), "No event is selected in 'Events'", {
						description: 'Without an event this trigger would never run: select at least one.',
					});
				}
				if (this.getNodeParameter('authentication', 'signedUrl') === 'none') return true;
				const credential = await this.getCredentials<ICredentialDataDecryptedObject>('connecteApi');
				const secret = webhookSecretOf(credential);
				if (secret === undefined) {
					throw new NodeOperationError(
						this.getNode(),
						"The Connecte credential has no 'Webhook Secret', so every call would be refused: set one there",
						{
							description:
								"Open the credential and set 'Webhook Secret' to a long random text. To take calls from anyone instead, set 'Authentication' to 'None'.",
						},
					);
				}
				if (secret.trim().length >= SHORTEST_WEBHOOK_SECRET) return true;
				throw new NodeOperationError(
					this.getNode(),
					`'Webhook Secret' of the Connecte credential is too short: it must have at least ${SHORTEST_WEBHOOK_SECRET} characters`,
					{
						description:
							"Who has one signed address can try short secrets until one fits. Open the credential and set 'Webhook Secret' to a long random text.",
					},
				);
			},
			async delete(this: IHookFunctions): Promise<boolean> {
				// What n8n has stored of them stays.
				forgetEvents(triggerKey(this));
				return await Promise.resolve(true);
			},
		},
	};

	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		return await receive(this);
	}
}
