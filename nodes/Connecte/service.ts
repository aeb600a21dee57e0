import type { Service } from '../shared/transport';

/** https://connecte.ai/docs/api-reference/methods */
export const CONNECTE: Service = {
	displayName: 'Connecte',
	credentialType: 'connecteApi',
	secretFields: ['apiToken', 'webhookSecret'],
	advice: (status) => ADVICE[status],
};

const ADVICE: Readonly<Record<number, string | undefined>> = {
	401: "Check 'API Token' in the credential.",
};
