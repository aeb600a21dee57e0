import fc from 'fast-check';
import { parseSync, type NodeCue } from 'subtitle';

import { makeSubtitles } from '../../../../../../nodes/shared/transcript/subtitles/file.ts';
import { SUBTITLE_FORMATS } from '../../../../../../nodes/shared/transcript/subtitles/formats.ts';
import { parseSubtitles } from '../../../../../../nodes/shared/transcript/subtitles/parse.ts';
import type { Segment, Transcript } from '../../../../../../nodes/shared/transcript/transcript.ts';

const transcript = (parts: Partial<Transcript>): Transcript => ({
	text: '',
	service: 'cloudsway',
	...parts,
});

/** The parser of a library nobody here wrote. */
const cuesIn = (content: string) =>
	parseSync(content)
		.filter((node): node is NodeCue => node.type === 'cue')
		.map(({ data }) => data);

const srt = (parts: Partial<Transcript>) => makeSubtitles(transcript(parts), 'srt')?.content ?? '';
const vtt = (parts: Partial<Transcript>) => makeSubtitles(transcript(parts), 'vtt')?.content ?? '';

describe('makeSubtitles', () => {
	it('writes SRT with the speaker before the text', () => {
		const segments = [
			{ text: 'Good morning.', start: 0, end: 1.2345, speaker: 'agent' },
			{ text: 'Hello & <welcome>', start: 3725.5, end: 3727 },
		];
		expect(srt({ segments })).toBe(
			[
				'1\n00:00:00,000 --> 00:00:01,235\nagent: Good morning.\n',
				'2\n01:02:05,500 --> 01:02:07,000\nHello & <welcome>\n',
			].join('\n'),
		);
	});

	it('writes WebVTT with the speaker as voice and markup escaped', () => {
		expect(vtt({ segments: [{ text: 'a < b --> c', start: 1, end: 2, speaker: 'A > B' }] })).toBe(
			'WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n<v A &gt; B>a &lt; b --&gt; c\n',
		);
	});

	it('groups words into cues of two lines of 42 characters, broken at pauses', () => {
		const words = Array.from({ length: 30 }, (_, index) => ({
			text: `word${index}`,
			start: index * 0.2 + (index >= 20 ? 5 : 0),
			end: index * 0.2 + 0.15 + (index >= 20 ? 5 : 0),
		}));
		const cues = cuesIn(srt({ words }));
		expect(cues.map(({ text }) => text.replaceAll('\n', ' ')).join(' ')).toBe(
			words.map(({ text }) => text).join(' '),
		);
		expect(cues.map(({ text }) => text.split('\n').length)).toEqual([2, 2, 2]);
		expect(cues[2]?.start).toBe(9000);
	});

	it('takes the words of a segment to time its parts, but its own text', () => {
		const words = 'one two three four five six seven eight nine ten eleven twelve'.split(' ');
		const timedWords = words.map((text, index) => ({ text, start: index, end: index + 0.9 }));
		const text = words.map((word) => `${word},`).join(' ');
		const cues = cuesIn(srt({ segments: [{ text, start: 0, end: 12 }], words: timedWords }));
		expect(cues).toEqual([
			{ start: 0, end: 6900, text: 'one, two, three, four, five, six, seven,' },
			{ start: 7000, end: 11900, text: 'eight, nine, ten, eleven, twelve,' },
		]);
	});

	it('shows a part without an end until the next, at most seven seconds', () => {
		const segments = [
			{ text: 'one', start: 0 },
			{ text: 'two', start: 2 },
			{ text: 'three', start: 20 },
		];
		expect(cuesIn(srt({ segments })).map(({ start, end }) => [start, end])).toEqual([
			[0, 2000],
			[2000, 9000],
			[20000, 23000],
		]);
	});

	it('makes what is read as the same segments', () => {
		const segments = [
			{ text: 'Hello there.', start: 0.5, end: 1.75 },
			{ text: 'General greetings & more', start: 2, end: 3.001 },
		];
		expect(parseSubtitles(srt({ segments }))).toEqual(segments);
		expect(parseSubtitles(vtt({ segments }))).toEqual(segments);
	});

	it('makes an empty file of a silent recording', () => {
		expect(srt({})).toBe('');
		expect(vtt({})).toBe('WEBVTT\n');
	});

	it('makes none where nothing has times', () => {
		expect(makeSubtitles(transcript({ text: 'hello', segments: [{ text: 'hello' }] }), 'srt')).toBe(
			undefined,
		);
	});

	it('always makes files that parse, in order, without overlap and within the limits', () => {
		const time = fc.double({ min: 0, max: 50, noNaN: true });
		const part: fc.Arbitrary<Segment> = fc
			.record(
				{
					text: fc.oneof(
						fc.string({ unit: 'grapheme', maxLength: 120 }),
						fc.lorem({ maxCount: 30 }),
						fc.constantFrom('-->', '--->', '1', 'NOTE x', '<v y>', '{\\an8}', '&amp;', '00:01'),
					),
					start: time,
					length: fc.double({ min: -1, max: 20, noNaN: true }),
					speaker: fc.option(fc.string({ minLength: 1, maxLength: 60 }), { nil: undefined }),
				},
				{ requiredKeys: ['text', 'start', 'length', 'speaker'] },
			)
			.map(({ text, start, length, speaker }) => ({ text, start, end: start + length, speaker }));
		const parts = fc.array(part, { maxLength: 12 });
		fc.assert(
			fc.property(
				parts,
				parts,
				fc.constantFrom(...(Object.keys(SUBTITLE_FORMATS) as Array<keyof typeof SUBTITLE_FORMATS>)),
				(segments, words, format) => {
					const content = makeSubtitles(
						transcript({ text: 'x', segments, words }),
						format,
					)?.content;
					const hasTimes = [...segments, ...words].some(({ text }) => text.trim() !== '');
					expect(content !== undefined).toBe(hasTimes);
					if (content === undefined) return;
					const times = content.split('\n').filter((line) => /^\d\d:.* --> \d\d:/.test(line));
					const cues = parseSubtitles(content);
					expect(cuesIn(content)).toHaveLength(times.length);
					expect(cues.length).toBeLessThanOrEqual(times.length);
					let end = 0;
					for (const cue of cuesIn(content)) {
						expect(cue.start).toBeGreaterThanOrEqual(end);
						expect(cue.end).toBeGreaterThan(cue.start);
						expect(cue.end - cue.start).toBeLessThanOrEqual(7000);
						expect(cue.text.trim()).not.toBe('');
						const lines = unescaped(cue.text).split('\n');
						expect(lines.length).toBeLessThanOrEqual(2);
						for (const line of lines) expect(line.length).toBeLessThanOrEqual(42);
						end = cue.end;
					}
				},
			),
		);
	});
});

const unescaped = (text: string) =>
	text
		.replace(/^<v [^>]*>/, '')
		.replaceAll('&lt;', '<')
		.replaceAll('&gt;', '>')
		.replaceAll('&amp;', '&');
