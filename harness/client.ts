import { setTimeout as sleep } from 'node:timers/promises';
import { parse as parseFlatted } from 'flatted';
import type {
	ICredentialTypeData,
	IDataObject,
	INodeExecutionData,
	INodeTypeDescription,
	IRunExecutionData,
} from 'n8n-workflow';

type CredentialTypeDescription = ICredentialTypeData[string]['type'];

/** A workflow as it lies in examples/ or is exported by the editor. */
export interface WorkflowJson {
	name: string;
	nodes: Array<{
		id: string;
		name: string;
		type: string;
		typeVersion: number;
		position: [number, number];
		parameters: IDataObject;
		credentials?: Record<string, { id: string; name: string }>;
		[key: string]: unknown;
	}>;
	connections: IDataObject;
	settings?: IDataObject;
	[key: string]: unknown;
}

export interface StoredWorkflow extends WorkflowJson {
	id: string;
	versionId: string;
	active: boolean;
}

export type ExecutionStatus =
	| 'new'
	| 'running'
	| 'waiting'
	| 'success'
	| 'error'
	| 'canceled'
	| 'crashed'
	| 'unknown';

export interface Execution {
	id: string;
	workflowId: string;
	status: ExecutionStatus;
	mode: string;
	startedAt: string;
	stoppedAt: string | null;
	waitTill: string | null;
}

export interface FullExecution extends Execution {
	data: IRunExecutionData;
	/** `data` as n8n stores and sends it: the place to look for what must not be in there. */
	storedText: string;
}

export interface CredentialTestResult {
	status: 'OK' | 'Error';
	message: string;
}

export interface Owner {
	email: string;
	password: string;
	firstName: string;
	lastName: string;
}

export const FINAL_STATUSES: readonly ExecutionStatus[] = [
	'success',
	'error',
	'canceled',
	'crashed',
];

/** The workflow with other values for some parameters of the named nodes. */
export const withParameters = (
	workflow: WorkflowJson,
	changes: Record<string, IDataObject>,
): WorkflowJson => {
	for (const name of Object.keys(changes)) {
		if (!workflow.nodes.some((node) => node.name === name)) {
			throw new Error(`'${workflow.name}' has no node '${name}'`);
		}
	}
	return {
		...workflow,
		nodes: workflow.nodes.map((node) => ({
			...node,
			parameters: { ...node.parameters, ...changes[node.name] },
		})),
	};
};

/** What went wrong in a call of n8n's REST interface. */
export class N8nRestError extends Error {
	readonly status: number;
	readonly body: string;

	constructor(call: string, status: number, body: string) {
		super(`${call} answered ${status}: ${body.slice(0, 500)}`);
		this.status = status;
		this.body = body;
	}
}

/**
 * Whether the data are those of the status. n8n 1.x stores them a moment after it: until then there are
 * none, or those of an execution that waits and has nodes left to run.
 */
const isWhole = ({ status, data }: FullExecution): boolean =>
	data !== undefined &&
	(status !== 'success' || (data.executionData?.nodeExecutionStack ?? []).length === 0);

interface CallOptions {
	body?: unknown;
	headers?: Record<string, string>;
}

/** The same interface the editor uses, with the owner's session cookie. */
export class N8nClient {
	readonly url: string;
	#cookie: string | undefined;

	/** @param url n8n's own address, without a slash at the end */
	constructor(url: string) {
		this.url = url;
	}

	/** Session cookie as `name=value`, for a browser that shall be logged in. */
	get cookie(): string {
		if (this.#cookie === undefined) throw new Error('Not logged in');
		return this.#cookie;
	}

	async setUpOwner(owner: Owner): Promise<void> {
		await this.call('POST', '/rest/owner/setup', { body: owner });
	}

	async login({ email, password }: Pick<Owner, 'email' | 'password'>): Promise<void> {
		await this.call('POST', '/rest/login', { body: { emailOrLdapLoginId: email, password } });
	}

	async nodeTypes(): Promise<INodeTypeDescription[]> {
		return await this.#json('GET', '/types/nodes.json');
	}

	async credentialTypes(): Promise<CredentialTypeDescription[]> {
		return await this.#json('GET', '/types/credentials.json');
	}

	/** Stores a credential and gives what a node's `credentials` refer to. */
	async createCredential(
		type: string,
		data: IDataObject,
		name = type,
	): Promise<{ id: string; name: string }> {
		const { id } = await this.#data<{ id: string }>('POST', '/rest/credentials', {
			body: { name, type, data },
		});
		return { id, name };
	}

	/** What the editor's credential window does on saving: stores the credential, then runs its test. */
	async testCredential(type: string, data: IDataObject): Promise<CredentialTestResult> {
		const stored = await this.createCredential(type, data);
		try {
			return await this.#data('POST', '/rest/credentials/test', {
				body: { credentials: { ...stored, type, data } },
			});
		} finally {
			await this.call('DELETE', `/rest/credentials/${stored.id}`);
		}
	}

	/**
	 * Stores a workflow. `credentials` (by credential type) are filled in wherever a node names that type,
	 * as somebody who imports an example does by hand.
	 */
	async createWorkflow(
		workflow: WorkflowJson,
		credentials: Record<string, { id: string; name: string }> = {},
	): Promise<StoredWorkflow> {
		const nodes = workflow.nodes.map((node) => ({
			...node,
			...(node.credentials && {
				credentials: Object.fromEntries(
					Object.entries(node.credentials).map(([type, given]) => [
						type,
						credentials[type] ?? given,
					]),
				),
			}),
		}));
		const { name, connections, settings = {} } = workflow;
		return await this.#data('POST', '/rest/workflows', {
			// n8n 1.x stores no workflow without it.
			body: { name, nodes, connections, settings, active: false },
		});
	}

	/** Publishes the stored version, so that its triggers listen. */
	async activate({ id, versionId }: Pick<StoredWorkflow, 'id' | 'versionId'>): Promise<void> {
		await this.#setActive(id, true, { versionId });
	}

	async deactivate(id: string): Promise<void> {
		await this.#setActive(id, false, {});
	}

	async #setActive(id: string, active: boolean, body: IDataObject): Promise<void> {
		try {
			await this.call('POST', `/rest/workflows/${id}/${active ? 'activate' : 'deactivate'}`, {
				body,
			});
		} catch (error) {
			if (!(error instanceof N8nRestError) || error.status !== 404) throw error;
			// n8n before 1.123 has no such call: being active is a field of the workflow there.
			await this.call('PATCH', `/rest/workflows/${id}`, { body: { active } });
		}
	}

	/** Runs a stored workflow by hand from its trigger node; gives the execution's id at once. */
	async run(workflowId: string, triggerNode: string): Promise<string> {
		// n8n before 2.28 runs the workflow that it is sent, later ones the one they have stored.
		const workflowData = await this.#data<StoredWorkflow>('GET', `/rest/workflows/${workflowId}`);
		const { executionId } = await this.#data<{ executionId: string }>(
			'POST',
			`/rest/workflows/${workflowId}/run`,
			{ body: { workflowData, triggerToStartFrom: { name: triggerNode } } },
		);
		return executionId;
	}

	/** Executions of a workflow, newest first, at most `limit`. */
	async executions(workflowId: string, limit = 100): Promise<Execution[]> {
		const filter = encodeURIComponent(JSON.stringify({ workflowId }));
		const { results } = await this.#data<{ results: Execution[] }>(
			'GET',
			`/rest/executions?filter=${filter}&limit=${limit}`,
		);
		return results;
	}

	/** One execution with its data. */
	async execution(id: string): Promise<FullExecution> {
		const stored = await this.#data<Execution & { data: string }>('GET', `/rest/executions/${id}`);
		return {
			...stored,
			data: parseFlatted(stored.data) as IRunExecutionData,
			storedText: stored.data,
		};
	}

	/** Waits until the execution has one of the statuses; throws after `timeoutMs`. */
	async waitForExecution(
		id: string,
		{
			statuses = FINAL_STATUSES,
			timeoutMs = 60_000,
			pollMs = 100,
		}: { statuses?: readonly ExecutionStatus[]; timeoutMs?: number; pollMs?: number } = {},
	): Promise<FullExecution> {
		const deadline = Date.now() + timeoutMs;
		for (;;) {
			const execution = await this.execution(id);
			if (statuses.includes(execution.status) && isWhole(execution)) return execution;
			if (Date.now() > deadline) {
				throw new Error(
					`Execution ${id} is still '${execution.status}' after ${timeoutMs} ms; awaited: ${statuses.join(', ')}`,
				);
			}
			await sleep(pollMs);
		}
	}

	/** Stores the workflow, runs it by hand and waits for its end. */
	async runToEnd(
		workflow: WorkflowJson,
		credentials: Record<string, { id: string; name: string }> = {},
		{ timeoutMs }: { timeoutMs?: number } = {},
	): Promise<FullExecution> {
		const trigger = workflow.nodes.find((node) => /trigger$/i.test(node.type));
		if (trigger === undefined) throw new Error(`'${workflow.name}' has no trigger node`);
		const { id } = await this.createWorkflow(workflow, credentials);
		return await this.waitForExecution(await this.run(id, trigger.name), { timeoutMs });
	}

	async stopExecution(id: string): Promise<void> {
		await this.call('POST', `/rest/executions/${id}/stop`, { body: {} });
	}

	/** The bytes of binary data that n8n keeps outside the execution (`id` of the binary field). */
	async binary(id: string): Promise<Buffer> {
		const query = new URLSearchParams({ id, action: 'download' });
		const response = await this.call('GET', `/rest/binary-data?${query.toString()}`);
		return Buffer.from(await response.arrayBuffer());
	}

	/** One call with the session's cookie; throws N8nRestError unless the answer is 2xx. */
	async call(
		method: string,
		pathAndQuery: string,
		{ body, headers = {} }: CallOptions = {},
	): Promise<Response> {
		const response = await fetch(this.url + pathAndQuery, {
			method,
			headers: {
				...(this.#cookie !== undefined && { cookie: this.#cookie }),
				...(body !== undefined && { 'content-type': 'application/json' }),
				...headers,
			},
			...(body !== undefined && { body: JSON.stringify(body) }),
		});
		const cookie = response.headers
			.getSetCookie()
			.find((one) => one.startsWith('n8n-auth='))
			?.split(';')[0];
		if (cookie !== undefined) this.#cookie = cookie;
		if (!response.ok) {
			throw new N8nRestError(`${method} ${pathAndQuery}`, response.status, await response.text());
		}
		return response;
	}

	async #json<T>(method: string, pathAndQuery: string, options?: CallOptions): Promise<T> {
		const response = await this.call(method, pathAndQuery, options);
		return (await response.json()) as T;
	}

	async #data<T>(method: string, pathAndQuery: string, options?: CallOptions): Promise<T> {
		return (await this.#json<{ data: T }>(method, pathAndQuery, options)).data;
	}
}

/** Items that a node put out at its first output, in its last run; throws where it did not run or failed. */
export const itemsOf = (execution: FullExecution, node: string): INodeExecutionData[] => {
	const { runData, error } = execution.data.resultData;
	const run = runData[node]?.at(-1);
	if (run === undefined) {
		throw new Error(
			`'${node}' did not run: the execution ended with '${execution.status}' ${error?.message ?? ''}`,
		);
	}
	if (run.error) throw new Error(`'${node}' failed: ${run.error.message}`);
	return run.data?.main?.[0] ?? [];
};

/** The JSON of `itemsOf`. */
export const jsonOf = (execution: FullExecution, node: string): IDataObject[] =>
	itemsOf(execution, node).map((item) => item.json);
