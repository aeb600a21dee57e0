/** Reads bits from the highest of each byte on; behind the end there are zeros. */
export class BitReader {
	/** In bits from the beginning. */
	position = 0;

	constructor(private readonly bytes: Buffer) {}

	/** Whether more was read than there is. */
	get isPastEnd(): boolean {
		return this.position > this.bytes.length * 8;
	}

	/** The next `count` bits, at most 32, as a whole number. */
	read(count: number): number {
		let value = 0;
		for (let bit = 0; bit < count; bit++, this.position++) {
			const byte = this.bytes[this.position >> 3] ?? 0;
			value = value * 2 + ((byte >> (7 - (this.position & 7))) & 1);
		}
		return value;
	}

	skip(count: number): void {
		this.position += count;
	}
}
