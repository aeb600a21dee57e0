import { createHash } from 'node:crypto';
import { Linter } from 'eslint';
import fc from 'fast-check';
import { parse, type DefaultTreeAdapterTypes } from 'parse5';

import type { Transcript } from '../../../../../nodes/shared/transcript/transcript.ts';
import { makeReport } from '../../../../../nodes/shared/transcript/report.ts';
import {
	reportFileName,
	reportRequest,
} from '../../../../../nodes/shared/transcript/reportBinary.ts';

type Node = DefaultTreeAdapterTypes.ChildNode;
type Element = DefaultTreeAdapterTypes.Element;

const report = (parts: Partial<Transcript>, recording?: string) =>
	makeReport({ text: '', service: 'cloudsway', ...parts }, { recording, service: 'Cloudsway' });

/** Every element of the page in order, as a browser's own parser would find them. */
function elementsIn(html: string): Element[] {
	const collect = (node: Node): Element[] =>
		'tagName' in node ? [node, ...node.childNodes.flatMap(collect)] : [];
	return parse(html).childNodes.flatMap(collect);
}

const attribute = (element: Element, name: string) =>
	element.attrs.find((attr) => attr.name === name)?.value;

const hasClass = (element: Element, name: string) =>
	(attribute(element, 'class') ?? '').split(' ').includes(name);

function textOf(node: Node): string {
	if (node.nodeName === '#text') return (node as DefaultTreeAdapterTypes.TextNode).value;
	return 'childNodes' in node ? node.childNodes.map(textOf).join('') : '';
}

const texts = (html: string, className: string) =>
	elementsIn(html)
		.filter((element) => hasClass(element, className))
		.map(textOf);

const tagged = (html: string, tag: string) =>
	elementsIn(html).filter(({ tagName }) => tagName === tag);

const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

describe('the text of a report', () => {
	const segments = [
		{ text: 'Good morning, everyone.', start: 0, end: 2, speaker: 'chair' },
		{ text: 'Shall we begin?', start: 2.2, end: 3, speaker: 'chair' },
		{ text: 'Yes, please.', start: 3661, end: 3662, speaker: '0' },
	];

	it('joins what one speaker says and names speaker and time at each change', () => {
		const html = report({ segments, duration: 3_700 });
		expect(texts(html, 'text')).toEqual([
			'Good morning, everyone. Shall we begin?',
			'Yes, please.',
		]);
		expect(texts(html, 'side')).toEqual(['Chair0:00', 'Speaker 01:01:01']);
	});

	it('marks the words below the limits where they stand in the text, and no other', () => {
		const words = [
			{ text: 'good', start: 0, end: 0.5, confidence: 0.99 },
			{ text: 'morning', start: 0.5, end: 1, confidence: 0.59 },
			{ text: 'everyone', start: 1, end: 2, confidence: 0.84 },
		];
		const marked = elementsIn(report({ segments, words })).filter((element) =>
			attribute(element, 'title'),
		);
		expect(marked.map((element) => [element.attrs[0]?.value, textOf(element)])).toEqual([
			['low', 'morning'],
			['fair', 'everyone'],
		]);
		expect(marked.map((element) => attribute(element, 'title'))).toEqual([
			'59 % sure',
			'84 % sure',
		]);
	});

	it('does not take a word for the same letters inside another one', () => {
		const words = [{ text: 'is', confidence: 0.1, start: 0 }];
		const html = report({ words, segments: [{ text: 'This is', start: 0, end: 1 }] });
		expect(html).toContain('This <span class="low" title="10 % sure">is</span>');
	});

	it('finds words in scripts without spaces', () => {
		const words = ['今天', '天气', '好'].map((text, start) => ({
			text,
			start,
			confidence: start / 2,
		}));
		expect(texts(report({ text: '今天天气好。', words }), 'text')).toEqual(['今天天气好。']);
	});

	it('cuts at pauses and speakers of the words where there are no segments', () => {
		const words = [
			{ text: 'one', start: 0, end: 1, speaker: 'a' },
			{ text: 'two', start: 5, end: 6, speaker: 'a' },
			{ text: 'three', start: 6, end: 7, speaker: 'b' },
		];
		const html = report({ text: 'one two three', words });
		expect(texts(html, 'text').map((text) => text.trim())).toEqual(['one', 'two', 'three']);
		expect(texts(html, 'side')).toEqual(['A0:00', '0:05', 'B0:06']);
	});

	it('shows a text alone, without speakers, times, timeline or legend', () => {
		const html = report({ text: 'First line.\nSecond line.' });
		expect(texts(html, 'text')).toEqual(['First line.', 'Second line.']);
		for (const missing of ['timeline', 'legend']) expect(texts(html, missing)).toEqual([]);
		expect(tagged(html, 'time')).toEqual([]);
	});

	it('says so where nothing was heard', () => {
		expect(texts(report({}), 'empty')).toEqual(['No speech was heard in this recording.']);
	});

	it('gives each direction of writing a paragraph that finds its own', () => {
		const mixed = [
			{ text: 'صباح الخير', start: 0, end: 1 },
			{ text: 'Hello', start: 1, end: 2 },
			{ text: 'שלום', start: 2, end: 3 },
		];
		const found = elementsIn(report({ segments: mixed })).filter((one) => hasClass(one, 'text'));
		expect(found.map(textOf)).toEqual(mixed.map(({ text }) => text));
		expect(found.map((one) => attribute(one, 'dir'))).toEqual(['auto', 'auto', 'auto']);
	});

	it('survives times that cannot be', () => {
		const odd = [NaN, -1, Infinity, 1e308].map((start) => ({ text: 'x', start, end: -start }));
		const html = report({ segments: odd, duration: NaN });
		expect(texts(html, 'text').join('').replace(/\s/g, '')).toBe('xxxx');
	});
});

describe('what a report lets in', () => {
	const HOSTILE = '</script><script>alert(1)</script><img src=x onerror=alert(1)>"\'`&amp;<!--';

	it('allows its own script and style by their hashes, and nothing else', () => {
		const html = report({ text: 'hello' });
		const [script, ...scripts] = tagged(html, 'script');
		const [style, ...styles] = tagged(html, 'style');
		const policy = attribute(
			tagged(html, 'meta').find((meta) => attribute(meta, 'http-equiv'))!,
			'content',
		)!.split('; ');
		expect([scripts, styles]).toEqual([[], []]);
		expect(policy).toEqual(
			expect.arrayContaining([
				"default-src 'none'",
				`script-src ${hash(textOf(script!))}`,
				`style-src ${hash(textOf(style!))}`,
				"base-uri 'none'",
				"form-action 'none'",
			]),
		);
	});

	it('refers to nothing outside itself and has no code in attributes', () => {
		const html = report(
			{ text: HOSTILE, segments: [{ text: HOSTILE, start: 0, end: 1 }] },
			HOSTILE,
		);
		const attributes = elementsIn(html).flatMap(({ attrs }) => attrs);
		expect(attributes.filter(({ name }) => /^(src|srcset|style|action|on.*)$/.test(name))).toEqual(
			[],
		);
		expect(attributes.filter(({ name }) => name === 'href')).toEqual([
			{ name: 'href', value: '#text' },
		]);
		expect(textOf(tagged(html, 'style')[0]!)).not.toMatch(/url\(|@import/);
	});

	it('has a script without faults, the same whatever was said', () => {
		const [script] = tagged(report({ text: HOSTILE, model: HOSTILE }), 'script').map(textOf);
		expect(script).toBe(tagged(report({ text: 'hello' }), 'script').map(textOf)[0]);
		const rules = { 'no-undef': 'error', 'no-unused-vars': 'error', 'no-eval': 'error' } as const;
		const names = 'document window navigator CSS Highlight NodeFilter getSelection'.split(' ');
		const globals = Object.fromEntries(names.map((name) => [name, 'readonly' as const]));
		expect(new Linter().verify(script!, [{ rules, languageOptions: { globals } }])).toEqual([]);
	});

	it('keeps any text as text: the same elements, and every word readable', () => {
		const parts = fc.string({ unit: 'binary' }).chain((noise) => {
			const pieces = [HOSTILE, '\u202e', '\ud800', '\0', noise, ']]>', '\u2066'];
			return fc.array(fc.constantFrom(...pieces), { minLength: 1 }).map((all) => all.join(''));
		});
		const shape = (html: string) =>
			elementsIn(html).map(({ tagName, attrs }) => [tagName, ...attrs.map(({ name }) => name)]);
		fc.assert(
			fc.property(parts, (text) => {
				const said = `Said: ${text} end`;
				const of = (words: string) =>
					report({ segments: [{ text: words, speaker: `P${words}`, start: 0, end: 1 }] }, words);
				const html = of(said);
				expect(shape(html)).toEqual(shape(of('plain')));
				const shown = texts(html, 'text').join('');
				expect(shown).toMatch(/^Said: (.* )?end$/);
				expect(shown).not.toMatch(/[\u202a-\u202e\u2066-\u2069\p{Cc}\p{Surrogate}]/u);
				if (text.includes(HOSTILE)) expect(shown).toContain(HOSTILE);
			}),
			{ numRuns: 60 },
		);
	});
});

describe('the file of a report', () => {
	it.each([
		['calls/meeting.mp3', 'meeting.html'],
		['C:\\calls\\a.b.wav', 'a.b.html'],
		['اجتماع.ogg', 'اجتماع.html'],
		['.mp3', 'transcript.html'],
		[undefined, 'transcript.html'],
	])('of %s is %s', (recording, name) => {
		expect(reportFileName(recording)).toBe(name);
	});

	it('is made only on demand, in the field named', () => {
		expect(reportRequest({})).toBeUndefined();
		expect(reportRequest({ report: true })).toEqual({ property: 'report' });
		expect(reportRequest({ report: true, reportProperty: ' page ' })).toEqual({ property: 'page' });
	});
});
