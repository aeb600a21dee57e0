import type {
	IAuthenticate,
	ICredentialDataDecryptedObject,
	Icon,
	ICredentialTestRequest,
	ICredentialType,
	INodeProperties,
} from 'n8n-workflow';

import { checkBaseUrl } from '../nodes/shared/http/baseUrl';

function text(value: unknown): string {
	return typeof value === 'string' ? value.trim() : '';
}

export class CloudflareWorkersAiApi implements ICredentialType {
	name = 'cloudflareWorkersAiApi';

	displayName = 'Cloudflare Workers AI API';

	icon: Icon = {
		light: 'file:../icons/cloudflareWorkersAi.svg',
		dark: 'file:../icons/cloudflareWorkersAi.dark.svg',
	};

	documentationUrl = 'https://developers.cloudflare.com/workers-ai/get-started/rest-api/';

	properties: INodeProperties[] = [
		{
			displayName: 'Account ID',
			name: 'accountId',
			type: 'string',
			required: true,
			default: '',
			placeholder: 'e.g. 0a1b2c3d4e5f60718293a4b5c6d7e8f9',
			description: 'Shown in the Cloudflare dashboard, on the page of Workers AI',
		},
		{
			displayName: 'API Token',
			name: 'apiToken',
			type: 'string',
			typeOptions: { password: true },
			required: true,
			default: '',
			description: 'A token with the permission Workers AI - Read for this account',
		},
		{
			displayName: 'Gateway ID',
			name: 'gatewayId',
			type: 'string',
			default: '',
			placeholder: 'e.g. my-gateway',
			description: 'The AI gateway to send requests through, if any',
		},
		{
			displayName: 'Base URL',
			name: 'baseUrl',
			type: 'string',
			default: 'https://api.cloudflare.com/client/v4',
			description:
				'Change it only to reach Cloudflare by another address, such as a proxy of yours',
		},
	];

	/**
	 * A function, since a generic one would send the gateway's header without a value too; a property, since
	 * n8n's list of credential types, which tells the HTTP Request node, does not see methods.
	 */
	authenticate: IAuthenticate = async (credentials, request) => {
		checkBaseUrl(credentials);
		return await Promise.resolve({
			...request,
			headers: { ...request.headers, ...authorizationHeaders(credentials) },
		});
	};

	/** Proves the token, the account and the permission for Workers AI together. */
	test: ICredentialTestRequest = {
		request: {
			baseURL: '={{$credentials.baseUrl.trim().replace(/\\/+$/, "")}}',
			url: '=/accounts/{{encodeURIComponent($credentials.accountId.trim())}}/ai/models/search',
			qs: { search: 'flux', per_page: 1 },
			disableFollowRedirect: true,
		},
		// n8n applies rules of both kinds; its type knows lists of one kind only.
		rules: [
			{
				type: 'responseCode',
				properties: { value: 400, message: "Cloudflare refused the token: check 'API Token'" },
			},
			{
				type: 'responseCode',
				properties: { value: 401, message: "Cloudflare refused the token: check 'API Token'" },
			},
			{
				type: 'responseCode',
				properties: {
					value: 403,
					message:
						"This token may not use Workers AI of this account: check its permission Workers AI - Read, and 'Account ID'",
				},
			},
			{
				type: 'responseCode',
				properties: {
					value: 404,
					message: "Cloudflare does not know this account: check 'Account ID' and 'Base URL'",
				},
			},
			{
				type: 'responseSuccessBody',
				properties: {
					key: 'success',
					value: undefined,
					message: "This address is not the Cloudflare API: check 'Base URL'",
				},
			},
			{
				type: 'responseSuccessBody',
				properties: {
					key: 'success',
					value: false,
					message:
						"Cloudflare refuses the token or the account: check 'API Token' and 'Account ID'",
				},
			},
		] as ICredentialTestRequest['rules'],
	};
}

/** The headers that every request to Cloudflare carries, by HTTP or WebSocket. */
export function authorizationHeaders(
	credentials: ICredentialDataDecryptedObject,
): Record<string, string> {
	const gatewayId = text(credentials.gatewayId);
	return {
		Authorization: `Bearer ${text(credentials.apiToken)}`,
		...(gatewayId !== '' && { 'cf-aig-gateway-id': gatewayId }),
	};
}
