/** How many bytes `audioKind` wants to see. */
export const SIGNATURE_BYTES = 64;

/** Names of file formats by the bytes they begin with, at an offset. */
const SIGNATURES: ReadonlyArray<readonly [name: string, offset: number, bytes: string]> = [
	['Wave64', 0, 'riff\u002e\u0091\u00cf\u0011'],
	['big-endian WAV (RIFX)', 0, 'RIFX'],
	['AVI', 8, 'AVI '],
	['AIFF', 8, 'AIFF'],
	['AIFF-C', 8, 'AIFC'],
	['Ogg (Opus or Vorbis)', 0, 'OggS'],
	['FLAC', 0, 'fLaC'],
	['MP3', 0, 'ID3'],
	['MP4 or M4A', 4, 'ftyp'],
	['WebM or Matroska', 0, '\u001a\u0045\u00df\u00a3'],
	['AMR', 0, '#!AMR'],
	['Windows Media (ASF)', 0, '\u0030\u0026\u00b2\u0075'],
	['AU', 0, '.snd'],
	['Core Audio (CAF)', 0, 'caff'],
	['Monkey\u2019s Audio', 0, 'MAC '],
	['WavPack', 0, 'wvpk'],
	['ZIP', 0, 'PK\u0003\u0004'],
	['gzip', 0, '\u001f\u008b'],
	['PDF', 0, '%PDF'],
];

/**
 * What a file is by its first bytes: `wav`, the name of another format, or `undefined` where they
 * tell nothing (as with samples without a header).
 */
export function audioKind(start: Buffer): string | undefined {
	const text = start.toString('latin1', 0, SIGNATURE_BYTES);
	if (/^(RIFF|RF64|BW64)/.test(text) && text.slice(8, 12) === 'WAVE') return 'wav';
	const known = SIGNATURES.find(([, offset, bytes]) => text.startsWith(bytes, offset));
	if (known) return known[0];
	if (/^\s*<(!doctype|html|\?xml)/i.test(text)) return 'web page (HTML or XML)';
	if (/^\s*[{[]\s*["{[]/.test(text)) return 'JSON';
	return mpegKind(start);
}

/** MPEG audio has no signature, only the eleven set bits that every frame begins with. */
function mpegKind(start: Buffer): string | undefined {
	const [first = 0, second = 0, third = 0] = start;
	if (first !== 0xff || (second & 0xe0) !== 0xe0) return undefined;
	const layer = (second >> 1) & 3;
	if (layer === 0) return (second & 0xf0) === 0xf0 ? 'AAC (ADTS)' : undefined;
	const hasVersion = ((second >> 3) & 3) !== 1;
	const hasBitrate = third >> 4 !== 0x0f;
	const hasRate = ((third >> 2) & 3) !== 3;
	return hasVersion && hasBitrate && hasRate ? 'MP3' : undefined;
}
