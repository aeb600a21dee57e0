import { readFileSync } from 'node:fs';
import path from 'node:path';
import { servicePackages, wholePackage } from '../../../../scripts/packages/manifest.ts';
import { moveWorkflows, movesBetween } from '../../../../scripts/packages/move.ts';
import { exampleNames, packageRoot } from '../../../../harness/root.ts';

const whole = [wholePackage()];
const services = servicePackages();
const toServices = movesBetween(whole, services);
const toWhole = movesBetween(services, whole);

interface Workflow {
	nodes: Array<{ type: string; [key: string]: unknown }>;
}

const example = (name: string): string =>
	readFileSync(path.join(packageRoot(), 'examples', `${name}.json`), 'utf8');

const typesOf = (text: string): string[] =>
	(JSON.parse(text) as Workflow).nodes.map(({ type }) => type);

it.each(exampleNames())('moves %s to the packages of one service, and back as it was', (name) => {
	const text = example(name);
	const moved = moveWorkflows(text, toServices);
	const withoutTypes = (workflow: string): unknown[] =>
		(JSON.parse(workflow) as Workflow).nodes.map((node) => ({ ...node, type: undefined }));
	expect(typesOf(moved).filter((type) => type.startsWith('n8n-nodes-speech-inference.'))).toEqual(
		[],
	);
	expect(typesOf(moved)).not.toEqual(typesOf(text));
	// Parameters, credentials, IDs and so webhook addresses are what they were.
	expect(withoutTypes(moved)).toEqual(withoutTypes(text));
	expect(moveWorkflows(moved, toWhole)).toBe(text);
});

it('moves the tools of AI agents and the trigger, and leaves nodes of others', () => {
	const text = JSON.stringify({
		nodes: [
			{ type: 'n8n-nodes-speech-inference.cloudswayTool' },
			{ type: 'n8n-nodes-speech-inference.connecteTrigger' },
			{ type: 'n8n-nodes-base.httpRequest' },
			{ type: 'n8n-nodes-speech-inference.cloudswayOfSomebodyElse' },
		],
	});
	expect(typesOf(moveWorkflows(text, toServices))).toEqual([
		'n8n-nodes-cloudsway.cloudswayTool',
		'n8n-nodes-connecte.connecteTrigger',
		'n8n-nodes-base.httpRequest',
		'n8n-nodes-speech-inference.cloudswayOfSomebodyElse',
	]);
});

it('leaves what a text says of a type', () => {
	const note = { content: 'A node has "type": "n8n-nodes-speech-inference.cloudsway".' };
	const text = JSON.stringify({ nodes: [{ type: 'n8n-nodes-base.stickyNote', parameters: note }] });
	expect(moveWorkflows(text, toServices)).toBe(text);
});

it('is what the README tells people to replace by hand', () => {
	const readme = readFileSync(path.join(packageRoot(), 'README.md'), 'utf8');
	const rows = [...readme.matchAll(/^\| `(n8n-nodes-speech-inference\.\w+)` \| `([\w.-]+)`/gm)];
	expect(rows).toHaveLength(3);
	for (const name of exampleNames()) {
		const byHand = rows.reduce(
			(text, [, from = '', to = '']) => text.replaceAll(from, to),
			example(name),
		);
		expect(byHand).toBe(moveWorkflows(example(name), toServices));
	}
});
