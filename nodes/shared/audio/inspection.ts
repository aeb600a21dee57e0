import { SIGNATURE_BYTES, audioKind } from './signature';
import { UnreadableRecording, type RecordingBytes, type SoundTrack } from './containers/container';
import { containerOf } from './containers';
import type { HeldRecording } from './heldRecording';
import type { PartLimits } from './parts';

/** What a recording is, as far as it had to be read to know whether it must be cut. */
export interface Inspection {
	/** In the user's words; `undefined` where it is not known. */
	format?: string;
	isVideo: boolean;
	/** In seconds, where it is known. */
	duration?: number;
	/** Whether it goes beyond a limit, or has pictures, of which the service needs nothing. */
	mustBeCut: boolean;
}

/**
 * Looks at a recording until it is known whether it must be cut, which is at the first bytes where
 * its length is known to be above the limit, and at its end at the latest. What was read is held, so
 * that it is not fetched again; `limits.bytes` of it are enough.
 */
export async function inspectRecording(
	recording: HeldRecording,
	limits: PartLimits,
): Promise<Inspection> {
	const start = await (await recording.open()).peek(SIGNATURE_BYTES);
	const found: Inspection = {
		format: audioKind(start),
		isVideo: false,
		mustBeCut: (recording.length ?? 0) > limits.bytes,
	};
	const container = containerOf(start);
	if (found.mustBeCut) return { ...found, format: container?.name ?? found.format };
	const track = await readable(container?.open(recording));
	if (track) {
		const { format, isVideo, duration } = track;
		Object.assign(found, { format, isVideo, duration });
		found.mustBeCut = isVideo || (duration ?? 0) > limits.seconds;
		if (!found.mustBeCut && duration === undefined && limits.seconds !== Infinity) {
			found.duration = await readable(heardSeconds(track, limits.seconds));
			found.mustBeCut = (found.duration ?? 0) > limits.seconds;
		}
	}
	if (recording.length === undefined && !found.mustBeCut) {
		const reader = await recording.open();
		found.mustBeCut = (await reader.skip(limits.bytes + 1)) > limits.bytes;
	}
	return found;
}

/**
 * The sound track of a recording that is to be cut.
 * @throws UnreadableRecording where it has none, or is of another format
 */
export async function openSoundTrack(recording: RecordingBytes): Promise<SoundTrack> {
	const start = await (await recording.open()).peek(SIGNATURE_BYTES);
	const container = containerOf(start);
	if (container) return await container.open(recording);
	const kind = audioKind(start);
	throw new UnreadableRecording(
		kind ? `The file is ${kind}, which cannot be cut` : 'The format of the file is not known',
	);
}

/** `undefined` for what cannot be read here: the service may be able to. */
async function readable<Value>(value: Promise<Value> | undefined): Promise<Value | undefined> {
	return await value?.catch((error: unknown) => {
		if (error instanceof UnreadableRecording) return undefined;
		throw error;
	});
}

/** How long a track is; no more than a packet beyond `most` seconds is read. */
async function heardSeconds(track: SoundTrack, most: number): Promise<number> {
	let end = 0;
	for await (const { start, duration } of track.packets()) {
		end = start + duration;
		if (end > most) break;
	}
	return end;
}
