import { UnreadableRecording } from './container';

/** More entries than a day of sound has: beyond it a file is meant to fill memory. */
const MAX_ENTRIES = 4_500_000;
const FIRST_ENTRIES = 64;

/** Whole numbers of 32 bits, held in four bytes each; grows with what was really read. */
export class GrowingTable {
	private values = new Uint32Array(0);

	length = 0;

	push(value: number): void {
		if (this.length === MAX_ENTRIES) {
			throw new UnreadableRecording(`The file has more than ${MAX_ENTRIES} pieces of sound`);
		}
		if (this.length === this.values.length) {
			const larger = new Uint32Array(Math.max(this.length * 2, FIRST_ENTRIES));
			larger.set(this.values);
			this.values = larger;
		}
		this.values[this.length++] = value;
	}

	/** 0 beyond the end. */
	at(index: number): number {
		return index < this.length ? (this.values[index] ?? 0) : 0;
	}
}
