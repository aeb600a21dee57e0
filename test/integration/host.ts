/**
 * What n8n's own program puts around n8n-core, as far as a node can see it: the dependency
 * container with a temporary user folder and a real binary store, a credentials helper that applies
 * a credential type's own definitions, and a workflow that holds the node under test.
 *
 * Known difference: expressions are evaluated by n8n's `legacy` engine, since its `vm` engine is
 * loaded by a dynamic import, which jest refuses. The end-to-end tests run with `vm`. For the same
 * reason `prepareBinaryData` must be given a MIME type or a file name with a known ending.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

import { Container } from '@n8n/di';
import {
	BinaryDataConfig,
	BinaryDataService,
	ExecutionLifecycleHooks,
	ExternalSecretsProxy,
	InstanceSettings,
	getAdditionalKeys,
} from 'n8n-core';
import {
	ICredentialsHelper,
	NodeConnectionTypes,
	NodeHelpers,
	UnexpectedError,
	Workflow,
	deepCopy,
	isExpression,
	type IConnections,
	type ICredentialDataDecryptedObject,
	type ICredentialType,
	type ICredentials,
	type ICredentialsExpressionResolveValues,
	type IDataObject,
	type IExecuteData,
	type IHttpRequestOptions,
	type INode,
	type INodeCredentialsDetails,
	type INodeParameters,
	type INodeProperties,
	type INodeType,
	type INodeTypeDescription,
	type INodeTypes,
	type IRequestOptionsSimplified,
	type IWorkflowExecuteAdditionalData,
	type WorkflowExecuteMode,
} from 'n8n-workflow';

/** How n8n keeps binary data: as files with an id, or (`default`) in memory as base64 without one. */
export type BinaryMode = 'filesystem' | 'default';

/**
 * Credentials of a node by type name; `data` holds what a user filled in, defaults are added. The `id` is the
 * type's name where none is given.
 */
export type TestCredentials = Record<
	string,
	{ type: ICredentialType; data: ICredentialDataDecryptedObject; id?: string }
>;

export interface NodeOptions {
	nodeType: INodeType;
	parameters?: INodeParameters;
	credentials?: TestCredentials;
	/** The node's own static data from before; what it becomes is in the result. */
	staticData?: IDataObject;
	/** Default `trigger`, with `streaming` `webhook`. */
	mode?: WorkflowExecuteMode;
	/** For calls of one and the same node; default: a new node every time. */
	nodeId?: string;
}

const PACKAGE = 'n8n-nodes-speech-inference';
const HOST = 'http://127.0.0.1:5678';

const userFolder = mkdtempSync(join(tmpdir(), 'engine-'));
// n8n-core reads these when its services are first asked for, not when it is imported.
process.env.N8N_USER_FOLDER = userFolder;
process.env.N8N_ENCRYPTION_KEY = randomUUID();
process.env.N8N_LOG_LEVEL = 'silent';
afterAll(() => rmSync(userFolder, { recursive: true, force: true }));

/** Where this test file's n8n keeps its data. */
export const dataFolder = () => Container.get(InstanceSettings).n8nFolder;

/**
 * Makes n8n keep new binary data as `mode` says; what is stored already stays readable. It holds for
 * the whole process, so runs of different modes must not overlap.
 */
export async function useBinaryMode(mode: BinaryMode): Promise<void> {
	Container.get(BinaryDataConfig).mode = mode;
	await Container.get(BinaryDataService).init();
}

/** Streams of n8n's binary store that were opened and have not been closed. */
const openStreams = new Set<Readable>();
const service = Container.get(BinaryDataService);
const openStream = service.getAsStream.bind(service);
service.getAsStream = async (...about) => {
	const stream = await openStream(...about);
	openStreams.add(stream.once('close', () => openStreams.delete(stream)));
	return stream;
};

const CLOSED_WITHIN_MS = 10_000;

/**
 * Waits until every file that was opened in n8n's binary store is closed again.
 * @throws Error where one stays open: Node would close it at some time, and end the process for it in
 * a later version
 */
export async function binaryStreamsClosed(): Promise<void> {
	const inTime = AbortSignal.timeout(CLOSED_WITHIN_MS);
	for (const stream of openStreams) {
		await once(stream, 'close', { signal: inTime }).catch(() => {
			openStreams.delete(stream);
			throw new UnexpectedError('A file of the binary store was left open');
		});
	}
}

/** The node types of one workflow. */
class KnownNodeTypes implements INodeTypes {
	private readonly types: Record<string, INodeType>;

	constructor(types: Record<string, INodeType>) {
		this.types = types;
	}

	getByName(name: string): INodeType {
		const type = this.types[name];
		if (!type) throw new UnexpectedError(`Unknown node type "${name}"`);
		return type;
	}

	getByNameAndVersion(name: string, version?: number): INodeType {
		return NodeHelpers.getVersionedNodeType(this.getByName(name), version);
	}

	getKnownTypes(): IDataObject {
		return {};
	}
}

const NOT_STORED = 'Credentials of a test are not stored';

/** Serves credentials from memory, in other respects as n8n's own helper does. */
export class MemoryCredentialsHelper extends ICredentialsHelper {
	private readonly known: TestCredentials;

	constructor(known: TestCredentials) {
		super();
		this.known = known;
	}

	private get(name: string) {
		const found = this.known[name];
		if (!found) throw new UnexpectedError(`Unknown credential type "${name}"`);
		return found;
	}

	getParentTypes(name: string): string[] {
		return this.get(name).type.extends ?? [];
	}

	isCredentialUsableByNode(): boolean {
		return true;
	}

	getCredentialsProperties(name: string): INodeProperties[] {
		return this.get(name).type.properties;
	}

	async authenticate(
		credentials: ICredentialDataDecryptedObject,
		typeName: string,
		given: IHttpRequestOptions | IRequestOptionsSimplified,
		workflow?: Workflow,
		node?: INode,
	): Promise<IHttpRequestOptions> {
		const options = given as IHttpRequestOptions & Record<string, unknown>;
		const { authenticate } = this.get(typeName).type;
		if (authenticate === undefined) return options;
		if (typeof authenticate === 'function') return await authenticate(credentials, options);
		if (!workflow || !node) throw new UnexpectedError('A generic authentication needs a node');
		const resolve = (text: string) => {
			if (!isExpression(text)) return text;
			const keys = { $credentials: credentials };
			const { expression } = workflow;
			const value = expression.getSimpleParameterValue(node, text, 'internal', keys, undefined, '');
			return value ? (value as string | number | boolean).toString() : '';
		};
		for (const [part, entries] of Object.entries(authenticate.properties)) {
			const resolved = Object.entries(entries as Record<string, string>).map(([key, value]) => [
				resolve(key),
				resolve(value),
			]);
			options[part] = { ...(options[part] as object), ...Object.fromEntries(resolved) };
		}
		return options;
	}

	async preAuthentication(
		_helpers: unknown,
		_credentials: ICredentialDataDecryptedObject,
		typeName: string,
	): Promise<undefined> {
		if (this.get(typeName).type.preAuthentication)
			throw new UnexpectedError('Credentials that fetch a token first are not supported here');
		return await Promise.resolve(undefined);
	}

	async runPreAuthentication(): Promise<undefined> {
		return await Promise.resolve(undefined);
	}

	async getCredentials(): Promise<ICredentials> {
		return await Promise.reject(new UnexpectedError(NOT_STORED));
	}

	async updateCredentials(): Promise<void> {
		await Promise.reject(new UnexpectedError(NOT_STORED));
	}

	async updateCredentialsOauthTokenData(): Promise<void> {
		await Promise.reject(new UnexpectedError(NOT_STORED));
	}

	async getDecrypted(
		additionalData: IWorkflowExecuteAdditionalData,
		_stored: INodeCredentialsDetails,
		typeName: string,
		mode: WorkflowExecuteMode,
		executeData?: IExecuteData,
		raw?: boolean,
		resolve?: ICredentialsExpressionResolveValues,
	): Promise<ICredentialDataDecryptedObject> {
		const { type, data } = this.get(typeName);
		if (raw) return data;
		const filled = NodeHelpers.getNodeParameters(
			type.properties,
			data as INodeParameters,
			true,
			false,
			null,
			null,
		) as ICredentialDataDecryptedObject;
		if (!resolve) return await Promise.resolve(filled);
		return resolve.workflow.expression.getParameterValue(
			filled as INodeParameters,
			resolve.runExecutionData,
			resolve.runIndex,
			resolve.itemIndex,
			resolve.node.name,
			resolve.connectionInputData,
			mode,
			getAdditionalKeys(additionalData, mode, null, { isCredential: true }),
			executeData,
			false,
			filled,
		) as ICredentialDataDecryptedObject;
	}
}

/** The fully qualified name n8n gives a node of this package. */
export const fullName = (nodeType: INodeType) => `${PACKAGE}.${nodeType.description.name}`;

/** A node of `nodeType` as a workflow holds it; values of unknown parameters are a test's mistake. */
export function nodeOf(
	nodeType: INodeType,
	parameters: INodeParameters = {},
	credentials: TestCredentials = {},
): INode {
	const { description } = nodeType;
	const known = new Set(description.properties.map(({ name }) => name));
	const unknown = Object.keys(parameters).filter((name) => !known.has(name));
	if (unknown.length > 0)
		throw new UnexpectedError(`${description.name} has no parameter ${unknown.join(', ')}`);
	return {
		id: randomUUID(),
		name: description.defaults.name ?? description.displayName,
		type: fullName(nodeType),
		typeVersion: description.defaultVersion ?? [description.version].flat().at(-1) ?? 1,
		position: [0, 0],
		parameters: structuredClone(parameters),
		credentials: Object.fromEntries(
			Object.entries(credentials).map(([name, { id = name }]) => [name, { id, name }]),
		),
		webhookId: randomUUID(),
	};
}

/** A workflow whose nodes have the given types; defaults of their parameters are filled in by it. */
export function workflowOf(
	nodes: Array<[node: INode, type: INodeType]>,
	connections: IConnections = {},
	staticData: IDataObject = {},
): Workflow {
	return new Workflow({
		id: 'workflow1',
		name: 'Test',
		nodes: nodes.map(([node]) => node),
		connections,
		active: true,
		nodeTypes: new KnownNodeTypes(
			Object.fromEntries(nodes.map(([node, type]) => [node.type, type])),
		),
		staticData,
		settings: { executionOrder: 'v1' },
	});
}

let executions = 0;

/** What an execution gets from its host: addresses, credentials, life-cycle hooks. */
export function additionalDataOf(
	credentials: TestCredentials = {},
	mode: WorkflowExecuteMode = 'trigger',
): IWorkflowExecuteAdditionalData & { hooks: ExecutionLifecycleHooks } {
	const executionId = String(++executions);
	const absent = async () =>
		await Promise.reject<never>(new UnexpectedError('Not available in this test'));
	return {
		credentialsHelper: new MemoryCredentialsHelper(credentials),
		externalSecretsProxy: Container.get(ExternalSecretsProxy),
		hooks: new ExecutionLifecycleHooks(mode, executionId, {
			id: 'workflow1',
			name: 'Test',
			active: true,
			activeVersionId: null,
			isArchived: false,
			createdAt: new Date(),
			updatedAt: new Date(),
			nodes: [],
			connections: {},
		}),
		executionId,
		currentNodeExecutionIndex: 0,
		restApiUrl: `${HOST}/rest`,
		instanceBaseUrl: `${HOST}/`,
		formBaseUrl: `${HOST}/form`,
		formWaitingBaseUrl: `${HOST}/form-waiting`,
		formTestBaseUrl: `${HOST}/form-test`,
		webhookBaseUrl: `${HOST}/webhook`,
		webhookWaitingBaseUrl: `${HOST}/webhook-waiting`,
		webhookTestBaseUrl: `${HOST}/webhook-test`,
		mcpBaseUrl: `${HOST}/mcp`,
		mcpTestBaseUrl: `${HOST}/mcp-test`,
		variables: {},
		logAiEvent: () => undefined,
		executeWorkflow: absent,
		getRunExecutionData: absent,
		getRuntimeCredential: absent,
		startRunnerTask: absent,
	};
}

/** A node type without parameters, for what stands around the node under test. */
export function inlineType(
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

/** Static data of a workflow in which one node has `data`. */
export const nodeStaticData = (name: string, data: IDataObject = {}) => ({
	[`node:${name}`]: deepCopy(data),
});

/** A plain copy of the node's static data, as n8n would store it. */
export const staticDataOf = (workflow: Workflow, node: INode): IDataObject =>
	deepCopy(workflow.getStaticData('node', node));

/** A workflow of the one node. */
export function alone({ nodeType, parameters, credentials, staticData, nodeId }: NodeOptions) {
	const node = nodeOf(nodeType, parameters, credentials);
	node.id = nodeId ?? node.id;
	const workflow = workflowOf([[node, nodeType]], {}, nodeStaticData(node.name, staticData));
	return { node, workflow };
}
