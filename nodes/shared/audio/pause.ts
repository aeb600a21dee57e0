import type { Packet } from './containers/container';

/** A stretch without speech, as indexes of packets: from `first` on, up to but without `end`. */
export interface Pause {
	first: number;
	end: number;
}

const SHORTEST_PAUSE = 0.3;
/** What a pause is longer than the warm-up that lies in it. */
const MARGIN = 0.1;
/**
 * Which share of the packets is taken for quiet, and for loud. Few need to be loud: a recording may
 * hold little speech. More need to be quiet, so that a moment of digital silence does not make the
 * noise of a room seem loud.
 */
const QUIET_SHARE = 0.1;
const LOUD_SHARE = 0.98;
/** How much of the way from quiet to loud still counts as quiet. */
const QUIET_REACH = 0.25;
/** On the packets' scale of one or two decibels a step: less difference tells nothing. */
const LEAST_CONTRAST = 4;

/**
 * The longest pause among packets, by their loudness: what is quiet is judged by the packets
 * themselves. `undefined` where none is longer than the warm-up, or the loudness is not known or
 * does not tell.
 */
export function longestPause(packets: readonly Packet[], warmUp: number): Pause | undefined {
	const limit = quietLimit(packets);
	if (limit === undefined) return undefined;
	let longest: Pause | undefined;
	let longestSeconds = Math.max(SHORTEST_PAUSE, warmUp + MARGIN);
	let first = 0;
	for (let end = 0; end <= packets.length; end++) {
		const loudness = packets[end]?.loudness ?? Infinity;
		if (loudness <= limit) continue;
		const seconds = secondsOf(packets, first, end);
		if (end - first > 1 && seconds >= longestSeconds) {
			longest = { first, end };
			longestSeconds = seconds;
		}
		first = end + 1;
	}
	return longest;
}

function quietLimit(packets: readonly Packet[]): number | undefined {
	const known = packets.map(({ loudness }) => loudness).filter((value) => value !== undefined);
	const sorted = Float64Array.from(known).sort();
	const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
	const quiet = at(QUIET_SHARE);
	const loud = at(LOUD_SHARE);
	return loud - quiet < LEAST_CONTRAST ? undefined : quiet + (loud - quiet) * QUIET_REACH;
}

function secondsOf(packets: readonly Packet[], first: number, end: number): number {
	const from = packets[first];
	const last = packets[end - 1];
	return from && last && end > first ? last.start + last.duration - from.start : 0;
}
