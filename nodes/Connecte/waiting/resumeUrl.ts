import type { Item } from '../../shared/item';
import { checkWebhookUrl } from '../webhookUrl';

/**
 * The last part of the address by which a waiting execution goes on. With a part of its own, a late
 * callback cannot end the wait of another node that the execution has come to meanwhile.
 */
export const RESUME_PATH = 'connecte';

/** What a user knows the address by, and how to have another one. */
export const RESUME_URL_NAME = "The address of this n8n's webhooks";
export const HOW_TO_BE_REACHED =
	"Connecte calls nothing else. Set n8n's variable WEBHOOK_URL to the https address it is reachable by, or choose 'Poll' for 'Wait for Completion'.";

/** The address by which this execution goes on, with n8n's token for it. */
export function resumeUrlOf(item: Item): string {
	const { $execution } = item.context.getWorkflowDataProxy(item.itemIndex);
	const url = new URL(($execution as { resumeUrl: string }).resumeUrl);
	url.pathname = `${url.pathname.replace(/\/$/, '')}/${RESUME_PATH}`;
	checkWebhookUrl(item, RESUME_URL_NAME, url.href.replace(/\?.*/, ''), HOW_TO_BE_REACHED);
	return url.href;
}
