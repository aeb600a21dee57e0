/** How many speakers have a colour of their own; the next ones begin anew. */
export const SPEAKER_COLOURS = 8;

/**
 * What a report does in the browser: search, the way from one unsure word to the next, the timeline,
 * copying. It is put into the page as its own source text, so it uses nothing from outside itself.
 * Without it, the page is a plain document.
 */
export function reportScript(): void {
	interface Match {
		paragraph: HTMLElement;
		start: number;
		end: number;
	}

	const MOST_HIGHLIGHTS = 5000;
	const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T | null;
	const all = (selector: string) => [...document.querySelectorAll<HTMLElement>(selector)];
	const paragraphs = all('.text');
	const say = (text: string) => {
		const status = element('status');
		if (status) status.textContent = text;
	};

	/** In lower case without accents and vowel points; `origin` leads back to the text. */
	const fold = (text: string): { folded: string; origin?: number[] } => {
		if (/^[ -~]*$/.test(text)) return { folded: text.toLowerCase() };
		const origin: number[] = [];
		let folded = '';
		let index = 0;
		for (const character of text) {
			const plain = character.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
			for (let unit = 0; unit < plain.length; unit++) origin.push(index);
			folded += plain;
			index += character.length;
		}
		origin.push(index);
		return { folded, origin };
	};

	let texts: Array<ReturnType<typeof fold>> | undefined;
	const matchesOf = (query: string): Match[] => {
		const { folded: needle } = fold(query.replace(/\s+/g, ' ').trim());
		if (needle === '') return [];
		texts ??= paragraphs.map((paragraph) => fold(paragraph.textContent ?? ''));
		return texts.flatMap(({ folded, origin }, index) => {
			const paragraph = paragraphs[index];
			const found: Match[] = [];
			let at = folded.indexOf(needle);
			while (paragraph && at >= 0) {
				const after = at + needle.length;
				const start = origin?.[at] ?? at;
				found.push({ paragraph, start, end: origin?.[after] ?? after });
				at = folded.indexOf(needle, after);
			}
			return found;
		});
	};

	const rangeOf = ({ paragraph, start, end }: Match): Range => {
		const range = document.createRange();
		const walker = document.createTreeWalker(paragraph, NodeFilter.SHOW_TEXT);
		let offset = 0;
		for (let node = walker.nextNode(); node; node = walker.nextNode()) {
			const { length } = node as Text;
			if (start >= offset && start < offset + length) range.setStart(node, start - offset);
			if (end > offset && end <= offset + length) {
				range.setEnd(node, end - offset);
				break;
			}
			offset += length;
		}
		return range;
	};

	const canHighlight = 'highlights' in CSS && typeof Highlight === 'function';
	const highlight = (name: string, ranges: Range[]) => {
		if (canHighlight) CSS.highlights.set(name, new Highlight(...ranges));
	};

	const search = element<HTMLInputElement>('search');
	const count = element('count');
	let matches: Match[] = [];
	let current = -1;

	const showMatch = (step: number) => {
		if (matches.length === 0) return;
		current = (current + step + matches.length) % matches.length;
		const match = matches[current];
		if (!match) return;
		if (count) count.textContent = `${current + 1} of ${matches.length}`;
		const range = rangeOf(match);
		highlight('found-here', [range]);
		if (!canHighlight)
			getSelection()?.setBaseAndExtent(
				range.startContainer,
				range.startOffset,
				range.endContainer,
				range.endOffset,
			);
		match.paragraph.scrollIntoView({ block: 'center' });
	};

	const find = () => {
		const query = search?.value ?? '';
		matches = matchesOf(query);
		current = -1;
		highlight('found', matches.slice(0, MOST_HIGHLIGHTS).map(rangeOf));
		highlight('found-here', []);
		for (const id of ['previous', 'next']) {
			element(id)?.toggleAttribute('disabled', matches.length === 0);
		}
		if (count) count.textContent = query.trim() === '' ? '' : 'Not found';
		showMatch(1);
	};

	search?.addEventListener('input', find);
	search?.addEventListener('keydown', (event) => {
		if (event.isComposing) return;
		if (event.key === 'Enter') {
			event.preventDefault();
			showMatch(event.shiftKey ? -1 : 1);
		} else if (event.key === 'Escape' && search.value !== '') {
			event.preventDefault();
			search.value = '';
			find();
		}
	});
	element('previous')?.addEventListener('click', () => showMatch(-1));
	element('next')?.addEventListener('click', () => showMatch(1));

	const doubtful = all('.low, .fair');
	let doubt = -1;
	const showDoubt = (step: number) => {
		doubtful[doubt]?.classList.remove('here');
		doubt =
			doubt < 0 && step < 0
				? doubtful.length - 1
				: (doubt + step + doubtful.length) % doubtful.length;
		const word = doubtful[doubt];
		if (!word) return;
		word.classList.add('here');
		word.scrollIntoView({ block: 'center' });
		say(`${doubt + 1} of ${doubtful.length}: “${word.textContent}”, ${word.title}`);
	};
	element('doubt-previous')?.addEventListener('click', () => showDoubt(-1));
	element('doubt-next')?.addEventListener('click', () => showDoubt(1));
	const marks = element<HTMLInputElement>('marks');
	marks?.addEventListener('change', () =>
		document.body.classList.toggle('unmarked', !marks.checked),
	);

	const clock = (seconds: number) => {
		const [hours, minutes, rest] = [
			Math.floor(seconds / 3600),
			Math.floor(seconds / 60) % 60,
			Math.floor(seconds) % 60,
		];
		const two = (value: number) => String(value).padStart(2, '0');
		return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
	};
	const timeOf = (turn: HTMLElement) => Number(turn.dataset.t);
	const timed = all('.turn[data-t]');
	const position = element<HTMLInputElement>('position');
	const tellPosition = () => {
		if (!position) return;
		const text = clock(Number(position.value));
		position.setAttribute('aria-valuetext', text);
	};
	position?.addEventListener('input', () => {
		const time = Number(position.value);
		const turn = timed.filter((candidate) => timeOf(candidate) <= time).at(-1) ?? timed[0];
		for (const marked of all('.turn.here')) marked.classList.remove('here');
		turn?.classList.add('here');
		turn?.scrollIntoView({ block: 'center' });
		tellPosition();
	});

	const copyText = (withTimes: boolean) => {
		let speaker: string | undefined;
		return all('.turn')
			.map((turn) => {
				const text = turn.querySelector('.text')?.textContent ?? '';
				const name = turn.dataset.speaker;
				const isNew = name !== undefined && (withTimes || name !== speaker);
				speaker = name;
				const at = withTimes ? turn.querySelector('time')?.textContent : undefined;
				return `${at ? `[${at}] ` : ''}${isNew ? `${name}: ` : ''}${text}`;
			})
			.join('\n\n');
	};
	/** The older way, for pages that may not use the clipboard: inside a frame, for example. */
	const copyBySelection = (text: string): boolean => {
		const field = document.createElement('textarea');
		field.className = 'away';
		field.value = text;
		document.body.append(field);
		field.select();
		const isDone = document.execCommand('copy');
		field.remove();
		return isDone;
	};
	const copy = async (withTimes: boolean) => {
		const text = copyText(withTimes);
		const isDone = await Promise.resolve()
			.then(() => navigator.clipboard.writeText(text))
			.then(() => true)
			.catch(() => copyBySelection(text));
		say(isDone ? 'Copied' : 'The browser did not allow copying: select the text and copy it');
	};
	element('copy')?.addEventListener('click', () => void copy(false));
	element('copy-times')?.addEventListener('click', () => void copy(true));

	for (const tool of all('[data-tool]')) tool.hidden = false;
	tellPosition();
}

const LIGHT = `
	--page: #fbfaf7; --card: #ffffff; --ink: #1f1d1a; --soft: #6a655d; --line: #e5e1d8;
	--track: #f0ede6; --accent: #3b4cc0; --found: #ffe58a; --found-here: #ffb13d; --found-ink: #1f1d1a;
	--low: #b3261e; --low-back: #fde8e6; --fair: #8a5300;
	--s0: #3f4fc4; --s1: #b4490c; --s2: #0b766c; --s3: #9a2aa8;
	--s4: #4a7410; --s5: #0a6a9e; --s6: #7038d4; --s7: #865318;`;

const DARK = `
	--page: #15161a; --card: #1d1f24; --ink: #e9e7e2; --soft: #a19d95; --line: #32343b;
	--track: #292b31; --accent: #a3b0ff; --found: #6b5710; --found-here: #ffb13d; --found-ink: #fff;
	--low: #ff9d94; --low-back: #472220; --fair: #f0c061;
	--s0: #97a6ff; --s1: #fba068; --s2: #55d2c2; --s3: #e795f2;
	--s4: #a9d465; --s5: #72c6f4; --s6: #bda4ff; --s7: #dfae7a;`;

const speakerColours = Array.from(
	{ length: SPEAKER_COLOURS },
	(_, index) => `.s${index} { --speaker: var(--s${index}); }`,
).join('\n');

/** Colours alone carry nothing: unsure words are underlined too, speakers are named. */
export const REPORT_STYLE = `
:root { color-scheme: light dark; ${LIGHT} }
@media (prefers-color-scheme: dark) { :root { ${DARK} } }
@media print { :root { color-scheme: light; ${LIGHT} --page: #fff; } }
${speakerColours}
*, ::before, ::after { box-sizing: border-box; }
[hidden] { display: none !important; }
html { scroll-padding-top: 5rem; -webkit-text-size-adjust: 100%; }
body {
	margin: 0; background: var(--page); color: var(--ink); --speaker: var(--s0);
	font: 1rem/1.5 ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans",
		"Helvetica Neue", Arial, sans-serif;
}
.page { max-width: 62rem; margin: 0 auto; padding: 0 1.5rem; }
.skip, .away { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; top: 1rem; z-index: 3; padding: .5rem 1rem; background: var(--card); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: .25rem; }

header { padding: 3.5rem 0 1.5rem; }
.kind { margin: 0; color: var(--soft); font-size: .8125rem; letter-spacing: .08em; text-transform: uppercase; }
h1 {
	margin: .25rem 0 .75rem; font-size: clamp(1.625rem, 4vw, 2.375rem); font-weight: 680; line-height: 1.2;
	letter-spacing: -.02em; overflow-wrap: anywhere; text-wrap: balance;
}
.facts { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; margin: 0; color: var(--soft); }
.facts div { display: flex; gap: .4rem; }
.facts dt { order: 2; }
.facts dd { margin: 0; color: var(--ink); font-weight: 600; font-variant-numeric: tabular-nums; }
.facts .name { flex-direction: row-reverse; }

.timeline {
	margin: 0 0 1rem; padding: 1rem 1.25rem .75rem; border: 1px solid var(--line); border-radius: .875rem;
	background: var(--card);
}
.lanes { display: flex; gap: 1.25rem; }
.lanes ul { flex: none; max-width: 40%; margin: 0; padding: 0; list-style: none; }
.lanes li { display: flex; align-items: center; gap: .75rem; height: 1.75rem; font-size: .875rem; }
.lanes b { overflow: hidden; max-width: 12rem; text-overflow: ellipsis; white-space: nowrap; color: var(--speaker); font-weight: 650; }
.lanes small { margin-inline-start: auto; color: var(--soft); font-size: .8125rem; font-variant-numeric: tabular-nums; }
.bars { position: relative; flex: 1; min-width: 0; }
.bars svg { display: block; width: 100%; }
.bar { height: 1rem; margin: .375rem 0 .75rem; border-radius: .25rem; background: var(--track); }
.bar path { fill: var(--speaker); }
.scale { height: 1.25rem; overflow: visible; }
.scale text { fill: var(--soft); font-size: .75rem; font-variant-numeric: tabular-nums; }
.scale .last { text-anchor: end; }
#position {
	position: absolute; inset: 0 0 1rem; width: 100%; height: calc(100% - 1rem); margin: 0;
	appearance: none; background: none; cursor: pointer;
}
#position::-webkit-slider-runnable-track { height: 100%; }
#position::-webkit-slider-thumb { appearance: none; width: 2px; height: 100%; background: var(--ink); border-radius: 1px; }
#position::-moz-range-thumb { width: 2px; height: 100%; border: 0; background: var(--ink); }

.tools {
	position: sticky; top: 0; z-index: 2; margin: 0 -1.5rem; padding: .625rem 1.5rem;
	background: var(--page); border-bottom: 1px solid var(--line);
}
.tools > div { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1.25rem; }
.group { display: flex; align-items: center; gap: .375rem; }
.grow { flex: 1 1 16rem; }
input[type=search] {
	flex: 1; min-width: 0; max-width: 24rem; height: 2.25rem; padding: 0 .75rem; font: inherit; color: inherit;
	border: 1px solid var(--line); border-radius: .5rem; background: var(--card);
}
input[type=search]::placeholder { color: var(--soft); opacity: 1; }
input[type=checkbox] { width: 1rem; height: 1rem; margin: 0; accent-color: var(--accent); }
label { display: flex; align-items: center; gap: .4rem; font-size: .875rem; }
button {
	height: 2.25rem; min-width: 2.25rem; padding: 0 .75rem; font: inherit; font-size: .875rem; color: inherit; cursor: pointer;
	border: 1px solid var(--line); border-radius: .5rem; background: var(--card); white-space: nowrap;
}
button:hover:enabled, input[type=search]:hover { border-color: var(--soft); }
button:disabled { color: var(--soft); opacity: .6; cursor: default; }
button.arrow { padding: 0; }
#count { min-width: 5.5rem; color: var(--soft); font-size: .875rem; font-variant-numeric: tabular-nums; }
#status { color: var(--soft); font-size: .875rem; }
#status:not(:empty) { flex-basis: 100%; }

.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; margin: 1.25rem 0 0; color: var(--soft); font-size: .875rem; }
.turn {
	display: grid; grid-template-columns: 8.5rem minmax(0, 44rem); column-gap: 1.5rem; padding: .375rem 0;
	content-visibility: auto; contain-intrinsic-size: auto 7rem;
}
.turn.first { padding-top: 1.25rem; }
.side { display: flex; flex-direction: column; font-size: .875rem; padding-top: .15rem; overflow-wrap: anywhere; }
.side b { color: var(--speaker); font-weight: 650; line-height: 1.4; }
time { color: var(--soft); font-variant-numeric: tabular-nums; font-size: .8125rem; line-height: 1.6; }
.text { margin: 0; padding-inline: 1rem; font-size: 1.0625rem; line-height: 1.7; overflow-wrap: anywhere; border-inline-start: 3px solid var(--speaker); text-wrap: pretty; }
.anonymous .text { border-color: var(--line); }
.bare .turn { grid-template-columns: minmax(0, 44rem); }
.turn.here .text { background: linear-gradient(var(--track), var(--track)); }
.fair { color: var(--fair); text-decoration: underline dotted 1.5px; text-underline-offset: .25em; }
.low { color: var(--low); background: var(--low-back); border-radius: .2em; text-decoration: underline wavy 1px; text-underline-offset: .22em; text-decoration-skip-ink: none; }
.fair.here, .low.here { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: .2em; }
.unmarked .turn .fair, .unmarked .turn .low { color: inherit; background: none; text-decoration: none; }
::highlight(found) { background-color: var(--found); color: var(--found-ink); }
::highlight(found-here) { background-color: var(--found-here); color: #1f1d1a; }
.empty { padding: 3rem 0; color: var(--soft); }
footer { margin: 3rem 0; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .8125rem; }

@media (max-width: 44rem) {
	.page { padding: 0 1rem; }
	header { padding-top: 2rem; }
	.tools { margin: 0 -1rem; padding: .5rem 1rem; }
	.lanes { gap: .75rem; }
	.lanes small { display: none; }
	.turn { grid-template-columns: minmax(0, 1fr); }
	.side { flex-direction: row; align-items: baseline; gap: .6rem; padding: 0 0 .15rem; }
}
@media (forced-colors: active) {
	.bar path { fill: CanvasText; }
	.text { border-color: CanvasText; }
}
@page { margin: 18mm 16mm; @bottom-right { content: counter(page) " / " counter(pages); font: 8pt sans-serif; color: #6a655d; } }
@media print {
	.tools, .skip, #position { display: none !important; }
	body { font-size: 10pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
	.page { max-width: none; padding: 0; }
	header { padding-top: 0; }
	h1 { font-size: 20pt; }
	.timeline { break-inside: avoid; }
	.turn { content-visibility: visible; grid-template-columns: 26mm minmax(0, 1fr); column-gap: 4mm; }
	.turn, .text { orphans: 3; widows: 3; }
	.side { flex-direction: column; break-inside: avoid; }
	.text { font-size: 10.5pt; line-height: 1.55; }
}
`;
