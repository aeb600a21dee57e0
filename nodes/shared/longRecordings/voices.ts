import type { Packet, PartFile } from '../audio/containers/container';
import { ByteReader } from '../audio/byteReader';
import { openSoundTrack } from '../audio/inspection';
import { isTimed, type Timed } from '../transcript/overlap';
import type { Segment, Transcript } from '../transcript/transcript';
import { speakersIn } from './speakerNames';
import type { Voice } from './voice';

const SHORTEST_SECONDS = 2;
/** Less than the 10 s that are taken, since a packet more may be in a sample. */
const LONGEST_SECONDS = 9.5;

/**
 * Voices of the speakers of a part, cut out of its file undecoded; those that speak first come first.
 * Speakers who were introduced already, and those who never speak long enough alone, are left out.
 *
 * @param most how many can be introduced, those who were already included
 */
export async function voicesIn(
	file: Buffer,
	transcript: Transcript,
	most: number,
	introduced: readonly string[],
): Promise<Voice[]> {
	const unknown = speakersIn(transcript).filter((name) => !introduced.includes(name));
	const segments = (transcript.segments ?? []).filter(isTimed);
	const stretches = unknown
		.slice(0, Math.max(0, most - introduced.length))
		.map((name) => ({ name, stretch: longestAlone(segments, name) }))
		.filter(({ stretch }) => stretch !== undefined);
	const voices: Voice[] = [];
	for (const { name, stretch } of stretches) {
		const sample = stretch && (await cutOut(file, stretch));
		if (sample) voices.push({ name, sentName: sentNameOf(name, introduced), sample });
	}
	return voices;
}

function sentNameOf(name: string, introduced: readonly string[]): string {
	const sentName = `speaker_${name}`;
	return introduced.includes(sentName) ? `${sentName}_` : sentName;
}

interface Stretch {
	start: number;
	end: number;
}

/**
 * The longest run of segments in which a speaker is not interrupted, at most as long as a sample may
 * be. One that is too short takes in the pauses around it.
 */
function longestAlone(segments: ReadonlyArray<Timed<Segment>>, name: string): Stretch | undefined {
	const runs: Array<Stretch & { after: number; before: number }> = [];
	let lastOther = 0;
	let isOpen = false;
	for (const { start, end, speaker } of segments) {
		const run = runs.at(-1);
		if (speaker !== name) {
			if (run && isOpen) run.before = Math.max(run.end, start);
			lastOther = Math.max(lastOther, end);
			isOpen = false;
		} else if (run && isOpen) {
			run.end = Math.max(run.end, end);
		} else {
			runs.push({ start, end, after: Math.min(start, lastOther), before: Infinity });
			isOpen = true;
		}
	}
	const longest = runs.reduce<(typeof runs)[number] | undefined>(
		(best, run) => (best && best.end - best.start >= run.end - run.start ? best : run),
		undefined,
	);
	if (!longest) return undefined;
	const lacking = SHORTEST_SECONDS - (longest.end - longest.start);
	const end = lacking > 0 ? Math.min(longest.before, longest.end + lacking) : longest.end;
	const start = Math.min(longest.start, Math.max(longest.after, end - SHORTEST_SECONDS));
	return { start, end: Math.min(end, start + LONGEST_SECONDS) };
}

/** A file of the packets of a stretch; `undefined` where it is too short for a sample. */
async function cutOut(file: Buffer, { start, end }: Stretch): Promise<PartFile | undefined> {
	const track = await openSoundTrack({
		length: file.length,
		open: () => Promise.resolve(new ByteReader(file)),
	});
	const packets: Packet[] = [];
	for await (const packet of track.packets()) {
		if (packet.start >= end && seconds(packets) >= SHORTEST_SECONDS) break;
		if (packet.start + packet.duration > start) packets.push(packet);
	}
	return seconds(packets) >= SHORTEST_SECONDS ? track.write(packets) : undefined;
}

function seconds(packets: readonly Packet[]): number {
	return packets.reduce((sum, { duration }) => sum + duration, 0);
}
