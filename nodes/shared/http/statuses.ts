import type { NodeApiError } from 'n8n-workflow';

import { escapeHtml } from '../text';

/** Why something failed, as n8n is told it. */
export type Failure = NodeApiError['failure'];

export const TEMPORARY: Failure = { cause: 'temporarily-unavailable' };
/** Of the causes that n8n knows the one of what stays until somebody changes an address or a certificate. */
export const CONFIGURATION: Failure = { cause: 'configuration-invalid' };

export const TOO_MANY_REQUESTS = 429;
export const SERVICE_UNAVAILABLE = 503;

export function isSuccess(status: number): boolean {
	return status >= 200 && status < 300;
}

function isRedirect(status: number): boolean {
	return status >= 300 && status < 400;
}

export function isServerFailure(status: number): boolean {
	return status >= 500;
}

/** What a failing status says where the service itself knows nothing better. */
export interface StatusMeaning {
	/** What the service did, as a part of the message. */
	verdict: string;
	/** How the user can go on. */
	advice: string;
	failure?: Failure;
}

const TRY_LATER = 'Wait, or run fewer items at once.';

const MEANINGS: Readonly<Record<number, StatusMeaning | undefined>> = {
	401: {
		verdict: 'refused the key',
		advice: 'Check the key in the credential.',
		failure: { cause: 'credential-invalid' },
	},
	403: {
		verdict: 'refused access',
		advice: 'Check what the key of the credential is allowed to do.',
		failure: CONFIGURATION,
	},
	404: {
		verdict: 'does not know what was asked for',
		advice: "Check 'Base URL' in the credential and the names in the parameters.",
		failure: CONFIGURATION,
	},
	413: { verdict: 'finds the file too large', advice: 'Send a smaller file.' },
	[TOO_MANY_REQUESTS]: {
		verdict: 'is receiving too many requests',
		advice: TRY_LATER,
		failure: { cause: 'rate-limited' },
	},
};

const QUOTA_USED_UP: StatusMeaning = {
	verdict: 'says that the quota is used up',
	advice: TRY_LATER,
	failure: { cause: 'quota-exhausted' },
};

/**
 * @param isLasting whether the service is known to answer so for long
 * @param location where a redirect leads
 */
export function statusMeaning(
	status: number,
	isLasting: boolean,
	location?: string,
): StatusMeaning {
	if (isRedirect(status)) {
		const target = location ? ` to ${escapeHtml(location)}` : '';
		return {
			verdict: 'answered with a redirect',
			advice: `It points${target}. Set 'Base URL' in the credential to the final address.`,
		};
	}
	if (isServerFailure(status)) {
		return {
			verdict: 'could not process the request',
			advice: 'Try again later.',
			failure: isLasting ? undefined : TEMPORARY,
		};
	}
	if (status === TOO_MANY_REQUESTS && isLasting) return QUOTA_USED_UP;
	return MEANINGS[status] ?? { verdict: 'refused the request', advice: 'Check the parameters.' };
}
