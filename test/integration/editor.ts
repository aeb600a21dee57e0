/** What n8n's editor asks of a node or a credential type without an execution. */
import { ExecuteContext, LoadOptionsContext, RoutingNode } from 'n8n-core';
import {
	NodeConnectionTypes,
	UnexpectedError,
	createEmptyRunExecutionData,
	type ICredentialDataDecryptedObject,
	type ICredentialType,
	type ILoadOptionsFunctions,
	type INodeCredentialTestResult,
	type INodeExecutionData,
	type INodeType,
} from 'n8n-workflow';

import { additionalDataOf, alone, inlineType, type NodeOptions } from './host.ts';

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
