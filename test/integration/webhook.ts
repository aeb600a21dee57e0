/** The webhooks of a node: what n8n does when one is called, and when a trigger is (de)activated. */
import { HookContext, WebhookContext } from 'n8n-core';
import {
	UnexpectedError,
	Workflow,
	type IDataObject,
	type INode,
	type INodeExecutionData,
	type IRunExecutionData,
	type IWebhookData,
	type IWebhookResponseData,
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
	/** The node's static data as n8n has stored it: what it was before, where n8n saw no reason to save. */
	staticData: IDataObject;
}

/** The part of an express response that nodes use; keeps what was sent. */
export class RecordedResponse {
	statusCode = 200;
	headersSent = false;
	readonly headers: Record<string, string> = {};
	body: unknown;
	/** Whether the caller has hung up, so that sending never ends. */
	isGone = false;
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
		if (!this.isGone) for (const listener of this.listeners) listener();
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

export interface WebhookCall {
	request?: WebhookRequest;
	/** n8n cannot start the run, and answers 500. */
	startFails?: boolean;
	/** The caller hangs up before it is answered. */
	hangsUp?: boolean;
}

/** Calls the node's webhook; with `waiting`, the one that a waiting execution goes on by. */
export async function callWebhook(
	options: NodeOptions & WebhookCall,
	workflow: Workflow,
	node: INode,
	waiting: IRunExecutionData | null,
): Promise<WebhookResult> {
	const { credentials, mode = 'webhook', request = {}, hangsUp = false } = options;
	const additionalData = additionalDataOf(credentials, mode);
	const response = new RecordedResponse();
	response.isGone = hangsUp;
	additionalData.httpRequest = requestOf(request);
	additionalData.httpResponse = response;
	const webhook = webhookOf(workflow, node, additionalData, {
		method: request.method,
		waiting: waiting !== null,
	});
	const type = workflow.nodeTypes.getByNameAndVersion(node.type);
	const context = new WebhookContext(workflow, node, additionalData, mode, webhook, [], waiting);
	const before = staticDataOf(workflow, node);
	const answer = await type.webhook?.call(context);
	if (!answer) throw new UnexpectedError(`${node.name} has no webhook function`);
	const isSaved = respond(answer, response, workflow, webhook, options.startFails);
	const { statusCode, headers, body } = response;
	const staticData = isSaved ? staticDataOf(workflow, node) : before;
	return { statusCode, headers, body, workflowData: answer.workflowData, staticData };
}

/**
 * Answers in the order n8n 2.41 does: it starts the run, then makes up the answer, then saves the static
 * data if they are marked as changed, then sends. For the run it makes a second Workflow of the same
 * static data, which takes that mark away.
 * @returns whether the static data were saved
 */
function respond(
	answer: IWebhookResponseData,
	response: RecordedResponse,
	workflow: Workflow,
	{ webhookDescription }: IWebhookData,
	startFails = false,
): boolean {
	const { noWebhookResponse, workflowData } = answer;
	const isChanged = () => workflow.staticData.__dataChanged === true;
	if (noWebhookResponse) return isChanged();
	if (workflowData && startFails) {
		response.status(500).send({ message: 'Not started' });
		return false;
	}
	if (workflowData) {
		const { staticData, nodeTypes } = workflow;
		new Workflow({ nodes: [], connections: {}, active: true, nodeTypes, staticData });
	}
	const { responseData = 'firstEntryJson' } = webhookDescription;
	const message = workflowData ? 'Workflow was started' : 'Webhook call received';
	const own = (): unknown => answer.webhookResponse ?? { message };
	const body = workflowData && responseData !== '' ? responseData : own();
	const isSaved = isChanged();
	response.send(body);
	return isSaved;
}

/** Calls the webhook of a trigger node; throws what the node throws (n8n answers 500 to that). */
export async function runWebhook(options: NodeOptions & WebhookCall): Promise<WebhookResult> {
	const { node, workflow } = alone(options);
	return await callWebhook(options, workflow, node, null);
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
