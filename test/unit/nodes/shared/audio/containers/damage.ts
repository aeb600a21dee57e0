import fc from 'fast-check';

import {
	UnreadableRecording,
	type ContainerFormat,
} from '../../../../../../nodes/shared/audio/containers/container.ts';
import { StreamedRecording, packetsIn } from '../../../../../containers.ts';

const change = (length: number) =>
	fc.record({
		at: fc.oneof(fc.nat(length - 1), fc.nat(Math.min(length - 1, 300))),
		bytes: fc.oneof(
			fc.constantFrom([0], [0xff], [0x80], [0xff, 0xff, 0xff, 0xff], [0x7f, 0xff, 0xff, 0xff]),
			fc.array(fc.nat(255), { minLength: 1, maxLength: 8 }),
		),
	});

/**
 * A recording with bytes changed, left out, doubled or cut off is read or refused, never anything
 * else; what is read is no more than what was there, and can be written.
 */
export async function withstandsDamage(
	format: ContainerFormat,
	content: Buffer,
	/** The most that the packets take, by the recording's bytes: more than 1 where they are unpacked. */
	growth = 1,
	numRuns = 150,
): Promise<void> {
	const damage = fc.record({
		changes: fc.array(change(content.length), { maxLength: 12 }),
		from: fc.nat(content.length),
		length: fc.oneof(fc.constant(0), fc.nat(2_000)),
		isDoubled: fc.boolean(),
		end: fc.oneof(fc.constant(content.length), fc.nat(content.length)),
	});
	await fc.assert(
		fc.asyncProperty(damage, async ({ changes, from, length, isDoubled, end }) => {
			const copy = Buffer.from(content);
			for (const { at, bytes } of changes) Buffer.from(bytes).copy(copy, at);
			const stretch = copy.subarray(from, from + length);
			const damaged = Buffer.concat([
				copy.subarray(0, from),
				...(isDoubled ? [stretch, stretch] : []),
				copy.subarray(from + length),
			]).subarray(0, end);
			const outcome = await packetsIn(format, new StreamedRecording(damaged)).catch(
				(error: unknown) => error,
			);
			if (outcome instanceof UnreadableRecording) return;
			if (outcome instanceof Error) throw outcome;
			const { track, packets } = outcome as Awaited<ReturnType<typeof packetsIn>>;
			const bytes = packets.reduce((sum, packet) => sum + packet.bytes.length, 0);
			expect(bytes).toBeLessThanOrEqual(damaged.length * growth + 1);
			for (const { start, duration } of packets) {
				expect(Number.isFinite(start) && duration >= 0 && duration <= 1e6).toBe(true);
			}
			const { content: file } = track.write(packets);
			expect(file.length).toBeLessThanOrEqual(track.sizeOf(packets.length, bytes));
		}),
		{ numRuns },
	);
}

/** Bytes without any sense behind a format's first ones. */
export async function withstandsNonsense(format: ContainerFormat, start: Buffer): Promise<void> {
	await fc.assert(
		fc.asyncProperty(
			fc.uint8Array({ maxLength: 3_000 }),
			fc.boolean(),
			async (noise, isRepeated) => {
				const rest = Buffer.concat([Buffer.from(noise), isRepeated ? start : Buffer.alloc(0)]);
				const recording = new StreamedRecording(Buffer.concat([start, rest, rest]), 512);
				const error: unknown = await packetsIn(format, recording).then(
					() => undefined,
					(reason: unknown) => reason,
				);
				expect(error === undefined || error instanceof UnreadableRecording).toBe(true);
			},
		),
		{ numRuns: 150 },
	);
}
