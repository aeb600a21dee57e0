import { mediaType } from '../text';

/** An audio or video container: the file extension that names it and the MIME types that fit it. */
interface Format {
	extension: string;
	/** The usual type first. */
	mimeTypes: readonly string[];
}

const FORMATS: readonly Format[] = [
	{ extension: 'flac', mimeTypes: ['audio/flac', 'audio/x-flac'] },
	{ extension: 'mp3', mimeTypes: ['audio/mpeg', 'audio/mp3', 'audio/x-mp3', 'audio/mpeg3'] },
	{ extension: 'm4a', mimeTypes: ['audio/mp4', 'audio/m4a', 'audio/x-m4a'] },
	{ extension: 'mp4', mimeTypes: ['video/mp4', 'audio/mp4', 'application/mp4'] },
	{ extension: 'mpeg', mimeTypes: ['video/mpeg', 'audio/mpeg'] },
	{ extension: 'mpga', mimeTypes: ['audio/mpeg'] },
	{
		extension: 'ogg',
		mimeTypes: [
			'audio/ogg',
			'audio/opus',
			'audio/oga',
			'audio/vorbis',
			'application/ogg',
			'video/ogg',
		],
	},
	{
		extension: 'wav',
		mimeTypes: ['audio/wav', 'audio/x-wav', 'audio/wave', 'audio/vnd.wave'],
	},
	{ extension: 'webm', mimeTypes: ['audio/webm', 'video/webm'] },
];

/** Extensions of the same bytes under another name, which services refuse though they can read them. */
const SYNONYMS: Readonly<Record<string, string>> = {
	oga: 'ogg',
	opus: 'ogg',
	wave: 'wav',
};

const KNOWN_EXTENSIONS: readonly string[] = FORMATS.map(({ extension }) => extension);

export interface NamedFile {
	fileName: string;
	mimeType: string;
}

/**
 * The name and MIME type to send a file with, so that the name ends in one of the extensions and the
 * type fits it. The name's own extension decides where it is one of them; otherwise the MIME type does.
 * `undefined` where neither tells a format of them, or where the MIME type says that the file is
 * something else, such as text.
 *
 * @param extensions those that the service takes; without it, all that are known here
 */
export function namedAudioFile(
	fileName: string | undefined,
	mimeType: string | undefined,
	extensions = KNOWN_EXTENSIONS,
): NamedFile | undefined {
	const name = (fileName ?? '').split(/[/\\]/).pop()?.trim() ?? '';
	const type = mediaType(mimeType);
	if (isOtherThanAudio(type)) return undefined;
	const dot = name.lastIndexOf('.');
	const ownExtension = dot < 0 ? '' : name.slice(dot + 1).toLowerCase();
	const formats = FORMATS.filter(({ extension }) => extensions.includes(extension));
	const format =
		formats.find(({ extension }) => extension === (SYNONYMS[ownExtension] ?? ownExtension)) ??
		formats.find(({ mimeTypes }) => mimeTypes.includes(type));
	if (!format) return undefined;
	const stem = dot < 0 ? name : name.slice(0, dot);
	const usualType = format.mimeTypes[0] ?? type;
	const isUsable = STANDARD_TYPES.has(type) && format.mimeTypes.includes(type);
	return {
		fileName: `${stem || 'audio'}.${format.extension}`,
		mimeType: isUsable ? type : usualType,
	};
}

/**
 * The MIME type to send a file's bytes with as they are: the usual one of a known format, otherwise
 * whatever audio or video type it came with, otherwise that of any bytes.
 */
export function audioMimeType(fileName: string | undefined, mimeType: string | undefined): string {
	const type = mediaType(mimeType);
	const isMedia = /^(audio|video)\/[\w.+-]+$/.test(type);
	return (
		namedAudioFile(fileName, mimeType)?.mimeType ?? (isMedia ? type : 'application/octet-stream')
	);
}

/** Whether a MIME type says that a file holds no audio, whatever its name. */
export function isOtherThanAudio(type: string): boolean {
	return /^(text|image|font)\/|^application\/(json|pdf|zip|gzip|xml|xhtml\+xml)$/.test(type);
}

/** Whether a MIME type is that of a page or message, which servers answer instead of a file. */
export function isPage(type: string): boolean {
	return ['text/html', 'application/xhtml+xml', 'application/json', 'application/xml'].includes(
		type,
	);
}

/** The types that name a format for everyone; the others are only understood, never sent. */
const STANDARD_TYPES: ReadonlySet<string> = new Set([
	'audio/flac',
	'audio/mpeg',
	'audio/mp4',
	'video/mp4',
	'video/mpeg',
	'audio/ogg',
	'audio/wav',
	'audio/webm',
	'video/webm',
]);
