/**
 * Runs a node of this package by n8n-core's own engine over real sockets; no helper is mocked.
 *
 * - `runNode` executes it behind a predecessor that puts the items' binaries into n8n's binary
 *   store; also streamed, cancelled, as a tool of an AI agent, or waiting and resumed.
 * - `runWebhook` and `runWebhookMethod` do what n8n does when a trigger is called or (de)activated.
 * - `callMethod` runs a `loadOptions`, `listSearch` or `resourceMapping` method of the node.
 * - `testCredential` runs a credential type's declarative `test` by n8n's RoutingNode.
 *
 * Parameters that are not given have the defaults of the node's description, as in a saved workflow.
 */
import type { Readable } from 'node:stream';

import { Container } from '@n8n/di';
import {
	BinaryDataService,
	ExecuteContext,
	HookContext,
	LoadOptionsContext,
	RoutingNode,
	WebhookContext,
	WorkflowExecute,
} from 'n8n-core';
import {
	NodeConnectionTypes,
	UnexpectedError,
	createEmptyRunExecutionData,
	deepCopy,
	type EngineRequest,
	type EngineResponse,
	type ExecutionStatus,
	type ICredentialDataDecryptedObject,
	type ICredentialType,
	type IDataObject,
	type IExecuteFunctions,
	type ILoadOptionsFunctions,
	type INode,
	type INodeCredentialTestResult,
	type INodeExecutionData,
	type INodeParameters,
	type INodeType,
	type INodeTypeDescription,
	type IRun,
	type IRunExecutionData,
	type IWebhookData,
	type NodeExecutionHint,
	type StructuredChunk,
	type Workflow,
	type WorkflowActivateMode,
	type WorkflowExecuteMode,
} from 'n8n-workflow';

import {
	additionalDataOf,
	nodeOf,
	useBinaryMode,
	workflowOf,
	type BinaryMode,
	type TestCredentials,
} from './host.ts';

/** One item of the predecessor. A stream is stored as it comes, so large files cost no memory. */
export interface InputItem {
	json?: IDataObject;
	binary?: Record<string, { data: Buffer | Readable; fileName?: string; mimeType?: string }>;
}

export interface NodeOptions {
	nodeType: INodeType;
	parameters?: INodeParameters;
	credentials?: TestCredentials;
	/** The node's own static data from before; what it becomes is in the result. */
	staticData?: IDataObject;
	/** Default `trigger`, with `streaming` `webhook`. */
	mode?: WorkflowExecuteMode;
}

export interface RunOptions extends NodeOptions {
	/** Default: one empty item. */
	items?: InputItem[];
	/** Default `filesystem`. Runs of different modes must not overlap. */
	binaryMode?: BinaryMode;
	continueOnFail?: boolean;
	/** Lets the node stream (`isStreaming()` is true); see `chunks`. */
	streaming?: boolean;
	/** Stops the execution as a user does, so many milliseconds after the node began. */
	cancelAfterMs?: number;
	/** Stops the execution when aborted. */
	cancelOn?: AbortSignal;
	/**
	 * Runs the node as a tool that an agent calls once an item, with the item's `json` as arguments
	 * (for `$fromAI`); every result item holds `{ response }`, what the agent got. `true`: the tool is
	 * invoked within the agent, `isToolExecution()` is true. `requested`: as today's agents do it, the
	 * engine runs it on the agent's request; `isToolExecution()` is then false, and only the node's
	 * `rewireOutputLogTo` tells.
	 */
	asTool?: boolean | 'requested';
}

/** An error as n8n stores it with an execution: the own properties of NodeApiError and the like. */
export interface RunError {
	name: string;
	message: string;
	description?: string | null;
	context?: IDataObject;
	httpCode?: string | null;
	stack?: string;
	cause?: unknown;
	failure?: IDataObject;
}

export interface RunResult {
	/** The node's first output. */
	items: INodeExecutionData[];
	/** What ended the execution, or was passed over with `continueOnFail`. */
	error?: RunError;
	/** Everything sent with `sendChunk`, in order. */
	chunks: StructuredChunk[];
	/** From the start of the node under test to the end of the execution. */
	durationMs: number;
	status: ExecutionStatus;
	hints: NodeExecutionHint[];
	staticData: IDataObject;
	waitTill?: Date;
	binary(item: INodeExecutionData, name: string): Promise<Buffer>;
	/**
	 * Goes on with a waiting execution: with a request, by the node's waiting webhook (its answer is
	 * `response`; when it does not release the execution, the status stays `waiting`); without one, as
	 * when the time has run out.
	 */
	resume(request?: WebhookRequest): Promise<RunResult & { response?: WebhookResult }>;
}

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

const INPUT = 'Input';
const AGENT = 'Agent';

function inlineType(
	name: string,
	inputs: INodeTypeDescription['inputs'],
	execute: INodeType['execute'],
): INodeType {
	return {
		description: {
			displayName: name,
			name: name.toLowerCase(),
			group: ['transform'],
			version: 1,
			description: '',
			defaults: { name },
			inputs,
			outputs: [NodeConnectionTypes.Main],
			properties: [],
		},
		execute,
	};
}

/** The predecessor: stores the binaries by the helper every n8n node uses. */
const inputType = (items: InputItem[]) =>
	inlineType(INPUT, [], async function (this: IExecuteFunctions) {
		const store = async ({ json = {}, binary = {} }: InputItem) => {
			const stored: INodeExecutionData = { json: structuredClone(json) };
			for (const [name, { data, fileName, mimeType }] of Object.entries(binary)) {
				const type = mimeType ?? (fileName ? undefined : 'application/octet-stream');
				stored.binary ??= {};
				stored.binary[name] = await this.helpers.prepareBinaryData(data, fileName, type);
			}
			return stored;
		};
		return [await Promise.all(items.map(store))];
	});

interface Tool {
	invoke(args: IDataObject): Promise<string>;
}

/** An agent without a language model: calls its tool once an item. */
const agentType = (how: RunOptions['asTool'], toolName: string) =>
	inlineType(
		AGENT,
		[NodeConnectionTypes.Main, { type: NodeConnectionTypes.AiTool, required: true }],
		async function (this: IExecuteFunctions, answers?: EngineResponse) {
			const items = this.getInputData();
			if (how !== 'requested') {
				const responses: INodeExecutionData[] = [];
				for (const [item, { json }] of items.entries()) {
					const tools = await this.getInputConnectionData(NodeConnectionTypes.AiTool, item);
					const answer = await (tools as Tool[])[0]?.invoke(json);
					responses.push({ json: { response: JSON.parse(answer ?? 'null') as IDataObject } });
				}
				return [responses];
			}
			if (answers === undefined || answers.actionResponses.length === 0) {
				const actions: EngineRequest['actions'] = items.map(({ json }, item) => ({
					actionType: 'ExecutionNodeAction',
					nodeName: toolName,
					input: json,
					type: NodeConnectionTypes.AiTool,
					id: `call${item}`,
					metadata: { itemIndex: item },
				}));
				return { actions, metadata: {} };
			}
			return [
				answers.actionResponses.map(({ data }) => ({
					json: { response: data.data?.ai_tool?.[0]?.map(({ json }) => json) ?? [] },
				})),
			];
		},
	);

/** The tool n8n makes of a node with `usableAsTool`. */
function toolOf(nodeType: INodeType): INodeType {
	const { description } = nodeType;
	if (!description.usableAsTool) throw new UnexpectedError(`${description.name} is not a tool`);
	return Object.create(nodeType, {
		description: {
			value: {
				...description,
				name: `${description.name}Tool`,
				inputs: [],
				outputs: [NodeConnectionTypes.AiTool],
				properties: [
					...description.properties,
					{ displayName: 'Description', name: 'toolDescription', type: 'string', default: '' },
				],
			},
		},
	}) as INodeType;
}

const nodeStaticData = (name: string, data: IDataObject = {}) => ({
	[`node:${name}`]: structuredClone(data),
});

/** Executes one node on `items`; an error of the node is in the result, not thrown. */
export async function runNode(options: RunOptions): Promise<RunResult> {
	await useBinaryMode(options.binaryMode ?? 'filesystem');
	const { asTool, credentials, items = [{}], parameters } = options;
	const type = asTool ? toolOf(options.nodeType) : options.nodeType;
	const node = nodeOf(type, parameters, credentials);
	if (options.continueOnFail) node.onError = 'continueRegularOutput';
	const source = inputType(items);
	const input = nodeOf(source);
	const main = (name: string) => ({
		main: [[{ node: name, type: NodeConnectionTypes.Main, index: 0 }]],
	});
	const link = { node: AGENT, type: NodeConnectionTypes.AiTool, index: 0 };
	const agent = agentType(asTool, node.name);
	const build = () =>
		workflowOf(
			[
				[deepCopy(input), source],
				[deepCopy(node), type],
				...(asTool ? [[nodeOf(agent), agent] as [INode, INodeType]] : []),
			],
			asTool
				? { [INPUT]: main(AGENT), [node.name]: { [NodeConnectionTypes.AiTool]: [[link]] } }
				: { [INPUT]: main(node.name) },
			nodeStaticData(node.name, options.staticData),
		);
	return await execute(options, build, node.name);
}

/** Runs a workflow from its first node, or goes on with `resumed`. */
async function execute(
	options: RunOptions,
	build: () => Workflow,
	name: string,
	resumed?: IRunExecutionData,
): Promise<RunResult> {
	const mode = options.mode ?? (options.streaming ? 'webhook' : 'trigger');
	const workflow = build();
	const additionalData = additionalDataOf(options.credentials, mode);
	const { hooks } = additionalData;
	const chunks: StructuredChunk[] = [];
	additionalData.streamingEnabled = options.streaming;
	if (options.streaming) hooks.addHandler('sendChunk', (chunk) => void chunks.push(chunk));

	const engine = new WorkflowExecute(additionalData, mode, resumed);
	let started = performance.now();
	let cancel = () => undefined as void;
	let timer: NodeJS.Timeout | undefined;
	hooks.addHandler('nodeExecuteBefore', (begun) => {
		if (begun !== name) return;
		started = performance.now();
		if (options.cancelAfterMs !== undefined) timer = setTimeout(cancel, options.cancelAfterMs);
	});
	const running = resumed
		? engine.processRunExecutionData(workflow)
		: engine.run({ workflow, startNode: workflow.getNode(INPUT) ?? undefined });
	cancel = () => running.cancel();
	options.cancelOn?.addEventListener('abort', cancel);
	if (options.cancelOn?.aborted) cancel();
	let run: IRun;
	try {
		run = await running;
	} finally {
		clearTimeout(timer);
		options.cancelOn?.removeEventListener('abort', cancel);
	}

	const { runData, error } = run.data.resultData;
	const tasks = runData[name] ?? [];
	const task = tasks.at(-1);
	const output = options.asTool ? runData[AGENT]?.at(-1) : task;
	const result: RunResult = {
		items: output?.data?.main?.[0] ?? [],
		error: (task?.error ?? error) as RunError | undefined,
		chunks,
		durationMs: performance.now() - started,
		// A node that ends a cancelled run by an error does not change what n8n has stored by then.
		status: running.isCanceled ? 'canceled' : run.status,
		hints: tasks.flatMap(({ hints }) => hints ?? []),
		staticData: workflow.getStaticData('node', workflow.getNode(name) ?? undefined),
		waitTill: run.waitTill ?? undefined,
		binary: async (item, property) => {
			const binary = item.binary?.[property];
			if (!binary) throw new UnexpectedError(`The item has no binary "${property}"`);
			return await Container.get(BinaryDataService).getAsBuffer(binary);
		},
		resume: async (request) => {
			if (result.status !== 'waiting')
				throw new UnexpectedError(`The execution is ${result.status}`);
			const data = deepCopy(run.data);
			if (!request) return await execute(options, build, name, data);
			const waiting = data.executionData?.nodeExecutionStack[0];
			const again = build();
			const node = again.getNode(name);
			if (!waiting || !node) throw new UnexpectedError('No node is waiting');
			const response = await callWebhook(options, again, node, request, data);
			if (!response.workflowData) return { ...result, response };
			data.waitTill = undefined;
			waiting.node.disabled = true;
			waiting.data.main = response.workflowData;
			data.resultData.runData[name]?.pop();
			return { ...(await execute(options, build, name, data)), response };
		},
	};
	return result;
}

/** The part of an express response that nodes use; keeps what was sent. */
export class RecordedResponse {
	statusCode = 200;
	headersSent = false;
	readonly headers: Record<string, string> = {};
	body: unknown;

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

async function callWebhook(
	{ credentials, mode = 'webhook' }: NodeOptions,
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
		response.send(answer.webhookResponse ?? { message });
	}
	const { statusCode, headers, body } = response;
	const staticData = workflow.getStaticData('node', node);
	return { statusCode, headers, body, workflowData, staticData };
}

function alone({ nodeType, parameters, credentials, staticData }: NodeOptions) {
	const node = nodeOf(nodeType, parameters, credentials);
	const workflow = workflowOf([[node, nodeType]], {}, nodeStaticData(node.name, staticData));
	return { node, workflow };
}

/** Calls the webhook of a trigger node; throws what the node throws (n8n answers 500 to that). */
export async function runWebhook(
	options: NodeOptions & { request?: WebhookRequest },
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
	return { done, staticData: workflow.getStaticData('node', node) };
}

/** Runs a method that fills a list or a form in the editor; `parameters` are what is filled in. */
export async function callMethod<Result>(
	options: NodeOptions,
	kind: 'loadOptions' | 'listSearch' | 'resourceMapping',
	name: string,
): Promise<Result> {
	const { node, workflow } = alone(options);
	const additionalData = additionalDataOf(options.credentials, 'internal');
	additionalData.currentNodeParameters = node.parameters;
	const method = options.nodeType.methods?.[kind]?.[name] as
		| ((this: ILoadOptionsFunctions) => Promise<Result>)
		| undefined;
	if (!method) throw new UnexpectedError(`${node.name} has no ${kind} method "${name}"`);
	return await method.call(new LoadOptionsContext(workflow, node, additionalData, ''));
}

const valueAt = (data: unknown, path: string) =>
	path
		.split('.')
		.reduce<unknown>((value, key) => (value as Record<string, unknown> | null)?.[key], data);

/** Tests a credential by its type's `test` request and rules, with n8n's judgement of the answer. */
export async function testCredential(
	type: ICredentialType,
	data: ICredentialDataDecryptedObject,
): Promise<INodeCredentialTestResult> {
	const { test } = type;
	if (!test) throw new UnexpectedError(`${type.name} has no test`);
	const credentials = { [type.name]: { type, data } };
	const probe: INodeType = {
		description: {
			...inlineType('Probe', [NodeConnectionTypes.Main], undefined).description,
			credentials: [{ name: type.name, required: true }],
			properties: [
				{
					displayName: 'Probe',
					name: 'probe',
					type: 'string',
					default: '',
					routing: { request: test.request },
				},
			],
		},
	};
	const { node, workflow } = alone({ nodeType: probe, credentials });
	const additionalData = additionalDataOf(credentials, 'internal');
	const context = new ExecuteContext(
		workflow,
		node,
		additionalData,
		'internal',
		createEmptyRunExecutionData(),
		0,
		[],
		{ main: [[{ json: {} }]] },
		{ node, data: {}, source: null },
		[],
	);
	const stored = { id: type.name, name: type.name };
	const decrypted = await additionalData.credentialsHelper.getDecrypted(
		additionalData,
		stored,
		type.name,
		'internal',
	);
	const routing = new RoutingNode(context, probe, { ...stored, type: type.name, data: decrypted });
	const failed = (message: string): INodeCredentialTestResult => ({ status: 'Error', message });
	let answer: INodeExecutionData | undefined;
	try {
		answer = (await routing.runNode())?.[0]?.[0];
	} catch (thrown) {
		const { message, cause } = thrown as Error & {
			cause?: { code?: string; response?: { status: number; statusText: string } };
		};
		if (!cause?.response) return failed(cause?.code ?? message);
		const { status, statusText } = cause.response;
		for (const rule of test.rules ?? [])
			if (rule.type === 'responseCode' && rule.properties.value === status)
				return failed(rule.properties.message);
		return failed(statusText || `Received HTTP status code: ${status}`);
	}
	for (const rule of test.rules ?? [])
		if (rule.type === 'responseSuccessBody') {
			const { key, message } = rule.properties;
			if (valueAt(answer?.json, key) === rule.properties.value) return failed(message);
		}
	return { status: 'OK', message: 'Connection successful!' };
}
