import type { ICredentialDataDecryptedObject } from 'n8n-workflow';

/**
 * Refuses a credential whose 'Base URL' is no web address, for which n8n's test of the credential would
 * otherwise show a code such as ERR_INVALID_URL.
 * @throws Error that names the field
 */
export function checkBaseUrl({ baseUrl }: ICredentialDataDecryptedObject): void {
	if (baseUrl === undefined || /^https?:\/\/[^/]/i.test(String(baseUrl).trim())) return;
	throw new Error("'Base URL' is not a web address: it must begin with https://");
}
