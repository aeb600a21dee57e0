import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type {
	ICredentialType,
	INodeParameters,
	INodeProperties,
	INodePropertyCollection,
	INodePropertyOptions,
	INodeType,
	NodeParameterValueType,
} from 'n8n-workflow';

import { CloudflareWorkersAiApi } from '../../credentials/CloudflareWorkersAiApi.credentials.ts';
import { CloudswayApi } from '../../credentials/CloudswayApi.credentials.ts';
import { ConnecteApi } from '../../credentials/ConnecteApi.credentials.ts';
import { CloudflareWorkersAi } from '../../nodes/CloudflareWorkersAi/CloudflareWorkersAi.node.ts';
import { Cloudsway } from '../../nodes/Cloudsway/Cloudsway.node.ts';
import { Connecte } from '../../nodes/Connecte/Connecte.node.ts';
import { startSandbox, type Sandbox } from '../../sandbox/server.ts';
import { runNode, type RunResult } from './engine.ts';

/**
 * A call costs money, so every parameter is read before it. Each test breaks the expression of one
 * parameter; the list of them comes from the descriptions of the nodes, so that none can be forgotten.
 */

/** n8n throws on a node that is not there; other mistakes in expressions it takes for no value. */
const BROKEN = "={{ $('Nowhere').item.json.value }}";

/** Only read where 'Input Type' is URL; n8n wants it filled in where an expression decides that. */
const AUDIO_URL = 'http://127.0.0.1:9/audio.wav';

/** Fits no field but those that take JSON; whatever was sent for it would be made up. */
const OBJECT = '={{ ({ wrong: 1 }) }}';

/** A parameter, by what has to be set to break it and by what has to be set for it to be shown. */
interface Parameter {
	name: string;
	displayName: string;
	takesObjects: boolean;
	broken: INodeParameters;
	shown: INodeParameters;
}

interface OperationCase {
	operation: string;
	nodeType: INodeType;
	/** A call that succeeds in sending its request. */
	parameters: INodeParameters;
}

const ACTIONS: Array<Omit<OperationCase, 'operation'> & { operations: Record<string, object> }> = [
	{
		nodeType: new CloudflareWorkersAi(),
		parameters: {},
		operations: {
			runFlux: {},
			transcribeFlux: { audioUrl: AUDIO_URL, options: { speed: 4 } },
			transcribeNova3: { audioUrl: AUDIO_URL },
		},
	},
	{
		nodeType: new Cloudsway(),
		parameters: { endpointPath: 'an-endpoint', model: 'other' },
		operations: { transcribe: { audioUrl: AUDIO_URL } },
	},
	{
		nodeType: new Connecte(),
		parameters: {},
		operations: {
			create: {
				model: 'sandbox/echo',
				inputMode: 'json',
				inputJson: '{}',
				waitForCompletion: 'no',
			},
			get: { predictionId: 'd5a46834-c430-4342-9779-4ea5e76d057d' },
			cancel: { predictionId: 'd5a46834-c430-4342-9779-4ea5e76d057d' },
			wait: { predictionId: 'd5a46834-c430-4342-9779-4ea5e76d057d' },
		},
	},
];

const CASES: OperationCase[] = ACTIONS.flatMap(({ nodeType, parameters, operations }) =>
	Object.entries(operations).map(([operation, more]) => ({
		operation,
		nodeType,
		parameters: { ...parameters, ...more },
	})),
);

type Shown = INodeProperties['displayOptions'];

function isOfOperation({ displayOptions }: INodeProperties, operation: string): boolean {
	const operations = displayOptions?.show?.operation;
	return operations === undefined || operations.includes(operation);
}

/** Values under which something is shown: the first that each of its conditions allows. */
function shownBy(displayOptions: Shown, properties: INodeProperties[]): INodeParameters {
	let values: INodeParameters = {};
	for (const [path, allowed = []] of Object.entries(displayOptions?.show ?? {})) {
		const name = path.replace('/', '');
		if (name === 'resource' || name === 'operation' || name.startsWith('@')) continue;
		const property = properties.find((candidate) => candidate.name === name);
		const value = allowed[0] as NodeParameterValueType;
		if (property) {
			values = merged(values, shownBy(property.displayOptions, properties), { [name]: value });
		} else {
			values = merged(values, { options: { [name]: value } });
		}
	}
	return values;
}

/** The objects as one, those within them too. */
function merged(...parts: INodeParameters[]): INodeParameters {
	const whole: INodeParameters = {};
	for (const part of parts) {
		for (const [name, value] of Object.entries(part)) {
			const before = whole[name];
			whole[name] =
				isGroup(before) && isGroup(value) ? merged(before, value) : structuredClone(value);
		}
	}
	return whole;
}

function isGroup(value: unknown): value is INodeParameters {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Every parameter of an operation that can hold an expression, those of collections too. */
function parametersOf({ operation, nodeType }: OperationCase): Parameter[] {
	const properties = nodeType.description.properties.filter((property) =>
		isOfOperation(property, operation),
	);
	return properties.flatMap((property) =>
		breakable(property, properties).map((parameter) => ({
			...parameter,
			shown: merged(shownBy(property.displayOptions, properties), parameter.shown),
		})),
	);
}

function breakable(property: INodeProperties, properties: INodeProperties[]): Parameter[] {
	const { name, displayName, type, noDataExpression, options = [] } = property;
	if (type === 'notice') return [];
	if (type === 'collection') {
		return (options as INodeProperties[]).flatMap((option) =>
			breakable(option, properties).map((parameter) => ({
				...parameter,
				name: `${name}.${parameter.name}`,
				broken: { [name]: parameter.broken },
				shown: merged(shownBy(option.displayOptions, properties), parameter.shown),
			})),
		);
	}
	if (type === 'fixedCollection') {
		return (options as INodePropertyCollection[]).flatMap((group) =>
			group.values.flatMap((field) =>
				breakable(field, properties).map((parameter) => ({
					...parameter,
					name: `${name}.${group.name}.${parameter.name}`,
					broken: { [name]: { [group.name]: [parameter.broken] } },
				})),
			),
		);
	}
	if (type === 'resourceMapper') {
		// The mapper itself takes no expression, but each of its values does.
		const value = { mappingMode: 'defineBelow', value: { text: BROKEN }, schema: [] };
		const broken = { [name]: value as never };
		return [{ name, displayName, takesObjects: true, broken, shown: {} }];
	}
	if (noDataExpression) return [];
	const isList = type === 'multiOptions' || property.typeOptions?.multipleValues === true;
	const broken = { [name]: isList ? [BROKEN] : BROKEN };
	return [{ name, displayName, takesObjects: type === 'json', broken, shown: {} }];
}

function withObjects(broken: INodeParameters): INodeParameters {
	const text = JSON.stringify(broken).replaceAll(JSON.stringify(BROKEN), JSON.stringify(OBJECT));
	return JSON.parse(text) as INodeParameters;
}

let sandbox: Sandbox;
let wav: Buffer;

beforeAll(async () => {
	sandbox = await startSandbox();
	wav = await readFile(join('sandbox', 'samples', 'phrase-16000-16bit.wav'));
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.clear());

const CREDENTIALS: Record<string, { type: ICredentialType; data: () => object }> = {
	cloudflareWorkersAiApi: {
		type: new CloudflareWorkersAiApi(),
		data: () => ({
			accountId: sandbox.cloudflare.accountId,
			apiToken: sandbox.cloudflare.apiToken,
			gatewayId: '',
			baseUrl: sandbox.cloudflare.baseUrl,
		}),
	},
	cloudswayApi: {
		type: new CloudswayApi(),
		data: () => ({
			accessKey: sandbox.cloudsway.accessKey,
			baseUrl: sandbox.cloudsway.baseUrl,
		}),
	},
	connecteApi: { type: new ConnecteApi(), data: () => sandbox.connecte.credential },
};

async function run(
	{ operation, nodeType }: OperationCase,
	parameters: INodeParameters,
): Promise<RunResult> {
	const [{ name } = { name: '' }] = nodeType.description.credentials ?? [];
	const { type, data } = CREDENTIALS[name] ?? {};
	if (!type || !data) throw new Error(`No credential ${name}`);
	return await runNode({
		nodeType,
		credentials: { [name]: { type, data: data() as never } },
		parameters: { operation, ...parameters },
		items: [{ binary: { data: { data: wav, fileName: 'phrase.wav' } } }],
	});
}

it('every operation of every node is here', () => {
	const offered = [...new Set(CASES.map(({ nodeType }) => nodeType))].flatMap(
		({ description: { properties } }) => {
			const { options = [] } = properties.find(({ name }) => name === 'operation') ?? {};
			return (options as INodePropertyOptions[]).map(({ value }) => value);
		},
	);
	expect(CASES.map(({ operation }) => operation).sort()).toEqual([...offered].sort());
});

describe.each(CASES)('$nodeType.description.name, $operation', (operationCase) => {
	const parameters = parametersOf(operationCase);

	it('sends a request where nothing is broken, so that its absence means something', async () => {
		await run(operationCase, operationCase.parameters);
		expect(sandbox.requests.length + sandbox.cloudflare.sessions.length).toBeGreaterThan(0);
	});

	it.each(parameters.map((parameter): [string, Parameter] => [parameter.name, parameter]))(
		'sends nothing where the expression of %s is broken',
		async (_, { broken, shown }) => {
			const { error } = await run(operationCase, merged(operationCase.parameters, shown, broken));
			expect(error?.message).toMatch(/Nowhere|node doesn't exist/);
			expect(sandbox.requests).toEqual([]);
			expect(sandbox.cloudflare.sessions).toEqual([]);
		},
	);

	it.each(
		parameters
			.filter(({ takesObjects }) => !takesObjects)
			.map((parameter): [string, Parameter] => [parameter.name, parameter]),
	)('names %s and sends nothing where its expression gives an object', async (_, parameter) => {
		const { displayName, broken, shown } = parameter;
		const given = withObjects(broken);
		const { error } = await run(operationCase, merged(operationCase.parameters, shown, given));
		expect(error?.message).toContain(`'${displayName}'`);
		expect(error?.description).toBeTruthy();
		expect(sandbox.requests).toEqual([]);
		expect(sandbox.cloudflare.sessions).toEqual([]);
	});
});
