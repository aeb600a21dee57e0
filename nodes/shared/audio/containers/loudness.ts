/** In bytes a second: packets that are smaller hold no sound. */
const SILENCE = 400;

/**
 * How loud a packet of a variable bit rate is by its size, in dB of a byte a second: what is louder
 * takes more bytes. All packets of a constant bit rate are equal.
 */
export function byteRateLoudness(bytes: number, seconds: number): number | undefined {
	return seconds > 0 ? 20 * Math.log10(Math.max(SILENCE, bytes / seconds)) : undefined;
}
