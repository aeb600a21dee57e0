import { subtitleOptions } from '../../../../../../nodes/shared/fields.ts';
import { valuesIn } from '../../../../../../nodes/shared/fieldValues.ts';
import { subtitleRequest } from '../../../../../../nodes/shared/transcript/subtitleBinary.ts';
import { makeSubtitles } from '../../../../../../nodes/shared/transcript/subtitles/file.ts';
import { SUBTITLE_FORMATS } from '../../../../../../nodes/shared/transcript/subtitles/formats.ts';

const requested = (options: Record<string, unknown>) => {
	const context = { getNode: () => ({ name: 'Test', type: 'test' }) } as never;
	return subtitleRequest(valuesIn({ context, itemIndex: 0 }, options as never));
};

const formats = Object.keys(SUBTITLE_FORMATS) as Array<keyof typeof SUBTITLE_FORMATS>;
const [subtitles, subtitlesField] = subtitleOptions;

describe('the table of subtitle formats', () => {
	it('is what the field offers, after none', () => {
		expect(subtitles?.options).toEqual([
			{ name: 'None', value: 'none' },
			{ name: 'SRT', value: 'srt' },
			{ name: 'WebVTT', value: 'vtt' },
		]);
		expect(subtitlesField?.displayOptions?.show?.subtitles).toEqual(formats);
	});

	it.each(formats)('leads from the choice %s to a file of that format', (format) => {
		expect(requested({ subtitles: format })).toEqual({ format, property: 'subtitles' });
		const transcript = { text: 'a', segments: [{ text: 'a', start: 0 }], service: 'any' };
		expect(makeSubtitles(transcript, format)).toEqual({
			// Of its own writer: no format may fall back on another's.
			content: SUBTITLE_FORMATS[format].write([{ startMs: 0, endMs: 3_000, lines: ['a'] }]),
			fileName: `subtitles.${format}`,
			mimeType: SUBTITLE_FORMATS[format].mimeType,
		});
	});

	it('has a writer and a MIME type of its own for each format', () => {
		for (const key of ['write', 'mimeType', 'name'] as const) {
			const values = formats.map((format) => SUBTITLE_FORMATS[format][key]);
			expect(new Set<unknown>(values).size).toBe(formats.length);
		}
	});

	it.each(['none', '', undefined])('makes no file for %p', (choice) => {
		expect(requested({ subtitles: choice })).toBeUndefined();
	});

	it.each(['unheard-of', 'toString', 1])(
		'has no format for %p, and says which it has',
		(choice) => {
			expect(() => requested({ subtitles: choice })).toThrow(
				"'Subtitles' must be one of none, srt, vtt",
			);
		},
	);

	it('puts the file in the field that is named, else in subtitles', () => {
		const property = (subtitlesProperty: string) =>
			requested({ subtitles: 'srt', subtitlesProperty })?.property;
		expect(property(' film ')).toBe('film');
		expect(property(' ')).toBe('subtitles');
	});
});
