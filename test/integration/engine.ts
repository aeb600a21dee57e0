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
import { BinaryDataService, WorkflowExecute } from 'n8n-core';
import {
	NodeConnectionTypes,
	UnexpectedError,
	deepCopy,
	type EngineRequest,
	type EngineResponse,
	type ExecutionStatus,
	type IDataObject,
	type IExecuteFunctions,
	type INode,
	type INodeExecutionData,
	type INodeType,
	type IRun,
	type IRunExecutionData,
	type NodeExecutionHint,
	type StructuredChunk,
	type Workflow,
} from 'n8n-workflow';

import {
	additionalDataOf,
	binaryStreamsClosed,
	inlineType,
	nodeOf,
	nodeStaticData,
	staticDataOf,
	useBinaryMode,
	workflowOf,
	type BinaryMode,
	type NodeOptions,
} from './host.ts';
import { callWebhook, type WebhookRequest, type WebhookResult } from './webhook.ts';

export { callMethod, testCredential } from './editor.ts';
export {
	runWebhook,
	runWebhookMethod,
	type RecordedResponse,
	type WebhookRequest,
	type WebhookResult,
} from './webhook.ts';

/** One item of the predecessor. A stream is stored as it comes, so large files cost no memory. */
export interface InputItem {
	json?: IDataObject;
	binary?: Record<string, { data: Buffer | Readable; fileName?: string; mimeType?: string }>;
}

export interface RunOptions extends NodeOptions {
	/** Default: one empty item. */
	items?: InputItem[];
	/** Default `filesystem`. Runs of different modes must not overlap. */
	binaryMode?: BinaryMode;
	continueOnFail?: boolean;
	/** Further settings of the node, such as `retryOnFail` and `onError`. */
	settings?: Pick<INode, 'retryOnFail' | 'maxTries' | 'waitBetweenTries' | 'onError'>;
	/** How often the node runs within the execution, as in a loop; each run gets all items. Default 1. */
	runsOfNode?: number;
	/** Lets the node stream (`isStreaming()` is true); see `chunks`. */
	streaming?: boolean;
	/** Takes what is streamed; what it returns is waited for. */
	listener?: (chunk: StructuredChunk) => void | Promise<void>;
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
	/** The node's first output, of its last run. */
	items: INodeExecutionData[];
	/** The first output of every run. */
	runs: INodeExecutionData[][];
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

const INPUT = 'Input';
const AGENT = 'Agent';

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

/** Executes one node on `items`; an error of the node is in the result, not thrown. */
export async function runNode(options: RunOptions): Promise<RunResult> {
	await useBinaryMode(options.binaryMode ?? 'filesystem');
	const { asTool, credentials, items = [{}], parameters, runsOfNode = 1 } = options;
	const type = asTool ? toolOf(options.nodeType) : options.nodeType;
	const node = nodeOf(type, parameters, credentials);
	if (options.continueOnFail) node.onError = 'continueRegularOutput';
	Object.assign(node, options.settings);
	const source = inputType(items);
	const input = nodeOf(source);
	const main = (name: string) => ({
		main: [
			Array.from({ length: runsOfNode }, () => ({
				node: name,
				type: NodeConnectionTypes.Main,
				index: 0,
			})),
		],
	});
	const link = { node: AGENT, type: NodeConnectionTypes.AiTool, index: 0 };
	const agent = agentType(asTool, node.name);
	const build = (staticData?: IDataObject) =>
		workflowOf(
			[
				[deepCopy(input), source],
				[deepCopy(node), type],
				...(asTool ? [[nodeOf(agent), agent] as [INode, INodeType]] : []),
			],
			asTool
				? { [INPUT]: main(AGENT), [node.name]: { [NodeConnectionTypes.AiTool]: [[link]] } }
				: { [INPUT]: main(node.name) },
			nodeStaticData(node.name, staticData),
		);
	return await execute(options, build, node.name);
}

/** Runs a workflow from its first node, or goes on with `resumed`. */
async function execute(
	options: RunOptions,
	build: (staticData?: IDataObject) => Workflow,
	name: string,
	resumed?: IRunExecutionData,
): Promise<RunResult> {
	const mode = options.mode ?? (options.streaming ? 'webhook' : 'trigger');
	const workflow = build(options.staticData);
	const node = workflow.getNode(name);
	if (!node) throw new UnexpectedError(`No node ${name}`);
	const additionalData = additionalDataOf(options.credentials, mode);
	const { hooks } = additionalData;
	const chunks: StructuredChunk[] = [];
	additionalData.streamingEnabled = options.streaming;
	if (options.streaming) {
		hooks.addHandler('sendChunk', async (chunk) => {
			chunks.push(chunk);
			await options.listener?.(chunk);
		});
	}

	const engine = new WorkflowExecute(additionalData, mode, resumed);
	let started = performance.now();
	let cancel = () => undefined as void;
	let timer: NodeJS.Timeout | undefined;
	hooks.addHandler('nodeExecuteBefore', (begun) => {
		if (begun !== name) return;
		started = performance.now();
		if (options.cancelAfterMs !== undefined) timer ??= setTimeout(cancel, options.cancelAfterMs);
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

	await binaryStreamsClosed();
	const { runData, error } = run.data.resultData;
	const tasks = runData[name] ?? [];
	const task = tasks.at(-1);
	const output = options.asTool ? runData[AGENT]?.at(-1) : task;
	const result: RunResult = {
		items: output?.data?.main?.[0] ?? [],
		runs: tasks.map(({ data }) => data?.main?.[0] ?? []),
		error: (task?.error ?? error) as RunError | undefined,
		chunks,
		durationMs: performance.now() - started,
		// A node that ends a cancelled run by an error does not change what n8n has stored by then.
		status: running.isCanceled ? 'canceled' : run.status,
		hints: tasks.flatMap(({ hints }) => hints ?? []),
		staticData: staticDataOf(workflow, node),
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
			const { staticData } = result;
			if (!request) return await execute({ ...options, staticData }, build, name, data);
			const waiting = data.executionData?.nodeExecutionStack[0];
			const again = build(staticData);
			if (!waiting) throw new UnexpectedError('No node is waiting');
			const response = await callWebhook({ ...options, request }, again, waiting.node, data);
			result.staticData = response.staticData;
			if (!response.workflowData) return { ...result, response };
			data.waitTill = undefined;
			waiting.node.disabled = true;
			waiting.data.main = response.workflowData;
			data.resultData.runData[name]?.pop();
			const goneOn = await execute(
				{ ...options, staticData: response.staticData },
				build,
				name,
				data,
			);
			return { ...goneOn, response };
		},
	};
	return result;
}
