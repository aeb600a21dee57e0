import type {
	IAuthenticate,
	Icon,
	ICredentialTestRequest,
	ICredentialType,
	INodeProperties,
} from 'n8n-workflow';

import { checkBaseUrl } from '../nodes/shared/http/baseUrl';

/** No prediction has this id, so that 404 in JSON means: the token was accepted. */
const UNKNOWN_ID = '00000000-0000-0000-0000-000000000000';

const REFUSALS = Array.from({ length: 300 }, (_, index) => 300 + index).filter(
	(status) => status !== 404,
);

export class ConnecteApi implements ICredentialType {
	name = 'connecteApi';

	displayName = 'Connecte API';

	icon: Icon = { light: 'file:../icons/connecte.svg', dark: 'file:../icons/connecte.dark.svg' };

	documentationUrl = 'https://connecte.ai/docs/api-reference/methods';

	properties: INodeProperties[] = [
		{
			displayName: 'API Token',
			name: 'apiToken',
			type: 'string',
			typeOptions: { password: true },
			required: true,
			default: '',
			description: 'The token from your Connecte account. It is shown there only once.',
		},
		{
			displayName: 'Base URL',
			name: 'baseUrl',
			type: 'string',
			default: 'https://connecte.ai/api/v1',
		},
		{
			displayName: 'Webhook Secret',
			name: 'webhookSecret',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			description:
				'A random text of your own, of at least 16 characters. The Connecte node signs webhook URLs with it, and the Connecte Trigger takes signed calls only. It is never sent to Connecte.',
		},
	];

	/**
	 * A function, since n8n can evaluate the expression of a declared header only while an execution runs,
	 * and predictions are asked for on behalf of executions that wait.
	 */
	authenticate: IAuthenticate = async (credentials, request) => {
		checkBaseUrl(credentials);
		return await Promise.resolve({
			...request,
			headers: {
				...request.headers,
				Authorization: `Bearer ${String(credentials.apiToken ?? '').trim()}`,
			},
		});
	};

	test: ICredentialTestRequest = {
		request: {
			baseURL: '={{$credentials.baseUrl.trim().replace(/\\/+$/, "")}}',
			url: `/predictions/${UNKNOWN_ID}`,
			disableFollowRedirect: true,
			ignoreHttpStatusErrors: { ignore: true, except: REFUSALS },
		},
		// n8n applies rules of both kinds; its type knows lists of one kind only.
		rules: [
			{
				type: 'responseCode',
				properties: { value: 401, message: "Connecte refused the token: check 'API Token'" },
			},
			{
				type: 'responseCode',
				properties: { value: 403, message: 'Connecte does not let this token use the API' },
			},
			{
				// Only a body that is no JSON stays a text: a web page, or nothing at all.
				type: 'responseSuccessBody',
				properties: {
					key: 'constructor.name',
					value: 'String',
					message: "This address is not the Connecte API: check 'Base URL'",
				},
			},
		] as ICredentialTestRequest['rules'],
	};
}
