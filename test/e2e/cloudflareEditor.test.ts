import path from 'node:path';
import { startSandbox } from '../../sandbox/server.ts';
import type { Sandbox } from '../../sandbox/server.ts';
import { withParameters } from '../../harness/client.ts';
import { Editor } from '../../harness/editor.ts';
import { packageRoot, readExample } from '../../harness/root.ts';
import { loggedIn } from './shared.ts';

let editor: Editor;
let sandbox: Sandbox;

const OUTPUT = path.join('test', 'e2e', 'output');

/** README's pictures are only replaced on purpose: they differ a little from machine to machine. */
const PICTURES = process.env.UPDATE_PICTURES === '1' ? path.join('docs', 'images') : OUTPUT;

beforeAll(async () => {
	const client = await loggedIn();
	sandbox = await startSandbox();
	const { accountId, apiToken, baseUrl } = sandbox.cloudflare;
	const cloudflareWorkersAiApi = await client.createCredential(
		'cloudflareWorkersAiApi',
		{ accountId, apiToken, gatewayId: '', baseUrl },
		'Cloudflare Workers AI',
	);
	const workflow = await client.createWorkflow(
		withParameters(readExample('cloudflare-flux-call'), {
			'Download recording': { url: `${sandbox.baseUrl}/samples/call-stereo.wav` },
		}),
		{ cloudflareWorkersAiApi },
	);
	editor = await Editor.launch(client);
	await editor.openWorkflow(workflow.id);
});

afterAll(async () => {
	await editor?.close(path.join(packageRoot(), OUTPUT, 'cloudflare-editor-last.png'));
	await sandbox?.close();
});

it('runs the example in the editor and shows both speakers in the panel of the node', async () => {
	await editor.execute();
	const panel = await editor.openNode('Transcribe');
	const output = panel.getByTestId('output-panel');
	await output.getByTestId('radio-button-json').click();
	await output.getByText('channel 2').first().waitFor();
	await output.getByText('four five six seven').first().waitFor();
	await editor.picture(path.join(packageRoot(), PICTURES, 'cloudflare-panel.png'));
});

it('shows the fields of the chosen operation only', async () => {
	const { page } = editor;
	const shown = async (name: string) =>
		(await page.getByTestId(`parameter-input-${name}`).count()) > 0;
	expect([await shown('channels'), await shown('output'), await shown('sampleRate')]).toEqual([
		true,
		true,
		false,
	]);
	await editor.choose('audioFormat', 'Raw');
	await page.getByTestId('parameter-input-sampleRate').waitFor();
	expect(await shown('channels')).toBe(false);
	await editor.choose('operation', 'Transcribe with Nova-3');
	await page.getByTestId('parameter-input-simplify').waitFor();
	expect([await shown('channels'), await shown('output'), await shown('sampleRate')]).toEqual([
		false,
		false,
		false,
	]);
	await editor.choose('operation', 'Run Flux (Takes No Audio)');
	await page.getByTestId('parameter-input-sampleRate').waitFor();
	expect(await shown('inputType')).toBe(false);
});
