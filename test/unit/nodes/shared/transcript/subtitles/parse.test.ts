import { parseSubtitles } from '../../../../../../nodes/shared/transcript/subtitles/parse.ts';

describe('parseSubtitles', () => {
	it('reads SRT: spoken text alone, times in seconds', () => {
		const text =
			'1\r\n00:00:00,000 --> 00:00:03,320\r\n<i>The first</i>\r\nline.\r\n\r\n2\r\n00:00:03,320 --> 01:00:04,000\r\n{\\an8}42\r\n';
		expect(parseSubtitles(text)).toEqual([
			{ text: 'The first line.', start: 0, end: 3.32 },
			{ text: '42', start: 3.32, end: 3604 },
		]);
	});

	it('reads WebVTT: header, notes, cue names, settings, voices, entities', () => {
		const text =
			'WEBVTT - title\n\nNOTE a note\nof two lines\n\nintro\n00:01.500 --> 00:02.250 align:start\n<v.loud Speaker One>a &lt; b &amp; c\n\n00:00:03.000 --> 00:00:04.000\n<00:00:03.200><c>late</c>\n';
		expect(parseSubtitles(text)).toEqual([
			{ text: 'a < b & c', start: 1.5, end: 2.25, speaker: 'Speaker One' },
			{ text: 'late', start: 3, end: 4 },
		]);
	});
});
