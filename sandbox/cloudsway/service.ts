import type { Exchange } from '../core/exchange.ts';
import type { SandboxService } from '../core/service.ts';
import { eventsOf, wholeAnswer } from './answers.ts';
import { readForm, Refusal } from './form.ts';
import { MODELS, readParameters, type Model } from './parameters.ts';
import { transcribe } from './transcription.ts';

/** What a user of the real service has from its console. */
export interface CloudswaySandbox {
	baseUrl: string;
	accessKey: string;
	endpointPaths: Readonly<Record<Model, string>>;
}

/** Of the file, in bytes. */
const LARGEST_FILE_BYTES = 25_000_000;
/** What the models behind `MaaS_GP_4o_…` are reported to take. */
const LONGEST_SECONDS = 1_400;

const ACCESS_KEY = 'sandbox-access-key';

const ENDPOINT_PATHS: Readonly<Record<Model, string>> = {
	MaaS_GP_4o_mini_transcribe: 'MiniPathRkBOAlaW',
	MaaS_GP_4o_transcribe: 'FullPathzKcubSji',
	MaaS_GP_4o_transcribe_diarize: 'DiarizePathqWxYz',
	'whisper-1': 'WhisperPathmNpQr',
};

/** The stand-in of Cloudsway: https://docs.cloudsway.net/maasapi/api-reference/asr/4omini-transcribe */
export function createCloudsway(): {
	service: SandboxService;
	at: (baseUrl: string) => CloudswaySandbox;
} {
	const prefix = '/cloudsway';
	return {
		service: { name: 'cloudsway', prefix, handle },
		at: (baseUrl) => ({
			baseUrl: `${baseUrl}${prefix}`,
			accessKey: ACCESS_KEY,
			endpointPaths: ENDPOINT_PATHS,
		}),
	};
}

async function handle(exchange: Exchange, path: string): Promise<void> {
	try {
		if (exchange.token !== ACCESS_KEY) {
			await exchange.discardBody();
			throw new Refusal(401, `The access key ${exchange.token ?? ''} is not valid`);
		}
		if (path === '/v1/models' && exchange.request.method === 'GET') {
			const data = MODELS.map((id) => ({
				id,
				created: '1720089491',
				object: 'model',
				owned_by: 'system',
			}));
			await exchange.sendJson(200, { data, object: 'list' });
			return;
		}
		const segment = /^\/v1\/ai\/([^/]+)\/audio\/transcriptions$/.exec(path)?.[1] ?? '';
		const model = MODELS.find((name) => ENDPOINT_PATHS[name] === segment);
		if (!model || exchange.request.method !== 'POST') {
			await exchange.discardBody();
			throw new Refusal(404, `The resource '${path}' does not exist`);
		}
		const form = await readForm(exchange);
		const parameters = await readParameters(form, model);
		if (!form.file) throw new Refusal(400, "The parameter 'file' is missing");
		if (form.file.size === 0) throw new Refusal(400, 'The audio file is empty');
		if (form.file.size > LARGEST_FILE_BYTES) {
			throw new Refusal(413, `Maximum content size limit (${LARGEST_FILE_BYTES}) exceeded`);
		}
		const heard = await transcribe(form.file, parameters);
		if (model !== 'whisper-1' && heard.duration > LONGEST_SECONDS) {
			throw new Refusal(
				400,
				`audio duration ${heard.duration} seconds is longer than ${LONGEST_SECONDS} seconds which is the maximum for this model`,
			);
		}
		if (model === 'MaaS_GP_4o_transcribe_diarize' && heard.duration > 30 && !parameters.isChunked) {
			throw new Refusal(400, 'chunking_strategy is required for audio longer than 30 seconds');
		}
		if (parameters.stream) {
			await exchange.sendEvents(eventsOf(heard, parameters));
			return;
		}
		const { contentType, body } = wholeAnswer(heard, parameters);
		await exchange.send(200, contentType, body, {
			'x-request-id': `req-${form.file.sha256.slice(0, 12)}`,
		});
	} catch (error) {
		if (!(error instanceof Refusal)) throw error;
		await exchange.sendJson(error.status, {
			error: { message: error.message, type: 'invalid_request_error', code: String(error.status) },
		});
	}
}
