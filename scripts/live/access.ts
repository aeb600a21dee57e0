/** What a person has from the services, read from environment variables; nothing of it is reported. */
export interface Access {
	cloudflare?: { accountId: string; apiToken: string; baseUrl: string };
	cloudsway?: {
		accessKey: string;
		baseUrl: string;
		/** By model; those that are absent are not checked. */
		endpointPaths: Partial<Record<CloudswayModel, string>>;
	};
	connecte?: {
		apiToken: string;
		baseUrl: string;
		/** A recording that the service can download. */
		audioUrl?: string;
		/** Where it calls back, and the port on this machine that receives it. */
		webhook?: { url: string; port: number };
	};
	/** What is missing, and what could not be checked without it. */
	missing: string[];
	/** Every value that must not appear in a report. */
	secrets: string[];
}

export const CLOUDSWAY_MODELS = {
	'whisper-1': 'CLOUDSWAY_PATH_WHISPER',
	MaaS_GP_4o_mini_transcribe: 'CLOUDSWAY_PATH_MINI',
	MaaS_GP_4o_transcribe: 'CLOUDSWAY_PATH_FULL',
	MaaS_GP_4o_transcribe_diarize: 'CLOUDSWAY_PATH_DIARIZE',
} as const;

export type CloudswayModel = keyof typeof CLOUDSWAY_MODELS;

const withoutSlash = (url: string): string => url.replace(/\/+$/, '');

/** Reads the variables that docs/check-live.md lists. @throws for a port that is none */
export const readAccess = (env: Record<string, string | undefined>): Access => {
	const missing: string[] = [];
	const secrets: string[] = [];
	const value = (name: string, use: string): string | undefined => {
		const text = env[name]?.trim();
		if (text === undefined || text === '') missing.push(`${name}: ${use}`);
		else secrets.push(text);
		return text === '' ? undefined : text;
	};
	const accountId = value('CLOUDFLARE_ACCOUNT_ID', 'no check of Cloudflare Workers AI');
	const cloudflareToken = value('CLOUDFLARE_API_TOKEN', 'no check of Cloudflare Workers AI');
	const accessKey = value('CLOUDSWAY_ACCESS_KEY', 'no check of Cloudsway');
	const paths = Object.entries(CLOUDSWAY_MODELS).map(([model, name]) => [
		model,
		value(name, `no check of Cloudsway's ${model}`),
	]);
	const connecteToken = value('CONNECTE_API_TOKEN', 'no check of Connecte');
	const audioUrl = value('CONNECTE_AUDIO_URL', 'no prediction of Connecte');
	const webhookUrl = value('CONNECTE_WEBHOOK_URL', 'no check of which webhook header counts');
	const port = Number(env.CONNECTE_WEBHOOK_PORT ?? '8090');
	if (!Number.isInteger(port) || port < 0 || port > 65_535) {
		throw new Error(`CONNECTE_WEBHOOK_PORT is no port: ${env.CONNECTE_WEBHOOK_PORT}`);
	}
	return {
		...(accountId !== undefined &&
			cloudflareToken !== undefined && {
				cloudflare: {
					accountId,
					apiToken: cloudflareToken,
					baseUrl: withoutSlash(env.CLOUDFLARE_BASE_URL ?? 'https://api.cloudflare.com/client/v4'),
				},
			}),
		...(accessKey !== undefined && {
			cloudsway: {
				accessKey,
				baseUrl: withoutSlash(env.CLOUDSWAY_BASE_URL ?? 'https://genaiapi.cloudsway.net'),
				endpointPaths: Object.fromEntries(
					paths.filter(([, path]) => path !== undefined),
				) as Partial<Record<CloudswayModel, string>>,
			},
		}),
		...(connecteToken !== undefined && {
			connecte: {
				apiToken: connecteToken,
				baseUrl: withoutSlash(env.CONNECTE_BASE_URL ?? 'https://connecte.ai/api/v1'),
				...(audioUrl !== undefined && { audioUrl }),
				...(webhookUrl !== undefined && { webhook: { url: webhookUrl, port } }),
			},
		}),
		missing,
		secrets,
	};
};
