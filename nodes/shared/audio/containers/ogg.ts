import { audioKind } from '../signature';
import {
	UnreadableRecording,
	type ContainerFormat,
	type Packet,
	type PartFile,
	type SoundTrack,
} from './container';
import { byteRateLoudness } from './loudness';
import type { OggCodec } from './oggCodec';
import { PacketAssembler, PageReader, PageWriter, sizeOfPages, type OggPage } from './oggPage';
import { opusCodec } from './opus';
import { vorbisCodec } from './vorbis';

/** The first bytes of a logical stream, and what it holds. */
const CODECS: ReadonlyArray<readonly [start: string, codec: (header: Buffer) => OggCodec]> = [
	['OpusHead', opusCodec],
	['\u0001vorbis', vorbisCodec],
];
const OTHER_SOUND: ReadonlyArray<readonly [start: string, name: string]> = [
	['Speex   ', 'Speex'],
	['\u007fFLAC', 'FLAC in Ogg'],
	['PCM     ', 'PCM in Ogg'],
];
const PICTURES = ['\u0080theora', 'BBCD\u0000', '\u0001video', 'OVP80'];
/** Logical streams side by side; more are no recording. */
const MAX_STREAMS = 32;
const MAX_HEADER_PAGES = 4_096;
const SERIAL = 1;

export const OGG: ContainerFormat = {
	name: 'Ogg (Opus or Vorbis)',
	matches: (start) => audioKind(start) === 'Ogg (Opus or Vorbis)',
	async open(recording) {
		const pages = new PageReader(await recording.open());
		const { stream, isVideo } = await openStream(pages);
		return new OggTrack(pages, stream, isVideo);
	},
};

/** A logical stream whose headers have been read. */
interface LogicalStream {
	codec: OggCodec;
	serial: number;
	headers: Buffer[];
	assembler: PacketAssembler;
	/** The page with the last header, and the packets of sound that end on it. */
	last: { page: OggPage; packets: Buffer[] };
}

/** Reads to the end of the headers of the first stream of sound that can be cut. */
async function openStream(
	pages: PageReader,
	firstPage?: OggPage,
): Promise<{ stream: LogicalStream; isVideo: boolean }> {
	let page = firstPage ?? (await pages.next());
	let isVideo = false;
	let other: string | undefined;
	let found: { serial: number; codec: OggCodec; assembler: PacketAssembler } | undefined;
	const headers: Buffer[] = [];
	for (let streams = 0; page?.isFirst && streams < MAX_STREAMS; streams++) {
		const start = (page.packets[0] ?? Buffer.alloc(0)).toString('latin1', 0, 8);
		const codec = CODECS.find(([signature]) => start.startsWith(signature))?.[1];
		if (codec && !found) {
			const assembler = new PacketAssembler();
			const [header] = assembler.push(page);
			if (!header) throw damaged('its first packet has no end');
			found = { serial: page.serial, codec: codec(Buffer.from(header)), assembler };
			headers.push(Buffer.from(header));
		}
		other ??= OTHER_SOUND.find(([signature]) => start.startsWith(signature))?.[1];
		isVideo ||= PICTURES.some((signature) => start.startsWith(signature));
		page = await pages.next();
	}
	if (!found) throw new UnreadableRecording(`The Ogg file holds ${other ?? 'no Opus or Vorbis'}`);
	const { serial, codec, assembler } = found;
	for (let passed = 0; page && passed < MAX_HEADER_PAGES; passed++) {
		if (page.serial === serial) {
			const packets = assembler.push(page);
			const wanted = codec.headerPackets - headers.length;
			headers.push(...packets.slice(0, wanted).map((bytes) => Buffer.from(bytes)));
			if (packets.length >= wanted) {
				const last = { page, packets: packets.slice(wanted) };
				return { stream: { codec, serial, headers, assembler, last }, isVideo };
			}
		}
		page = await pages.next();
	}
	throw damaged('it ends before its sound');
}

/** A packet of sound, and where a decoder has given its sound, in samples of the track. */
interface Timed {
	bytes: Buffer;
	begin: number;
	end: number;
}

class OggTrack implements SoundTrack {
	readonly format: string;

	private readonly codec: OggCodec;

	private readonly headers: readonly Buffer[];

	private readonly samplesOf: (packet: Buffer) => number;

	/** In samples: what the packets so far gave. */
	private given = 0;

	constructor(
		private readonly pages: PageReader,
		private readonly first: LogicalStream,
		readonly isVideo: boolean,
	) {
		this.codec = first.codec;
		this.headers = first.headers;
		this.samplesOf = this.codec.counter(this.headers);
		this.format = `Ogg${isVideo ? ' video' : ''} (${this.codec.name})`;
	}

	get warmUp(): number {
		return this.codec.warmUp;
	}

	get isCutOff(): boolean {
		return this.pages.isCutOff;
	}

	async *packets(): AsyncGenerator<Packet, void, undefined> {
		const { rate, isOverlapped, priming } = this.codec;
		const timed = isOverlapped ? overlapped(this.timed()) : this.timed();
		for await (const { bytes, begin, end } of timed) {
			const start = Math.max(begin, priming);
			const heard = Math.max(0, end - start);
			const hidden = Math.max(0, Math.min(end, priming) - begin);
			yield {
				bytes,
				start: (start - priming) / rate,
				duration: heard / rate,
				...(hidden > 0 && { priming: hidden / rate }),
				loudness: byteRateLoudness(bytes.length, (heard + hidden) / rate),
			};
		}
	}

	sizeOf(packets: number, bytes: number): number {
		const own = this.codec.headersOf(0, this.headers);
		return (
			sizeOfPages(packets, bytes) +
			own.reduce((sum, header) => sum + sizeOfPages(1, header.length), 0)
		);
	}

	write(packets: readonly Packet[]): PartFile {
		const { rate, isOverlapped } = this.codec;
		const priming = packets.reduce((sum, packet) => sum + (packet.priming ?? 0), 0);
		const headers = this.codec.headersOf(Math.round(priming * rate), this.headers);
		const pages = new PageWriter(SERIAL);
		for (const [index, header] of headers.entries()) {
			pages.add(header, 0);
			if (index === 0) pages.flush(false);
		}
		pages.flush(false);
		let seconds = 0;
		for (const packet of packets) {
			const before = seconds;
			seconds += packet.duration + (packet.priming ?? 0);
			pages.add(packet.bytes, Math.round((isOverlapped ? before : seconds) * rate));
		}
		return { content: pages.end(), extension: 'ogg', mimeType: 'audio/ogg' };
	}

	/** The packets of all streams of the chain, each with the samples that come with it. */
	private async *timed(): AsyncGenerator<Timed, void, undefined> {
		let stream = this.first;
		for (;;) {
			const next: OggPage | undefined = yield* this.timedOfStream(stream);
			if (!next) return;
			stream = (await openStream(this.pages, next)).stream;
			const { codec, headers } = stream;
			if (!codec.identity(headers).equals(this.codec.identity(this.headers))) {
				const seconds = Math.round(this.given / this.codec.rate);
				throw new UnreadableRecording(
					`The Ogg file is a chain of recordings of different kinds: another one begins after ${seconds} s`,
				);
			}
		}
	}

	/** @returns the page with which the next stream of a chain begins, where there is one */
	private async *timedOfStream({
		serial,
		assembler,
		last,
	}: LogicalStream): AsyncGenerator<Timed, OggPage | undefined, undefined> {
		const begun = this.given;
		let origin: number | undefined;
		let { page, packets }: { page: OggPage | undefined; packets: Buffer[] } = last;
		while (page && !page.isFirst) {
			const before = this.given;
			const timed = packets.map((bytes) => {
				const begin = this.given;
				this.given += this.samplesOf(bytes);
				return { bytes, begin, end: this.given };
			});
			if (page.position !== undefined && packets.length > 0) {
				const given = this.given - begun;
				origin ??= page.isLast ? 0 : page.position - given;
				if (page.isLast) this.given = begun + Math.min(given, page.position - origin);
				this.given = Math.max(before, this.given);
			}
			for (const { bytes, begin, end } of timed) {
				yield { bytes, begin: Math.min(begin, this.given), end: Math.min(end, this.given) };
			}
			do page = await this.pages.next();
			while (page && page.serial !== serial && !page.isFirst);
			packets = page && !page.isFirst ? assembler.push(page) : [];
		}
		return page;
	}
}

/** Gives each packet the samples that come with the next one; the last has none of its own. */
async function* overlapped(packets: AsyncIterable<Timed>): AsyncGenerator<Timed, void, undefined> {
	let before: Timed | undefined;
	for await (const packet of packets) {
		if (before) yield { bytes: before.bytes, begin: packet.begin, end: packet.end };
		before = packet;
	}
	if (before) yield { bytes: before.bytes, begin: before.end, end: before.end };
}

function damaged(how: string): UnreadableRecording {
	return new UnreadableRecording(`The Ogg file is damaged: ${how}`);
}
