import { execFileSync } from 'node:child_process';
import {
	createReadStream,
	mkdtempSync,
	readFileSync,
	readdirSync,
	rmSync,
	statSync,
	writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { buildPackage } from '../harness/build.ts';
import { packageRoot } from '../harness/root.ts';
import { makeDtmfWav, type Phrase } from '../sandbox/hearing/tones.ts';

/**
 * How fast recordings are cut into parts of 24 MB and 20 minutes, beside ffmpeg's cutting without
 * decoding, with the lines of code of each format and the memory taken. Needs ffmpeg.
 *
 *     npm run bench -- cutting --minutes 180
 */
const { values } = parseArgs({
	options: { minutes: { type: 'string', default: '60' } },
	args: process.argv.slice(3),
});
const LIMITS = { bytes: 24_000_000, seconds: 20 * 60 };
const MEGABYTE = 1_000_000;
/** Encoders are fed with a minute again and again: what is measured does not depend on the sound. */
const MINUTE = 60;

interface Case {
	name: string;
	extension: string;
	encoding: string[];
	/** What is this format's own, below `nodes/shared/audio/containers`. */
	sources: string[];
}

const MP4_SOURCES = ['mp4.ts', 'mp4', 'aac.ts', 'cursor.ts', 'growingTable.ts'];
const OGG_SOURCES = ['ogg.ts', 'oggPage.ts', 'opus.ts', 'vorbis.ts'];

const CASES: Case[] = [
	{ name: 'WAV', extension: 'wav', encoding: ['-c:a', 'pcm_s16le'], sources: ['wav.ts'] },
	{
		name: 'MP3',
		extension: 'mp3',
		encoding: ['-b:a', '128k'],
		sources: ['mp3.ts', 'mpegFrame.ts'],
	},
	{ name: 'M4A (AAC)', extension: 'm4a', encoding: ['-b:a', '128k'], sources: MP4_SOURCES },
	{
		name: 'Ogg (Opus)',
		extension: 'ogg',
		encoding: ['-c:a', 'libopus', '-b:a', '64k'],
		sources: OGG_SOURCES,
	},
	{ name: 'Ogg (Vorbis)', extension: 'ogg', encoding: ['-c:a', 'libvorbis'], sources: OGG_SOURCES },
	{ name: 'FLAC', extension: 'flac', encoding: [], sources: ['flac.ts', 'flacFrame.ts'] },
	{
		name: 'WebM (Opus)',
		extension: 'webm',
		encoding: ['-c:a', 'libopus', '-b:a', '64k'],
		sources: ['matroska.ts', 'matroska'],
	},
];

const folder = mkdtempSync(path.join(os.tmpdir(), 'n8n-speech-bench-'));
await buildPackage();
const load = createRequire(import.meta.url);
const shared = (file: string): unknown =>
	load(path.join(packageRoot(), 'dist', 'nodes', 'shared', file));
const { openSoundTrack } = shared('audio/inspection.js') as {
	openSoundTrack: (recording: { length: number; open: () => Promise<object> }) => Promise<object>;
};
const { cutIntoParts } = shared('audio/parts.js') as {
	cutIntoParts: (
		track: object,
		limits: { bytes: number; seconds: number },
	) => AsyncIterable<{ file: { content: Buffer } }>;
};
const { ByteReader } = shared('byteReader.js') as {
	ByteReader: new (source: AsyncIterable<Uint8Array>) => object;
};

const ffmpeg = (args: string[]) =>
	execFileSync('ffmpeg', ['-v', 'error', '-y', ...args], { cwd: folder, stdio: 'pipe' });

async function cut(file: string): Promise<{ parts: number; peak: number }> {
	const open = () => Promise.resolve(new ByteReader(createReadStream(file)));
	const track = await openSoundTrack({ length: statSync(file).size, open });
	let parts = 0;
	let peak = 0;
	for await (const { file: part } of cutIntoParts(track, LIMITS)) {
		parts += part.content.length > 0 ? 1 : 0;
		peak = Math.max(peak, process.memoryUsage.rss());
	}
	return { parts, peak };
}

function linesOf(source: string): number {
	const file = path.join(import.meta.dirname, '../nodes/shared/audio/containers', source);
	if (!statSync(file).isDirectory()) return readFileSync(file, 'utf8').split('\n').length - 1;
	return readdirSync(file).reduce((sum, name) => sum + linesOf(path.join(source, name)), 0);
}

try {
	const phrases: Phrase[] = Array.from({ length: 40 }, (_, index) => ({
		keys: String(index % 10),
		start: 0.5 + index * 1.45,
	}));
	const minute = path.join(folder, 'minute.wav');
	const tones = makeDtmfWav({
		sampleRate: 44_100,
		channels: [phrases, phrases],
		duration: MINUTE,
	});
	writeFileSync(minute, tones);
	const rows: Array<Record<string, string | number>> = [];
	for (const { name, extension, encoding, sources } of CASES) {
		const file = path.join(folder, `recording.${extension}`);
		const again = ['-stream_loop', String(Number(values.minutes) - 1), '-i', minute];
		ffmpeg([...again, ...encoding, file]);
		const megabytes = statSync(file).size / MEGABYTE;
		const begun = performance.now();
		const { parts, peak } = await cut(file);
		const own = (performance.now() - begun) / 1_000;
		const theirsBegun = performance.now();
		const segments = ['-f', 'segment', '-segment_time', String(LIMITS.seconds)];
		ffmpeg(['-i', file, '-c', 'copy', ...segments, `segment-%03d.${extension}`]);
		const theirs = (performance.now() - theirsBegun) / 1_000;
		rows.push({
			format: name,
			MB: megabytes.toFixed(1),
			parts,
			'MB/s': (megabytes / own).toFixed(0),
			'ffmpeg, MB/s': (megabytes / theirs).toFixed(0),
			'memory, MB': (peak / MEGABYTE).toFixed(0),
			'lines of code': sources.reduce((sum, source) => sum + linesOf(source), 0),
		});
		for (const written of readdirSync(folder)) {
			if (written !== 'minute.wav') rmSync(path.join(folder, written));
		}
	}
	console.table(rows);
} finally {
	rmSync(folder, { recursive: true, force: true });
}
