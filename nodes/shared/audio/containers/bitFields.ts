/** Fields by name with their width in bits (32 at most), in the order in which they are stored. */
export type BitLayout = Readonly<Record<string, number>>;

/** The width of all fields of a layout, in bits. */
export function widthOf(layout: BitLayout): number {
	return Object.values(layout).reduce((sum, width) => sum + width, 0);
}

/** Reads the fields that begin at a bit, the highest of each byte first; behind the end are zeros. */
export function readFields<Layout extends BitLayout>(
	bytes: Buffer,
	layout: Layout,
	firstBit = 0,
): Record<keyof Layout, number> {
	const fields: Record<string, number> = {};
	let bit = firstBit;
	for (const name in layout) {
		const width = layout[name] ?? 0;
		fields[name] = readBits(bytes, bit, width);
		bit += width;
	}
	return fields as Record<keyof Layout, number>;
}

/** A whole number of up to 32 bits that begins at a bit. */
export function readBits(bytes: Buffer, firstBit: number, width: number): number {
	let value = 0;
	let bit = firstBit;
	for (let left = width; left > 0; ) {
		const inByte = 8 - (bit & 7);
		const taken = Math.min(inByte, left);
		const byte = bytes[bit >> 3] ?? 0;
		value = value * 2 ** taken + ((byte >> (inByte - taken)) & ((1 << taken) - 1));
		bit += taken;
		left -= taken;
	}
	return value;
}
