import fc from 'fast-check';
import { parseSync, type NodeCue } from 'subtitle';

import { makeSubtitles } from '../../../../../../nodes/shared/transcript/subtitles/file.ts';
import type { Transcript, Word } from '../../../../../../nodes/shared/transcript/transcript.ts';

const cuesOf = (parts: Partial<Transcript>) =>
	parseSync(makeSubtitles({ text: '', service: 'any', ...parts }, 'srt')?.content ?? '')
		.filter((node): node is NodeCue => node.type === 'cue')
		.map(({ data }) => data);

/** One word a second, each 0.8 s long. */
const spoken = (texts: string[], from = 0): Word[] =>
	texts.map((text, index) => ({ text, start: from + index, end: from + index + 0.8 }));

/** Every word is in a cue that is shown while it is spoken, at most a cue's length away. */
const expectInTime = (cues: ReturnType<typeof cuesOf>, words: Word[]) => {
	for (const { text, start = 0 } of words) {
		const cue = cues.find(
			(candidate) => candidate.start <= start * 1_000 + 1 && start * 1_000 < candidate.end + 1,
		);
		expect(cue?.text.replaceAll('\n', ' ')).toContain(text);
	}
};

describe('subtitles of text whose words have times', () => {
	const numbers = Array.from({ length: 300 }, (_, index) => `w${index}`);
	const words = spoken(numbers);
	const last = words.at(-1)?.end;

	it('follow the words where the text says one of them otherwise', () => {
		// The text has a word more: its share of five minutes would put word 20 minutes off.
		const text = `well ${numbers.join(' ')}`;
		expectInTime(cuesOf({ segments: [{ text, start: 0, end: last }], words }), words);
	});

	it('have the punctuation of the text, also where it stands alone or splits a word', () => {
		const segments = [{ text: "Don't stop — go, ¿sí?", start: 0, end: 5 }];
		const parts = spoken(['don', "'t", 'stop', 'go', 'sí']);
		const cues = cuesOf({ segments, words: parts });
		expect(cues.map(({ text }) => text)).toEqual(["Don't stop — go, ¿sí?"]);
		expect(cues[0]).toMatchObject({ start: 0, end: 4_800 });
	});

	it('count a last word that has no length, at the very end of its segment', () => {
		const segments = [{ text: 'one two', start: 0, end: 9 }];
		const cues = cuesOf({
			segments,
			words: [
				{ text: 'one', start: 0, end: 1 },
				{ text: 'two', start: 9, end: 9 },
			],
		});
		expect(cues.map(({ text, start }) => [text, start])).toEqual([
			['one', 0],
			['two', 9_000],
		]);
	});

	it('are cut at words where a script has no spaces, and get none', () => {
		const characters = [...'今天天气很好我们去公园散步吧然后回家吃饭看书睡觉明天再见'];
		const text = `${characters.slice(0, 6).join('')}，${characters.slice(6).join('')}。`;
		const heard = spoken(characters);
		const cues = cuesOf({ segments: [{ text, start: 0, end: characters.length }], words: heard });
		expect(cues.map((cue) => cue.text).join('')).toBe(text);
		expect(cues.length).toBeGreaterThan(3);
		for (const { start, end } of cues) expect(end - start).toBeLessThanOrEqual(7_000);
		expectInTime(cues, heard);
	});

	it('keep words with the segment whose text they are, whatever the times say', () => {
		// Words that begin before their segment, as services give them.
		const segments = [
			{ text: 'One two.', start: 0, end: 2 },
			{ text: 'Three four.', start: 2.5, end: 5 },
		];
		const early = [
			{ text: 'one', start: 0, end: 0.5 },
			{ text: 'two', start: 1, end: 1.4 },
			{ text: 'three', start: 1.9, end: 2.6 },
			{ text: 'four', start: 3, end: 4 },
		];
		expect(cuesOf({ segments, words: early }).map(({ text }) => text)).toEqual([
			'One two.',
			'Three four.',
		]);
	});

	it('spread only text of which no word is known', () => {
		const cues = cuesOf({ segments: [{ text: 'a b c d', start: 0, end: 4 }] });
		expect(cues[0]).toMatchObject({ text: 'a b c d', start: 0, end: 4_000 });
	});

	it('lose no letter, whatever text and words are', () => {
		const word = fc.constantFrom('one', 'Two,', '—', "it's", '今天', 'ﬁn', '…three', '5%', 'ü');
		fc.assert(
			fc.property(
				fc.array(word, { minLength: 1, maxLength: 40 }),
				fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
				(texts, splits) => {
					const text = texts.join(' ');
					const heard = spoken(
						texts.flatMap((part, index) =>
							splits[index] ? [part.slice(0, 1), part.slice(1)] : [part],
						),
					);
					const end = heard.length + 1;
					const shown = cuesOf({ segments: [{ text, start: 0, end }], words: heard })
						.map((cue) => cue.text)
						.join('');
					const letters = (of: string) => of.replace(/\s/g, '');
					expect(letters(shown)).toBe(letters(text));
				},
			),
		);
	});
});
