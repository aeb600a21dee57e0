import path from 'node:path';
import { startSandbox } from '../../sandbox/server.ts';
import type { Sandbox } from '../../sandbox/server.ts';
import { withParameters } from '../../harness/client.ts';
import { Editor } from '../../harness/editor.ts';
import { packageRoot, readExample } from '../../harness/root.ts';
import { DEMO_SAMPLE, cloudswayAccess, sampleUrl } from '../../harness/sandbox.ts';
import { loggedIn } from './shared.ts';

let editor: Editor;
let sandbox: Sandbox;
let workflowId: string;

const OUTPUT = path.join('test', 'e2e', 'output');

/** README's pictures are only replaced on purpose: they differ a little from machine to machine. */
const PICTURES = process.env.UPDATE_PICTURES === '1' ? path.join('docs', 'images') : OUTPUT;

beforeAll(async () => {
	const client = await loggedIn();
	sandbox = await startSandbox();
	const { credential, endpointPath } = cloudswayAccess(sandbox);
	const cloudswayApi = await client.createCredential('cloudswayApi', credential, 'Cloudsway');
	const workflow = await client.createWorkflow(
		withParameters(readExample('cloudsway-transcribe'), {
			'Download recording': { url: sampleUrl(sandbox) },
			Transcribe: { endpointPath },
		}),
		{ cloudswayApi },
	);
	workflowId = workflow.id;
	editor = await Editor.launch(client);
	await editor.openWorkflow(workflowId);
});

afterAll(async () => {
	await editor?.close(path.join(packageRoot(), OUTPUT, 'editor-last.png'));
	await sandbox?.close();
});

it('runs the example in the editor and shows the transcript in the panel of the node', async () => {
	await editor.execute();
	const panel = await editor.openNode('Transcribe');
	const output = panel.getByTestId('output-panel');
	await output.getByTestId('radio-button-json').click();
	await output.getByText(DEMO_SAMPLE.text).first().waitFor();
	await expect(
		panel.getByTestId('parameter-input-model').locator('input').inputValue(),
	).resolves.toBe('Whisper');
	await editor.picture(path.join(packageRoot(), PICTURES, 'cloudsway-panel.png'));
});

it('shows only what the chosen model can do', async () => {
	const responseFormats = async (): Promise<string[]> => await editor.choices('responseFormat');
	await editor.choose('model', 'Whisper');
	expect(await responseFormats()).toEqual(['JSON', 'SRT', 'Text', 'Verbose JSON', 'WebVTT']);
	await editor.choose('model', 'MaaS 4o Mini Transcribe');
	expect(await responseFormats()).toEqual(['JSON']);
	await editor.choose('model', 'MaaS 4o Transcribe Diarize');
	expect(await responseFormats()).toContain('Diarized JSON');
});

it('asks for a binary field or an address, as the input type says', async () => {
	const { page } = editor;
	await editor.choose('inputType', 'URL');
	await page.getByTestId('parameter-input-audioUrl').waitFor();
	expect(await page.getByTestId('parameter-input-binaryPropertyName').count()).toBe(0);
	await editor.choose('inputType', 'Binary File');
	await page.getByTestId('parameter-input-binaryPropertyName').waitFor();
	expect(await page.getByTestId('parameter-input-audioUrl').count()).toBe(0);
});
