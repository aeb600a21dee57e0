import type { INodeParameters } from 'n8n-workflow';

import { CloudswayAccess, type Model } from './access.ts';

const cloudsway = new CloudswayAccess();

describe('transcribe: what the service would refuse is refused before', () => {
	const speakers = (count: number, reference = 'data:audio/wav;base64,UklGRg==') => ({
		knownSpeakers: {
			speaker: Array.from({ length: count }, (_, index) => ({
				name: `s${index}`,
				referenceType: 'dataUrl',
				reference,
			})),
		},
	});

	it.each<[Model, INodeParameters, string, string]>([
		...(['verbose_json', 'srt', 'vtt', 'text', 'diarized_json'] as const).flatMap(
			(responseFormat): Array<[Model, INodeParameters, string, string]> => [
				['MaaS_GP_4o_transcribe', { responseFormat }, "'Response Format'", "'Model'"],
				['MaaS_GP_4o_mini_transcribe', { responseFormat }, "'Response Format'", "'Model'"],
			],
		),
		['whisper-1', { responseFormat: 'diarized_json' }, "'Response Format'", "'Model'"],
		['MaaS_GP_4o_transcribe_diarize', { responseFormat: 'srt' }, "'Response Format'", "'Model'"],
		[
			'whisper-1',
			{ options: { timestampGranularities: ['word'] } },
			"'Timestamp Granularities'",
			"'Response Format'",
		],
		['whisper-1', { options: { include: ['logprobs'] } }, "'Include'", "'Model'"],
		[
			'MaaS_GP_4o_transcribe_diarize',
			{ options: { include: ['logprobs'] } },
			"'Include'",
			"'Model'",
		],
		['whisper-1', { options: speakers(1) }, "'Known Speakers'", "'Model'"],
		['MaaS_GP_4o_transcribe_diarize', { options: { prompt: 'x' } }, "'Prompt'", "'Model'"],
		['MaaS_GP_4o_transcribe_diarize', { options: speakers(5) }, "'Known Speakers'", 'at most 4'],
		[
			'MaaS_GP_4o_transcribe_diarize',
			{ options: speakers(1, 'https://x/a.wav') },
			"'Reference'",
			'data URL',
		],
		['whisper-1', { options: { temperature: 1.1 } }, "'Temperature'", 'between 0 and 1'],
		['whisper-1', { options: { language: 'eng' } }, "'Language'", 'two letters'],
		[
			'MaaS_GP_4o_transcribe',
			{ options: { subtitles: 'srt' } },
			"'Subtitles'",
			"'Response Format'",
		],
		['whisper-1', { options: { timeout: 0 } }, "'Timeout'", 'between 1'],
		['whisper-1', { options: { concurrency: 101 } }, "'Concurrency'", 'between 1 and 100'],
		[
			'MaaS_GP_4o_transcribe',
			{ options: { chunkingStrategy: 'serverVad', vadThreshold: 2 } },
			"'VAD Threshold'",
			'between',
		],
		[
			'MaaS_GP_4o_transcribe',
			{ options: { chunkingStrategy: '={{ "server_vad" }}' } },
			"'Chunking Strategy'",
			'none, auto, serverVad',
		],
		['MaaS_GP_4o_transcribe', { options: { stream: '={{ "yes" }}' } }, "'Stream'", 'true or false'],
		[
			'whisper-1',
			{
				responseFormat: 'verbose_json',
				options: { timestampGranularities: '={{ ["word", null] }}' },
			},
			"'Timestamp Granularities'",
			'a list of texts',
		],
		['whisper-1', { endpointPath: '..' }, "'Endpoint Path'", 'segment'],
		['whisper-1', { endpointPath: 'https://x/y' }, "'Endpoint Path'", 'segment'],
	])('%s with %j', async (model, parameters, ...names) => {
		// By expression, since n8n itself drops the values of fields that a fixed model hides.
		const { responseFormat = 'json' } = parameters;
		const { error } = await cloudsway.run(model, {
			...parameters,
			model: `={{ "${model}" }}`,
			responseFormat: `={{ "${responseFormat as string}" }}`,
		});
		for (const name of names) expect(error?.message).toContain(name);
		expect(error?.description).toBeTruthy();
		expect(cloudsway.sandbox.requests).toHaveLength(0);
	});

	it("is sent as it is with the model 'Other', and the service's words are shown", async () => {
		const { error } = await cloudsway.run('other', {
			responseFormat: 'diarized_json',
			options: { prompt: 'x' },
		});
		expect(cloudsway.sandbox.requests).toHaveLength(1);
		expect(error?.description).toContain(
			"'diarized_json' is not compatible with model 'whisper-1'",
		);
	});

	it('names choices as the editor shows them', async () => {
		const { error } = await cloudsway.run('MaaS_GP_4o_transcribe', {
			model: '={{ "MaaS_GP_4o_transcribe" }}',
			responseFormat: '={{ "verbose_json" }}',
		});
		expect(error?.message).toContain(
			"'Response Format' Verbose JSON cannot be used with 'Model' MaaS 4o Transcribe",
		);
		expect(error?.description).toContain('This model answers in: JSON.');
	});

	it('names a model that it does not know', async () => {
		const { error } = await cloudsway.run('whisper-1', { model: '={{ "constructor" }}' });
		expect(error?.message).toContain(`'Model' "constructor" is not known`);
	});

	it('percent-encodes the endpoint path', async () => {
		await cloudsway.run('whisper-1', { endpointPath: 'a/b?c' });
		expect(cloudsway.lastRequest().path).toBe('/cloudsway/v1/ai/a%2Fb%3Fc/audio/transcriptions');
	});
});
