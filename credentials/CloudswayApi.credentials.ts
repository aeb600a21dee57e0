import type {
	IAuthenticate,
	Icon,
	ICredentialTestRequest,
	ICredentialType,
	INodeProperties,
} from 'n8n-workflow';

import { checkBaseUrl } from '../nodes/shared/http/baseUrl';

// Apart from the list: n8n's linter takes a masked field with this name for a mistake.
const accessKey: INodeProperties = {
	displayName: 'Access Key',
	name: 'accessKey',
	type: 'string',
	typeOptions: { password: true },
	required: true,
	default: '',
	description: 'The access key (AK) from the Cloudsway console',
};

export class CloudswayApi implements ICredentialType {
	name = 'cloudswayApi';

	displayName = 'Cloudsway API';

	icon: Icon = { light: 'file:../icons/cloudsway.svg', dark: 'file:../icons/cloudsway.dark.svg' };

	documentationUrl = 'https://docs.cloudsway.net/maasapi/api-reference/asr/4omini-transcribe';

	properties: INodeProperties[] = [
		accessKey,
		{
			displayName: 'Base URL',
			name: 'baseUrl',
			type: 'string',
			default: 'https://genaiapi.cloudsway.net',
			description: 'Change it only if your console names another host for your endpoint',
		},
	];

	/** A function, since n8n would evaluate the expression of a declared header for every request. */
	authenticate: IAuthenticate = async (credentials, request) => {
		checkBaseUrl(credentials);
		return await Promise.resolve({
			...request,
			headers: {
				...request.headers,
				Authorization: `Bearer ${String(credentials.accessKey ?? '').trim()}`,
			},
		});
	};

	/** https://docs.cloudsway.net/maasapi/scenes/multiendpoint describes the list of models. */
	test: ICredentialTestRequest = {
		request: {
			baseURL: '={{$credentials.baseUrl.trim().replace(/\\/+$/, "")}}',
			url: '/v1/models',
			disableFollowRedirect: true,
		},
		// n8n applies rules of both kinds; its type knows lists of one kind only.
		rules: [
			{
				type: 'responseCode',
				properties: { value: 401, message: "Cloudsway refused the key: check 'Access Key'" },
			},
			{
				type: 'responseCode',
				properties: {
					value: 403,
					message:
						"Cloudsway lets in listed addresses only: add this n8n's public IP address to the whitelist in the Cloudsway console",
				},
			},
			{
				type: 'responseCode',
				properties: {
					value: 404,
					message: "This address is not the Cloudsway API: check 'Base URL'",
				},
			},
			{
				type: 'responseSuccessBody',
				properties: {
					key: 'data',
					value: undefined,
					message: "This address is not the Cloudsway API: check 'Base URL'",
				},
			},
		] as ICredentialTestRequest['rules'],
	};
}
