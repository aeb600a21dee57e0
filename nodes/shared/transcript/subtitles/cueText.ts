const MS_PER_SECOND = 1_000;
const MS_PER_MINUTE = 60 * MS_PER_SECOND;
const MS_PER_HOUR = 60 * MS_PER_MINUTE;

/** The text with all white space, line ends too, as single spaces. */
export function oneLine(text: string): string {
	return text.replace(/\s+/g, ' ').trim();
}

/** A time of a cue as `hh:mm:ss`, the mark and three digits of milliseconds. */
export function timestamp(ms: number, decimalMark: ',' | '.'): string {
	const pad = (value: number, digits = 2) => String(Math.floor(value)).padStart(digits, '0');
	const hours = pad(ms / MS_PER_HOUR);
	const minutes = pad((ms % MS_PER_HOUR) / MS_PER_MINUTE);
	const seconds = pad((ms % MS_PER_MINUTE) / MS_PER_SECOND);
	return `${hours}:${minutes}:${seconds}${decimalMark}${pad(ms % MS_PER_SECOND, 3)}`;
}
