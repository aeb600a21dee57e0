import type { Access } from './access.ts';
import {
	anything,
	beginning,
	call,
	differences,
	differencesFrom,
	list,
	nullable,
	number,
	object,
	objectWith,
	oneOf,
	parsed,
	string,
} from './answer.ts';
import type { Answer, Schema } from './answer.ts';
import { answered, compared } from './check.ts';
import type { Check } from './check.ts';
import { talkToFlux } from './flux.ts';
import type { Sound } from './sound.ts';

const FLUX_PAGE = 'https://developers.cloudflare.com/workers-ai/models/flux/';
const NOVA3_PAGE = 'https://developers.cloudflare.com/workers-ai/models/nova-3/';
const ERRORS_PAGE = 'https://developers.cloudflare.com/workers-ai/platform/errors/';
const PROTOCOL_PAGE = 'https://developers.deepgram.com/docs/flux/state';

const message = object(
	{ message: string },
	{ code: number, documentation_url: string, source: anything },
);
const envelope = (result: Schema, more: Record<string, Schema> = {}): Schema =>
	object(
		{ result, success: { const: true }, errors: list(message), messages: list(message) },
		more,
	);
const REFUSAL = object(
	{ success: { const: false }, errors: list(message) },
	{ result: nullable(anything), messages: list(message) },
);

const MODELS = envelope(
	list(objectWith({ id: string, name: string, properties: list(anything) })),
	{
		result_info: anything,
	},
);

const word = object(
	{ word: string, start: number, end: number, confidence: number },
	{ punctuated_word: string, speaker: number, speaker_confidence: number },
);
const NOVA3 = envelope(
	object(
		{
			results: object(
				{
					channels: list(
						object(
							{
								alternatives: list(
									object(
										{ transcript: string, confidence: number, words: list(word) },
										{ paragraphs: anything },
									),
								),
							},
							{ detected_language: string, language_confidence: number },
						),
					),
				},
				{
					utterances: list(
						object(
							{
								start: number,
								end: number,
								confidence: number,
								channel: number,
								transcript: string,
								words: list(word),
							},
							{ id: string, speaker: number },
						),
					),
					summary: anything,
					sentiments: anything,
				},
			),
		},
		{ metadata: anything, usage: anything },
	),
);

const EVENTS = ['Update', 'StartOfTurn', 'EagerEndOfTurn', 'TurnResumed', 'EndOfTurn'];
const TURN_INFO = object(
	{
		event: oneOf(...EVENTS),
		request_id: string,
		sequence_id: number,
		turn_index: number,
		audio_window_start: number,
		audio_window_end: number,
		transcript: string,
		words: list(object({ word: string, confidence: number }, { start: number, end: number })),
		end_of_turn_confidence: number,
	},
	{ type: oneOf('TurnInfo'), trigger: string, languages: anything, languages_hinted: anything },
);
const CONNECTED = object({ request_id: string, sequence_id: number }, { type: oneOf('Connected') });

interface FluxMessage {
	type?: string;
	event?: string;
	words?: Array<{ start?: number }>;
}

const messageDifferences = (messages: unknown[]): string[] => {
	const [connected, ...rest] = messages;
	const found = [
		...(connected === undefined
			? ['no message at all']
			: differencesFrom(CONNECTED, connected).map((line) => `first message: ${line}`)),
		...rest.flatMap((one) => {
			if (typeof one !== 'object' || one === null) return ['a message is no JSON object'];
			const { event, type } = one as FluxMessage;
			if (event === undefined) return [`a message of type '${type}' without event`];
			if (!EVENTS.includes(event)) return [`the event '${event}'`];
			return differencesFrom(TURN_INFO, one).map((line) => `${event}: ${line}`);
		}),
	];
	return [...new Set(found)];
};

const cloudflareHeaders = (names: string[]): string =>
	names.filter((name) => /^(cf-|dg-|x-|retry-after)/.test(name)).join(', ') || 'none';

/** The checks of Cloudflare Workers AI: model search, Nova-3, Flux by POST and by WebSocket. */
export const cloudflareChecks = (
	{ accountId, apiToken, baseUrl }: NonNullable<Access['cloudflare']>,
	sound: Sound,
): Check[] => {
	const account = `${baseUrl}/accounts/${encodeURIComponent(accountId)}/ai`;
	const headers = { authorization: `Bearer ${apiToken}` };
	const flux = `${account}/run/@cf/deepgram/flux`;
	const nova3 = (query: string, body: string | Blob): Promise<Answer> =>
		call(`${account}/run/@cf/deepgram/nova-3?${query}`, {
			method: 'POST',
			headers: { ...headers, 'content-type': 'audio/wav' },
			body,
		});
	const talk = (query: string, token = apiToken) =>
		talkToFlux(`${flux.replace(/^http/, 'ws')}?${query}`, token, sound.pcm);
	const SETTINGS = 'encoding=linear16&sample_rate=16000';
	const EVERY_FIELD = `${SETTINGS}&eot_threshold=0.7&eager_eot_threshold=0.5&eot_timeout_ms=5000&keyterm=digit&keyterm=number&mip_opt_out=false&tag=check`;

	return [
		{
			name: 'search for models, as the credential test does',
			documented: 'https://developers.cloudflare.com/api/resources/ai/subresources/models/',
			run: async () => {
				const answer = await call(`${account}/models/search?search=flux&per_page=1`, { headers });
				const named = answer.text.includes('"@cf/deepgram/flux"');
				return compared([
					...differences(answer, { status: 200, schema: MODELS }),
					...(named ? [] : ['@cf/deepgram/flux is not found']),
				]);
			},
		},
		{
			name: 'a wrong token is refused',
			documented: `401 with code 10000, ${ERRORS_PAGE}`,
			run: async () => {
				const wrong = { authorization: 'Bearer not-a-token' };
				const answer = await call(`${account}/models/search?search=flux`, { headers: wrong });
				const coded = /"code":\s*10000\b/.test(answer.text);
				return compared([
					...differences(answer, { status: 401, schema: REFUSAL }),
					...(coded ? [] : [`no code 10000: ${beginning(answer.text)}`]),
				]);
			},
		},
		{
			name: 'Nova-3: a file, with every option that changes the answer',
			documented: NOVA3_PAGE,
			seconds: sound.seconds,
			run: async () => {
				const query =
					'detect_language=true&punctuate=true&smart_format=true&diarize=true&utterances=true&keyterm=digit';
				const answer = await nova3(query, new Blob([sound.wav]));
				return compared(differences(answer, { status: 200, schema: NOVA3 }));
			},
		},
		{
			name: 'Nova-3: what is no audio is refused',
			documented: `400, ${ERRORS_PAGE}`,
			run: async () => {
				const answer = await nova3('', 'this is no audio');
				return compared(differences(answer, { status: 400, schema: REFUSAL }), [
					`error body: ${beginning(answer.text)}`,
				]);
			},
		},
		{
			name: 'Flux by POST: what does it answer?',
			documented: `the POST is in Cloudflare's reference without a field for audio; ${FLUX_PAGE} says WebSocket only`,
			run: async () => {
				const answer = await call(flux, {
					method: 'POST',
					headers: { ...headers, 'content-type': 'application/json' },
					body: JSON.stringify({ encoding: 'linear16', sample_rate: '16000' }),
				});
				const isEnvelope =
					differencesFrom({ anyOf: [envelope(anything), REFUSAL] }, answer.json).length === 0;
				return answered(
					`${answer.status}, ${isEnvelope ? "in Cloudflare's envelope" : 'in no envelope'}: ${beginning(answer.text)}`,
				);
			},
		},
		{
			name: 'Flux: handshake with every field, messages and end of a session',
			documented: `101, Connected, TurnInfo, close after CloseStream: ${FLUX_PAGE} and ${PROTOCOL_PAGE}`,
			seconds: sound.seconds * 2,
			run: async () => {
				const { status, headers: names, body, messages, closeCode } = await talk(EVERY_FIELD);
				const turns = messages.filter(
					(one): one is FluxMessage => typeof one === 'object' && one !== null && 'event' in one,
				);
				const words = turns.flatMap((turn) => turn.words ?? []);
				const typed = turns.filter(({ type }) => type !== undefined).length;
				const timed = words.filter(({ start }) => start !== undefined).length;
				const events = [...new Set(turns.map(({ event }) => event))];
				return compared(
					status === 101
						? [
								...messageDifferences(messages),
								...(closeCode === undefined ? ['not closed after CloseStream'] : []),
							]
						: [`status ${status} instead of 101: ${beginning(body)}`],
					[
						`headers of the handshake's answer: ${cloudflareHeaders(names)}`,
						`events: ${events.join(', ') || 'none'}; closed with ${closeCode ?? 'nothing'}`,
						`${typed} of ${turns.length} turn messages have a 'type', ${timed} of ${words.length} words have times`,
					],
				);
			},
		},
		...(
			[
				['a wrong token', 401, SETTINGS, 'not-a-token'],
				['a value out of range', 400, `${SETTINGS}&eot_threshold=2`, apiToken],
				['an encoding it does not have', 400, 'encoding=opus&sample_rate=16000', apiToken],
			] as const
		).map(
			([what, expected, query, token]): Check => ({
				name: `Flux: ${what} is refused at the handshake`,
				documented: `${expected} with Cloudflare's envelope, ${FLUX_PAGE}`,
				run: async () => {
					const { status, headers: names, body } = await talk(query, token);
					const refused = status === expected;
					return compared(
						refused
							? differencesFrom(REFUSAL, parsed(body))
							: [`status ${status} instead of ${expected}: ${beginning(body)}`],
						[
							`headers: ${cloudflareHeaders(names)}`,
							...(refused ? [`error body: ${beginning(body)}`] : []),
						],
					);
				},
			}),
		),
		{
			name: 'the flags of Flux in the search',
			documented: `realtime, and no async_queue: ${FLUX_PAGE}`,
			run: async () => {
				const answer = await call(`${account}/models/search?search=flux`, { headers });
				const { result } = (answer.json ?? {}) as {
					result?: Array<{
						name?: string;
						properties?: Array<{ property_id?: string; value?: unknown }>;
					}>;
				};
				const properties =
					result?.find(({ name }) => name === '@cf/deepgram/flux')?.properties ?? [];
				const flags = properties.map(({ property_id }) => property_id);
				return compared([
					...(flags.includes('realtime') ? [] : ['no flag realtime']),
					...(flags.includes('async_queue') ? ['has the flag async_queue'] : []),
				]);
			},
		},
	];
};
