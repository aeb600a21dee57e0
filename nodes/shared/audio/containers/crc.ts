/** Remainders of a cyclic redundancy check whose highest bit comes first, by byte. */
function remainders(width: 8 | 16 | 32, polynomial: number): Uint32Array {
	const highest = 2 ** (width - 1);
	const mask = width === 32 ? 0xffff_ffff : (1 << width) - 1;
	return Uint32Array.from({ length: 256 }, (_, byte) => {
		let remainder = (byte << (width - 8)) >>> 0;
		for (let bit = 0; bit < 8; bit++) {
			const isSet = (remainder & highest) !== 0;
			remainder = (((remainder << 1) & mask) ^ (isSet ? polynomial : 0)) >>> 0;
		}
		return remainder;
	});
}

const CRC_8 = remainders(8, 0x07);
const CRC_16 = remainders(16, 0x8005);
const CRC_32 = remainders(32, 0x04c1_1db7);

/** Of a FLAC frame's header (RFC 9639, 9.1.8). */
export function crc8(bytes: Buffer, start: number, end: number): number {
	let crc = 0;
	for (let index = start; index < end; index++) crc = CRC_8[crc ^ (bytes[index] ?? 0)] ?? 0;
	return crc;
}

/** Of a FLAC frame (RFC 9639, 9.3); `crc` is that of what comes before. */
export function crc16(bytes: Buffer, start: number, end: number, crc = 0): number {
	let value = crc;
	for (let index = start; index < end; index++) value = nextCrc16(value, bytes[index] ?? 0);
	return value;
}

/** The check of one byte more: 0 behind a whole frame, since its own check ends it. */
export function nextCrc16(crc: number, byte: number): number {
	return ((crc << 8) & 0xffff) ^ (CRC_16[(crc >> 8) ^ byte] ?? 0);
}

/** Of an Ogg page (RFC 3533, 6), `crc` being that of what comes before. */
export function crc32(bytes: Buffer, crc = 0): number {
	let value = crc;
	for (let index = 0; index < bytes.length; index++) {
		value = (value << 8) ^ (CRC_32[(value >>> 24) ^ (bytes[index] ?? 0)] ?? 0);
	}
	return value >>> 0;
}
