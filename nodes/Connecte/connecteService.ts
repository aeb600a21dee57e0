import type { Service } from '../shared/http/service';

/** https://connecte.ai/docs/api-reference/methods */
export const CONNECTE: Service = {
	displayName: 'Connecte',
	credentialType: 'connecteApi',
	secretFields: ['apiToken', 'webhookSecret'],
	secretPatterns: [
		// The token of a signed address, and n8n's own for the address of a waiting execution.
		/(?<=connecte_token(?:=|%3D))[\w.~%-]+/gi,
		/(?<=(?:\/|%2F)connecte(?:\?|%3F)signature(?:=|%3D))[\w.~%-]+/gi,
	],
	timeoutAdvice: "Check 'Base URL' in the credential, and whether Connecte is available at all.",
	whereToLook: 'Look at the predictions and the balance of your Connecte account',
	advice: (status) => ADVICE[status],
};

const ADVICE: Readonly<Record<number, string | undefined>> = {
	400: "Check the input: what a model takes is on its page under 'API > Schema'.",
	401: "Check 'API Token' in the credential.",
	402: 'Check the balance of your Connecte account.',
	404: "Check 'Model' or 'Prediction ID', and 'Base URL' in the credential.",
	413: 'The input is too large: give the model the address of a file instead of its content.',
	422: "Check the input: what a model takes is on its page under 'API > Schema'.",
	429: 'Wait, or run fewer items at once.',
};
