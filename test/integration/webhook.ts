/** The webhooks of a node: what n8n does when one is called, and when a trigger is (de)activated. */
import { HookContext, WebhookContext } from 'n8n-core';
import {
	UnexpectedError,
	type IDataObject,
	type INode,
	type INodeExecutionData,
	type IRunExecutionData,
	type IWebhookData,
	type Workflow,
	type WorkflowActivateMode,
} from 'n8n-workflow';

import { additionalDataOf, alone, staticDataOf, type NodeOptions } from './host.ts';

/** A call to a webhook. `body`: an object is sent as JSON, text and bytes as they are. */
export interface WebhookRequest {
	method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH' | 'HEAD';
	body?: IDataObject | IDataObject[] | string | Buffer;
	headers?: Record<string, string>;
	query?: Record<string, string | string[]>;
}

export interface WebhookResult {
	statusCode: number;
	headers: Record<string, string>;
	body: unknown;
	/** What starts (or goes on with) the workflow; absent when it does not run. */
	workflowData?: INodeExecutionData[][];
	staticData: IDataObject;
}

/** The part of an express response that nodes use; keeps what was sent. */
export class RecordedResponse {
	statusCode = 200;
	headersSent = false;
	readonly headers: Record<string, string> = {};
	body: unknown;
	private readonly listeners: Array<() => void> = [];

	status(code: number) {
		this.statusCode = code;
		return this;
	}

	setHeader(name: string, value: string | number) {
		this.headers[name.toLowerCase()] = String(value);
		return this;
	}

	set(name: string, value: string | number) {
		return this.setHeader(name, value);
	}

	writeHead(code: number, headers: Record<string, string | number> = {}) {
		for (const [name, value] of Object.entries(headers)) this.setHeader(name, value);
		return this.status(code);
	}

	end(body?: unknown) {
		if (this.headersSent) throw new UnexpectedError('The response was sent twice');
		this.headersSent = true;
		this.body = body;
		for (const listener of this.listeners) listener();
		return this;
	}

	/** Of a response's events nodes use the end of sending only. */
	once(_event: 'finish', listener: () => void) {
		this.listeners.push(listener);
		return this;
	}

	send(body?: unknown) {
		return this.end(body);
	}

	json(body: unknown) {
		return this.setHeader('content-type', 'application/json').end(body);
	}
}

/** The part of an express request, as n8n has parsed it, that nodes use. */
function requestOf({ method = 'POST', body, headers = {}, query = {} }: WebhookRequest) {
	const isJson = typeof body === 'object' && !Buffer.isBuffer(body);
	const lowerCase = Object.fromEntries(
		Object.entries({ ...(isJson && { 'content-type': 'application/json' }), ...headers }).map(
			([name, value]) => [name.toLowerCase(), value],
		),
	);
	const rawBody = isJson ? JSON.stringify(body) : (body ?? '');
	return {
		method,
		headers: lowerCase,
		query,
		params: {},
		body: body ?? {},
		rawBody: Buffer.isBuffer(rawBody) ? rawBody : Buffer.from(rawBody),
		readRawBody: async () => await Promise.resolve(),
		contentType: lowerCase['content-type'],
		get: (name: string) => lowerCase[name.toLowerCase()],
		ip: '127.0.0.1',
	};
}

function webhookOf(
	workflow: Workflow,
	node: INode,
	additionalData: IWebhookData['workflowExecuteAdditionalData'],
	{ method = 'POST', waiting = false }: { method?: string; waiting?: boolean } = {},
): IWebhookData {
	const { webhooks = [] } = workflow.nodeTypes.getByNameAndVersion(node.type).description;
	const found = webhooks.find(
		({ httpMethod, restartWebhook = false }) => httpMethod === method && restartWebhook === waiting,
	);
	if (!found) throw new UnexpectedError(`${node.name} has no webhook that takes ${method}`);
	return {
		httpMethod: found.httpMethod as IWebhookData['httpMethod'],
		node: node.name,
		path: node.webhookId ?? '',
		webhookDescription: found,
		workflowId: workflow.id,
		workflowExecuteAdditionalData: additionalData,
	};
}

/** Calls the node's webhook; with `waiting`, the one that a waiting execution goes on by. */
export async function callWebhook(
	{ credentials, mode = 'webhook', startFails }: NodeOptions & { startFails?: boolean },
	workflow: Workflow,
	node: INode,
	request: WebhookRequest,
	waiting: IRunExecutionData | null,
): Promise<WebhookResult> {
	const additionalData = additionalDataOf(credentials, mode);
	const response = new RecordedResponse();
	additionalData.httpRequest = requestOf(request);
	additionalData.httpResponse = response;
	const webhook = webhookOf(workflow, node, additionalData, {
		method: request.method,
		waiting: waiting !== null,
	});
	const type = workflow.nodeTypes.getByNameAndVersion(node.type);
	const context = new WebhookContext(workflow, node, additionalData, mode, webhook, [], waiting);
	const answer = await type.webhook?.call(context);
	if (!answer) throw new UnexpectedError(`${node.name} has no webhook function`);
	const { noWebhookResponse, workflowData } = answer;
	if (!noWebhookResponse && !response.headersSent) {
		const message = workflowData ? 'Workflow was started' : 'Webhook call received';
		if (startFails && workflowData) response.status(500).send({ message: 'Not started' });
		else response.send(answer.webhookResponse ?? { message });
	}
	const { statusCode, headers, body } = response;
	const staticData = staticDataOf(workflow, node);
	return { statusCode, headers, body, workflowData, staticData };
}

/**
 * Calls the webhook of a trigger node; throws what the node throws (n8n answers 500 to that).
 * `startFails`: n8n cannot start the run, and answers 500.
 */
export async function runWebhook(
	options: NodeOptions & { request?: WebhookRequest; startFails?: boolean },
): Promise<WebhookResult> {
	const { node, workflow } = alone(options);
	return await callWebhook(options, workflow, node, options.request ?? {}, null);
}

/** Runs what a trigger node does when its workflow is activated or deactivated. */
export async function runWebhookMethod(
	options: NodeOptions & { activation?: WorkflowActivateMode },
	method: 'checkExists' | 'create' | 'delete',
): Promise<{ done: boolean; staticData: IDataObject }> {
	const { activation = 'activate', credentials, mode = 'trigger' } = options;
	const { node, workflow } = alone(options);
	const additionalData = additionalDataOf(credentials, mode);
	const webhook = webhookOf(workflow, node, additionalData);
	const methods = options.nodeType.webhookMethods?.[webhook.webhookDescription.name];
	if (!methods?.[method]) throw new UnexpectedError(`${node.name} has no "${method}"`);
	const context = new HookContext(workflow, node, additionalData, mode, activation, webhook);
	const done = await methods[method].call(context);
	return { done, staticData: staticDataOf(workflow, node) };
}
