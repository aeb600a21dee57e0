import type { NodeExecutionHint } from 'n8n-workflow';

import type { Item } from './item';

/** Shows the user a hint about an item in the output pane; nothing where n8n is too old for hints. */
export function showHint(
	{ context, itemIndex }: Item,
	message: string,
	type: NodeExecutionHint['type'],
): void {
	if (typeof context.addExecutionHints !== 'function') return;
	context.addExecutionHints({
		message: `Item ${itemIndex}: ${message}`,
		type,
		location: 'outputPane',
	});
}
