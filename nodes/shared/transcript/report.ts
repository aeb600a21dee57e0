import { createHash } from 'crypto';

import type { Transcript } from './transcript';
import { REPORT_STYLE, reportScript, SPEAKER_COLOURS } from './reportPage';
import {
	paragraphsOf,
	readableText,
	validTime,
	type Paragraph,
	type Piece,
} from './reportParagraphs';

export interface ReportSubject {
	/** The recording's name, e.g. `meeting.mp3`. */
	recording?: string;
	/** The display name of the service that heard it. */
	service: string;
}

/** Below these a word is marked as unsure, and as less sure. */
const LOW_CONFIDENCE = 0.6;
const FAIR_CONFIDENCE = 0.85;
/** Bars of the timeline are cut to this many columns, whatever the length of the recording. */
const TIMELINE_COLUMNS = 1_000;
/** Speakers with a line of their own in the timeline; the rest share one. */
const MOST_LANES = 10;
const MOST_TICKS = 6;
const TICK_STEPS = [
	1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 86_400,
];

/**
 * A transcript as one HTML file that needs nothing else: it loads nothing, and its
 * Content-Security-Policy allows its own script and style alone, by their hashes. The transcript's
 * text is only ever text in it, never script or markup. Shows what the transcript has: speakers,
 * times and confidence may each be missing.
 */
export function makeReport(transcript: Transcript, { recording, service }: ReportSubject): string {
	const paragraphs = paragraphsOf(transcript);
	const view = viewOf(transcript, paragraphs);
	const title = escaped(recording ?? '') || 'Transcript';
	const script = `(${reportScript.toString()})();`;
	return [
		'<!doctype html>',
		'<html lang="en">',
		'<head>',
		'<meta charset="utf-8">',
		`<meta http-equiv="Content-Security-Policy" content="${policy(REPORT_STYLE, script)}">`,
		'<meta name="viewport" content="width=device-width, initial-scale=1">',
		'<meta name="color-scheme" content="light dark">',
		'<meta name="referrer" content="no-referrer">',
		'<meta name="robots" content="noindex">',
		`<title>${title}</title>`,
		`<style>${REPORT_STYLE}</style>`,
		'</head>',
		'<body>',
		'<div class="page">',
		'<a class="skip" href="#text">Skip to the text</a>',
		header(transcript, view, title),
		timeline(view),
		tools(view),
		main(transcript, view),
		footer(service, transcript.model),
		'</div>',
		`<script>${script}</script>`,
		'</body>',
		'</html>',
		'',
	].join('\n');
}

function policy(style: string, script: string): string {
	const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
	return [
		"default-src 'none'",
		`style-src ${hash(style)}`,
		`script-src ${hash(script)}`,
		"base-uri 'none'",
		"form-action 'none'",
		"require-trusted-types-for 'script'",
		"trusted-types 'none'",
	].join('; ');
}

interface Speaker {
	name: string;
	/** Seconds of speech; 0 where times are not known. */
	seconds: number;
	colour: string;
	paragraphs: Paragraph[];
}

/** What several parts of the page need to know of the transcript. */
interface View {
	paragraphs: Paragraph[];
	/** By their names in the transcript, in the order of their first words. */
	speakers: Map<string, Speaker>;
	/** In seconds; 0 where no time is known. */
	duration: number;
	isTimed: boolean;
	confidences: number[];
}

function viewOf(transcript: Transcript, paragraphs: Paragraph[]): View {
	const speakers = new Map<string, Speaker>();
	let end = validTime(transcript.duration) ?? 0;
	for (const paragraph of paragraphs) {
		end = Math.max(end, paragraph.end ?? paragraph.start ?? 0);
		const name = paragraph.speaker;
		if (name === undefined || name.trim() === '') continue;
		const speaker = speakers.get(name) ?? {
			name: speakerName(name),
			seconds: 0,
			colour: `s${speakers.size % SPEAKER_COLOURS}`,
			paragraphs: [],
		};
		speaker.paragraphs.push(paragraph);
		speaker.seconds += secondsOf(paragraph);
		speakers.set(name, speaker);
	}
	return {
		paragraphs,
		speakers,
		duration: end,
		isTimed: end > 0 && paragraphs.some(({ start }) => start !== undefined),
		confidences: paragraphs.flatMap(({ pieces }) =>
			pieces.flatMap(({ confidence }) => confidence ?? []),
		),
	};
}

function secondsOf({ start, end }: Paragraph): number {
	return start === undefined || end === undefined ? 0 : end - start;
}

/** `0` and `A`, as services count speakers, say more with the word before them; `agent` does not. */
function speakerName(name: string): string {
	const text = readableText(name).trim();
	return /^(\d+|[A-Z])$/.test(text)
		? `Speaker ${text}`
		: text.replace(/^[a-z]/, (first) => first.toUpperCase());
}

function header(transcript: Transcript, { speakers, duration }: View, title: string): string {
	const words = transcript.words?.length || wordCount(transcript);
	const facts = [
		duration > 0 && fact(clock(duration), 'long'),
		speakers.size > 1 && fact(String(speakers.size), 'speakers'),
		words > 0 && fact(words.toLocaleString('en'), words === 1 ? 'word' : 'words'),
		transcript.language && fact(languageName(transcript.language), 'language'),
	];
	return [
		'<header>',
		'<p class="kind">Transcript</p>',
		`<h1 dir="auto">${title}</h1>`,
		'<dl class="facts">',
		...facts.filter((line) => typeof line === 'string'),
		'</dl>',
		'</header>',
	].join('\n');
}

function fact(value: string, name: string): string {
	return `<div><dt>${name}</dt><dd>${escaped(value)}</dd></div>`;
}

function wordCount({ text }: Transcript): number {
	const words = new Intl.Segmenter(undefined, { granularity: 'word' });
	let count = 0;
	for (const { isWordLike } of words.segment(text)) if (isWordLike) count++;
	return count;
}

function languageName(language: string): string {
	if (!isLanguageTag(language)) return language;
	return new Intl.DisplayNames(['en'], { type: 'language' }).of(language) ?? language;
}

function isLanguageTag(language: string): boolean {
	try {
		return Intl.getCanonicalLocales(language).length === 1;
	} catch {
		return false;
	}
}

interface Lane {
	name: string;
	colour: string;
	seconds: number;
	paragraphs: Paragraph[];
}

function timeline(view: View): string {
	if (!view.isTimed) return '';
	const lanes = lanesOf(view);
	const spoken = lanes.reduce((sum, { seconds }) => sum + seconds, 0);
	const share = (seconds: number) =>
		spoken > 0 && lanes.length > 1
			? `<small>${Math.round((seconds / spoken) * 100)} %</small>`
			: '';
	return [
		'<section class="timeline" aria-label="Timeline">',
		'<div class="lanes">',
		'<ul>',
		...lanes.map(
			({ name, colour, seconds }) =>
				`<li class="${colour}"><b dir="auto">${escaped(name)}</b>${share(seconds)}</li>`,
		),
		'</ul>',
		'<div class="bars">',
		...lanes.map(
			({ colour, paragraphs }) =>
				`<svg class="bar ${colour}" viewBox="0 0 ${TIMELINE_COLUMNS} 1" preserveAspectRatio="none" aria-hidden="true"><path d="${bars(paragraphs, view.duration)}"/></svg>`,
		),
		scale(view.duration),
		`<input id="position" type="range" data-tool hidden min="0" max="${Math.ceil(view.duration)}" value="0" aria-label="Go to a time in the recording">`,
		'</div>',
		'</div>',
		'</section>',
	].join('\n');
}

function lanesOf({ speakers, paragraphs }: View): Lane[] {
	const lanes: Lane[] = [...speakers.values()].sort((a, b) => b.seconds - a.seconds);
	const nobodys = paragraphs.filter(
		({ speaker }) => speaker === undefined || !speakers.has(speaker),
	);
	if (nobodys.length > 0) {
		const name = lanes.length > 0 ? 'Unknown' : 'Speech';
		lanes.push({ name, colour: 's0', seconds: total(nobodys), paragraphs: nobodys });
	}
	if (lanes.length <= MOST_LANES) return lanes;
	const others = lanes.splice(MOST_LANES - 1).flatMap((lane) => lane.paragraphs);
	const name = `${speakers.size - lanes.length} others`;
	return [...lanes, { name, colour: 's7', seconds: total(others), paragraphs: others }];
}

function total(paragraphs: Paragraph[]): number {
	return paragraphs.reduce((sum, paragraph) => sum + secondsOf(paragraph), 0);
}

/** The columns in which there is speech, as one path of rectangles. */
function bars(paragraphs: Paragraph[], duration: number): string {
	const columns = new Uint8Array(TIMELINE_COLUMNS);
	const column = (seconds: number) =>
		Math.min(TIMELINE_COLUMNS - 1, Math.floor((seconds / duration) * TIMELINE_COLUMNS));
	for (const { start, end } of paragraphs) {
		if (start === undefined) continue;
		const first = column(start);
		const last = end === undefined ? first : Math.max(first, column(end) - 1);
		columns.fill(1, first, last + 1);
	}
	let path = '';
	for (let from = columns.indexOf(1); from >= 0; ) {
		const next = columns.indexOf(0, from);
		const to = next < 0 ? TIMELINE_COLUMNS : next;
		path += `M${from} 0H${to}V1H${from}z`;
		from = columns.indexOf(1, to);
	}
	return path;
}

function scale(duration: number): string {
	const step =
		TICK_STEPS.find((seconds) => duration / seconds <= MOST_TICKS) ?? duration / MOST_TICKS;
	const labels: string[] = [];
	// The last stretch has no label of its own: it would stand too close to the end.
	for (let time = 0; time <= duration - step / 2; time += step) {
		labels.push(`<text x="${((time / duration) * 100).toFixed(2)}%" y="14">${clock(time)}</text>`);
	}
	labels.push(`<text class="last" x="100%" y="14">${clock(duration)}</text>`);
	return `<svg class="scale" aria-hidden="true">${labels.join('')}</svg>`;
}

function tools({ isTimed, paragraphs, confidences }: View): string {
	if (paragraphs.length === 0) return '';
	const hasDoubt = confidences.some((confidence) => confidence < FAIR_CONFIDENCE);
	return [
		'<div class="tools" data-tool hidden role="region" aria-label="Tools">',
		'<div>',
		'<div class="group grow" role="search">',
		'<input id="search" type="search" placeholder="Search the text" aria-label="Search the text" autocomplete="off" spellcheck="false">',
		'<button id="previous" class="arrow" type="button" disabled aria-label="Previous match">↑</button>',
		'<button id="next" class="arrow" type="button" disabled aria-label="Next match">↓</button>',
		'<span id="count" role="status"></span>',
		'</div>',
		...(hasDoubt
			? [
					'<div class="group">',
					'<label><input id="marks" type="checkbox" checked autocomplete="off">Mark unsure</label>',
					'<button id="doubt-previous" class="arrow" type="button" aria-label="Previous unsure word">↑</button>',
					'<button id="doubt-next" class="arrow" type="button" aria-label="Next unsure word">↓</button>',
					'</div>',
				]
			: []),
		'<div class="group">',
		'<button id="copy" type="button">Copy text</button>',
		...(isTimed ? ['<button id="copy-times" type="button">Copy with times</button>'] : []),
		'</div>',
		'<span id="status" role="status"></span>',
		'</div>',
		'</div>',
	].join('\n');
}

function legend({ confidences }: View): string {
	if (confidences.length === 0) return '';
	const average = confidences.reduce((sum, confidence) => sum + confidence, 0) / confidences.length;
	const percent = (confidence: number) => `${Math.round(confidence * 100)} %`;
	return [
		'<p class="legend">',
		`<span>The service’s own confidence, ${percent(average)} on average:</span>`,
		`<span class="low">unsure</span><span>below ${percent(LOW_CONFIDENCE)}</span>`,
		`<span class="fair">less sure</span><span>below ${percent(FAIR_CONFIDENCE)}</span>`,
		'</p>',
	].join('\n');
}

function main({ language }: Transcript, view: View): string {
	const { paragraphs, speakers } = view;
	const spokenIn = language && isLanguageTag(language) ? ` lang="${escaped(language)}"` : '';
	let last: string | undefined;
	const isBare = speakers.size === 0 && !view.isTimed;
	const turns = paragraphs.map((paragraph) => {
		const speaker = speakers.get(paragraph.speaker ?? '');
		const isFirst = paragraph.speaker !== last && speaker !== undefined;
		last = paragraph.speaker;
		return turn(paragraph, speaker, isFirst, spokenIn);
	});
	return [
		`<main id="text" tabindex="-1"${isBare ? ' class="bare"' : ''}>`,
		legend(view),
		...(turns.length > 0 ? turns : ['<p class="empty">No speech was heard in this recording.</p>']),
		'</main>',
	].join('\n');
}

function turn(
	{ start, pieces }: Paragraph,
	speaker: Speaker | undefined,
	isFirst: boolean,
	spokenIn: string,
): string {
	const classes = ['turn', speaker?.colour ?? 'anonymous', ...(isFirst ? ['first'] : [])];
	const time = start === undefined ? '' : ` data-t="${Math.floor(start * 1_000) / 1_000}"`;
	const name = speaker ? ` data-speaker="${escaped(speaker.name)}"` : '';
	return [
		`<div class="${classes.join(' ')}"${time}${name}><div class="side">`,
		isFirst && speaker ? `<b dir="auto">${escaped(speaker.name)}</b>` : '',
		start === undefined ? '' : `<time>${clock(start)}</time>`,
		`</div><p class="text" dir="auto"${spokenIn}>${runs(pieces).map(run).join('')}</p></div>`,
	].join('');
}

interface Run extends Piece {
	level: 'low' | 'fair' | '';
}

/** Neighbours that look alike as one: most words need no element of their own. */
function runs(pieces: Piece[]): Run[] {
	const merged: Run[] = [];
	for (const piece of pieces) {
		const level = levelOf(piece.confidence);
		const before = merged.at(-1);
		if (before && level === '' && before.level === '') before.text += piece.text;
		else merged.push({ ...piece, level });
	}
	return merged;
}

function levelOf(confidence: number | undefined): Run['level'] {
	if (confidence === undefined || !(confidence < FAIR_CONFIDENCE)) return '';
	return confidence < LOW_CONFIDENCE ? 'low' : 'fair';
}

function run({ text, level, confidence = 0 }: Run): string {
	if (level === '') return escaped(text);
	const percent = Math.round(Math.max(0, confidence) * 100);
	return `<span class="${level}" title="${percent} % sure">${escaped(text)}</span>`;
}

function footer(service: string, model: string | undefined): string {
	const by = [service, ...(model ? [model] : [])].map(escaped).join(' · ');
	return `<footer>Transcribed by ${by}. A machine wrote this: check against the recording what matters.</footer>`;
}

/** Seconds as `m:ss`, from an hour on `h:mm:ss`. */
function clock(seconds: number): string {
	const two = (value: number) => String(value).padStart(2, '0');
	const whole = Math.floor(seconds);
	const [hours, minutes] = [Math.floor(whole / 3_600), Math.floor(whole / 60) % 60];
	return hours > 0
		? `${hours}:${two(minutes)}:${two(whole % 60)}`
		: `${minutes}:${two(whole % 60)}`;
}

/** Text for content and for values in double quotes. */
function escaped(text: string): string {
	return readableText(text)
		.replaceAll('&', '&amp;')
		.replaceAll('<', '&lt;')
		.replaceAll('>', '&gt;')
		.replaceAll('"', '&quot;')
		.replaceAll("'", '&#39;');
}
