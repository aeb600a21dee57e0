/** What a codec adds to pages and packets. */
export interface OggCodec {
	name: 'Opus' | 'Vorbis';
	/** In Hz, of positions. */
	rate: number;
	/** How many packets come before the first of sound. */
	headerPackets: number;
	/** As a track's. */
	warmUp: number;
	/** In samples: what the stream's first packets give before its sound begins. */
	priming: number;
	/** Whether a packet's sound comes only with the next one, with which it overlaps. */
	isOverlapped: boolean;
	/** Counts the samples that each packet in turn makes a decoder give, the first with the first. */
	counter(headers: readonly Buffer[]): (packet: Buffer) => number;
	/** The headers of a part whose first packets give `priming` samples that are not heard. */
	headersOf(priming: number, headers: readonly Buffer[]): Buffer[];
	/** What must be the same in two streams so that one can go on as the other. */
	identity(headers: readonly Buffer[]): Buffer;
}
