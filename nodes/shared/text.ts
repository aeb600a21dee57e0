/** The text with a full stop, where it has no end yet. */
export function sentence(text: string): string {
	return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** n8n shows descriptions as HTML; what a service answers must stay text. */
export function escapeHtml(text: string): string {
	return text.replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** A media type in lower case, without its parameters; empty where there is none. */
export function mediaType(header: string | undefined): string {
	return (header ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

/** Whether a text has characters of a script that is written without spaces between its words. */
export const WRITTEN_WITHOUT_SPACES =
	/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
