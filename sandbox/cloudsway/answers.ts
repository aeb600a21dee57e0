import { rounded, type Segment, type Transcription } from './transcription.ts';
import type { Parameters } from './parameters.ts';

/** The whole answer in the format asked for. */
export function wholeAnswer(
	heard: Transcription,
	parameters: Parameters,
): { contentType: string; body: string } {
	const text = (body: string) => ({ contentType: 'text/plain; charset=utf-8', body });
	const json = (body: unknown) => ({ contentType: 'application/json', body: JSON.stringify(body) });
	switch (parameters.responseFormat) {
		case 'text':
			return text(`${heard.text}\n`);
		case 'srt':
			return text(
				heard.segments
					.map(({ start, end, text: line }, index) => {
						return `${index + 1}\n${clock(start, ',')} --> ${clock(end, ',')}\n${line}\n`;
					})
					.join('\n'),
			);
		case 'vtt':
			return text(
				[
					'WEBVTT\n',
					...heard.segments.map(
						({ start, end, text: line }) =>
							`${clock(start, '.')} --> ${clock(end, '.')}\n${line}\n`,
					),
				].join('\n'),
			);
		case 'verbose_json':
			return json(verbose(heard, parameters));
		case 'diarized_json':
			return json({
				task: 'transcribe',
				duration: rounded(heard.duration),
				text: heard.text,
				segments: diarizedSegments(heard),
				usage: durationUsage(heard),
			});
		default:
			return json({
				text: heard.text,
				...(parameters.logprobs && { logprobs: tokensOf(heard).flat() }),
				usage: { type: 'tokens', ...tokenUsage(heard) },
			});
	}
}

/** The events of a streamed answer, each as the text of its data. */
export function eventsOf(heard: Transcription, parameters: Parameters): string[] {
	const tokens = tokensOf(heard);
	const logprobs = (list: Token[]) => parameters.logprobs && { logprobs: list };
	const segments = parameters.responseFormat === 'diarized_json' ? diarizedSegments(heard) : [];
	return [
		...tokens.flatMap((list, index) => [
			...list.map((token) => ({
				type: 'transcript.text.delta',
				delta: token.token,
				...(segments[index] && { segment_id: segments[index].id }),
				...logprobs([token]),
			})),
			...segments.slice(index, index + 1),
		]),
		{
			type: 'transcript.text.done',
			text: heard.text,
			...logprobs(tokens.flat()),
			usage: tokenUsage(heard),
		},
	].map((event) => JSON.stringify(event));
}

function verbose(heard: Transcription, { words, segments, language }: Parameters) {
	return {
		task: 'transcribe',
		language: language ?? 'english',
		duration: rounded(heard.duration),
		text: heard.text,
		...(segments && {
			segments: heard.segments.map(({ text, start, end, logprob }, id) => ({
				id,
				seek: 0,
				start,
				end,
				text: ` ${text}`,
				tokens: [50_364],
				temperature: 0,
				avg_logprob: logprob,
				compression_ratio: 1,
				no_speech_prob: 0,
			})),
		}),
		...(words && {
			words: heard.words.map(({ text, start, end }) => ({
				word: text,
				start: rounded(start),
				end: rounded(end),
			})),
		}),
		usage: durationUsage(heard),
	};
}

function diarizedSegments({ segments }: Transcription) {
	return segments.map(({ text, start, end, speaker }, index) => ({
		type: 'transcript.text.segment',
		id: `seg_${String(index + 1).padStart(3, '0')}`,
		start,
		end,
		text,
		speaker,
	}));
}

interface Token {
	token: string;
	logprob: number;
	bytes: number[];
}

/** A token a word, with the space before it, by segment. */
function tokensOf({ segments }: Transcription): Token[][] {
	return segments.map(({ text, logprobs }: Segment, segment) =>
		text.split(' ').map((word, index) => {
			const token = segment + index === 0 ? word : ` ${word}`;
			return { token, logprob: logprobs[index] ?? 0, bytes: [...Buffer.from(token)] };
		}),
	);
}

function tokenUsage({ duration, text }: Transcription) {
	const audio = Math.ceil(duration * 10);
	const output = text.split(' ').filter(Boolean).length;
	return {
		input_tokens: audio,
		input_token_details: { text_tokens: 0, audio_tokens: audio },
		output_tokens: output,
		total_tokens: audio + output,
	};
}

function durationUsage({ duration }: Transcription) {
	return { type: 'duration', seconds: Math.ceil(duration) };
}

function clock(seconds: number, mark: string): string {
	const ms = Math.round(seconds * 1_000);
	const pad = (value: number, digits = 2) => String(Math.floor(value)).padStart(digits, '0');
	return `${pad(ms / 3_600_000)}:${pad((ms / 60_000) % 60)}:${pad((ms / 1_000) % 60)}${mark}${pad(ms % 1_000, 3)}`;
}
