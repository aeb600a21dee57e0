import type { Access, CloudswayModel } from './access.ts';
import {
	beginning,
	call,
	differences,
	differencesFrom,
	list,
	number,
	object,
	objectWith,
	oneOf,
	parsed,
	string,
} from './answer.ts';
import type { Answer, Expected, Schema } from './answer.ts';
import { answered, compared } from './check.ts';
import type { Check } from './check.ts';
import { silentWav } from './sound.ts';
import type { Sound } from './sound.ts';

type CloudswayAccess = NonNullable<Access['cloudsway']>;

const PAGE = 'https://docs.cloudsway.net/maasapi/api-reference/asr/4omini-transcribe';
const ERRORS = 'https://docs.cloudsway.net/maasapi/api-reference/errorcode';

const tokenUsage = (type: Record<string, Schema>, optionalType: Record<string, Schema>): Schema =>
	object(
		{
			...type,
			input_tokens: number,
			input_token_details: object({ text_tokens: number, audio_tokens: number }),
			output_tokens: number,
			total_tokens: number,
		},
		optionalType,
	);
const durationUsage = object({ type: oneOf('duration'), seconds: number });
const usage: Schema = { anyOf: [tokenUsage({ type: oneOf('tokens') }, {}), durationUsage] };
const logprobs = list(object({ token: string, logprob: number, bytes: list(number) }));
const diarizedSegment = object({
	type: oneOf('transcript.text.segment'),
	id: string,
	start: number,
	end: number,
	text: string,
	speaker: string,
});

const TRANSCRIPT = object({ text: string }, { usage, logprobs });
const VERBOSE = object(
	{ task: oneOf('transcribe'), language: string, duration: number, text: string },
	{
		usage,
		words: list(object({ word: string, start: number, end: number })),
		segments: list(
			object({
				id: number,
				seek: number,
				start: number,
				end: number,
				text: string,
				tokens: list(number),
				temperature: number,
				avg_logprob: number,
				compression_ratio: number,
				no_speech_prob: number,
			}),
		),
	},
);
const DIARIZED = object(
	{ task: oneOf('transcribe'), duration: number, text: string, segments: list(diarizedSegment) },
	{ usage },
);
const EVENT: Schema = {
	anyOf: [
		object(
			{ type: oneOf('transcript.text.delta'), delta: string },
			{ logprobs, segment_id: string },
		),
		diarizedSegment,
		object(
			{ type: oneOf('transcript.text.done'), text: string },
			{ logprobs, usage: tokenUsage({}, { type: oneOf('tokens') }) },
		),
	],
};
const MODELS = object(
	{
		data: list(object({ id: string, created: string, object: oneOf('model'), owned_by: string })),
	},
	{ object: string },
);

type Fields = Array<[name: string, value: string]>;

interface Documented {
	fields: Fields;
	expected: Expected;
	/** Whether the recording is sent as the sample of a known speaker as well. */
	knownSpeaker?: boolean;
}

const JSON_TYPE = /^application\/json/;
const json = (fields: Fields, schema: Schema): Documented => ({
	fields,
	expected: { status: 200, contentType: JSON_TYPE, schema },
});
const text = (format: string, looks: RegExp): Documented => ({
	fields: [['response_format', format]],
	expected: { status: 200, contentType: /^text\//, text: looks },
});

/** Every documented call of a model, by what is asked for. */
const CALLS: Readonly<Record<CloudswayModel, Readonly<Record<string, Documented>>>> = {
	'whisper-1': {
		json: json([['response_format', 'json']], TRANSCRIPT),
		'verbose_json, words and segments': json(
			[
				['response_format', 'verbose_json'],
				['timestamp_granularities[]', 'word'],
				['timestamp_granularities[]', 'segment'],
				['language', 'en'],
				['prompt', 'Digits'],
				['temperature', '0'],
			],
			VERBOSE,
		),
		text: text('text', /^[^{]*$/),
		srt: text('srt', /^\s*$|\d\d:\d\d:\d\d,\d{3} --> /),
		vtt: text('vtt', /^WEBVTT/),
	},
	MaaS_GP_4o_mini_transcribe: {
		json: json([['response_format', 'json']], TRANSCRIPT),
		'json, log probabilities': json([['include[]', 'logprobs']], TRANSCRIPT),
	},
	MaaS_GP_4o_transcribe: {
		json: json([['response_format', 'json']], TRANSCRIPT),
		'json, automatic chunks': json([['chunking_strategy', 'auto']], TRANSCRIPT),
		'json, chunks by voice activity': json(
			[
				['chunking_strategy[type]', 'server_vad'],
				['chunking_strategy[threshold]', '0.5'],
			],
			TRANSCRIPT,
		),
	},
	MaaS_GP_4o_transcribe_diarize: {
		diarized_json: json(
			[
				['response_format', 'diarized_json'],
				['chunking_strategy', 'auto'],
			],
			DIARIZED,
		),
		'diarized_json, a known speaker': {
			...json(
				[
					['response_format', 'diarized_json'],
					['chunking_strategy', 'auto'],
					['known_speaker_names[]', 'caller'],
				],
				DIARIZED,
			),
			knownSpeaker: true,
		},
	},
};

const eventsIn = (body: string): string[] =>
	body
		.split(/\r?\n\r?\n/)
		.map((block) =>
			block
				.split(/\r?\n/)
				.filter((line) => line.startsWith('data:'))
				.map((line) => line.slice(5).trim())
				.join('\n'),
		)
		.filter((data) => data !== '' && data !== '[DONE]');

/** The checks of Cloudsway; those of limits send big silent recordings. */
export const cloudswayChecks = (
	{ accessKey, baseUrl, endpointPaths }: CloudswayAccess,
	sound: Sound,
	{ limits }: { limits: boolean },
): Check[] => {
	const headers = { authorization: `Bearer ${accessKey}` };
	const transcribe = (path: string, fields: Fields, wav = sound.wav): Promise<Answer> => {
		const body = new FormData();
		body.append('file', new Blob([wav], { type: 'audio/wav' }), 'check.wav');
		for (const [name, value] of fields) body.append(name, value);
		const url = `${baseUrl}/v1/ai/${encodeURIComponent(path)}/audio/transcriptions`;
		return call(url, { method: 'POST', headers, body });
	};
	const models = Object.entries(endpointPaths) as Array<[CloudswayModel, string]>;

	const sample: [string, string] = [
		'known_speaker_references[]',
		`data:audio/wav;base64,${sound.wav.toString('base64')}`,
	];

	const documentedCalls = models.flatMap(([model, path]) =>
		Object.entries(CALLS[model]).map(
			([asked, { fields, expected, knownSpeaker }]): Check => ({
				name: `${model}: ${asked}`,
				documented: `the fields of ${PAGE}`,
				seconds: sound.seconds,
				run: async () => {
					const answer = await transcribe(path, knownSpeaker ? [...fields, sample] : fields);
					return compared(differences(answer, expected));
				},
			}),
		),
	);
	const streams = models
		.filter(([model]) => model !== 'whisper-1')
		.map(
			([model, path]): Check => ({
				name: `${model}: streamed`,
				documented: `text/event-stream with transcript.text.delta and .done, ${PAGE}`,
				seconds: sound.seconds,
				run: async () => {
					const answer = await transcribe(path, [['stream', 'true']]);
					const expected = { status: 200, contentType: /^text\/event-stream/ };
					const events = eventsIn(answer.text);
					const done = events.some((data) => data.includes('"transcript.text.done"'));
					return compared([
						...differences(answer, expected),
						...(done ? [] : ['no event transcript.text.done']),
						...new Set(
							events.flatMap((data) => {
								// Of the alternatives of a union only the one that is meant says something useful.
								const event = parsed(data);
								const { type } = (event ?? {}) as { type?: string };
								const meant = (EVENT.anyOf as Schema[]).find((schema) =>
									JSON.stringify(schema).includes(`"enum":["${type}"]`),
								);
								return meant === undefined
									? [`event of type '${type}', which is not documented`]
									: differencesFrom(meant, event).map((line) => `${type}: ${line}`);
							}),
						),
					]);
				},
			}),
		);
	const refusals: Check[] = [
		{
			name: 'a wrong key is refused',
			documented: `401, ${ERRORS}; the shape of an error body is not documented`,
			run: async () => {
				const wrong = { authorization: 'Bearer not-a-key' };
				const answer = await call(`${baseUrl}/v1/models`, { headers: wrong });
				return compared(differences(answer, { status: 401, schema: objectWith({}) }), [
					`error body: ${beginning(answer.text)}`,
				]);
			},
		},
		{
			name: 'an endpoint path that does not exist is refused',
			documented: `404, ${ERRORS}`,
			run: async () => {
				const answer = await transcribe('no-such-endpoint-path', []);
				return compared(differences(answer, { status: 404 }), [
					`error body: ${beginning(answer.text)}`,
				]);
			},
		},
		...models
			.filter(([model]) => model.includes('4o'))
			.map(
				([model, path]): Check => ({
					name: `${model}: a response format it does not take is refused`,
					documented: `400 for srt, ${PAGE}`,
					run: async () => {
						const answer = await transcribe(path, [['response_format', 'srt']]);
						return compared(differences(answer, { status: 400 }), [
							`error body: ${beginning(answer.text)}`,
						]);
					},
				}),
			),
	];
	const limit = (
		[model, path]: [string, string],
		what: string,
		seconds: number,
		form: { rate: number; channels: number },
	): Check => ({
		name: `${model}: is a recording of ${what} taken?`,
		documented: `not by ${PAGE}; an older page of Cloudsway says 25 MB, OpenAI 25 MB and 1,400 s for its gpt-4o models`,
		seconds,
		run: async () => {
			const { status, text: body } = await transcribe(path, [], silentWav(seconds, form));
			const taken = status === 200 ? 'taken' : 'refused';
			return answered(`${taken} with ${status}: ${beginning(body)}`);
		},
	});
	const limitChecks = models
		.filter(([model]) => model !== 'MaaS_GP_4o_transcribe_diarize')
		.flatMap((one) => [
			limit(one, '26 MB, 136 s', 136, { rate: 48_000, channels: 2 }),
			limit(one, '1,410 s, 23 MB', 1_410, { rate: 8_000, channels: 1 }),
		]);
	return [
		{
			name: 'models',
			documented: 'https://docs.cloudsway.net/maasapi/scenes/multiendpoint',
			run: async () =>
				compared(
					differences(await call(`${baseUrl}/v1/models`, { headers }), {
						status: 200,
						contentType: JSON_TYPE,
						schema: MODELS,
					}),
				),
		},
		...documentedCalls,
		...streams,
		...refusals,
		...(limits ? limitChecks : []),
	];
};
