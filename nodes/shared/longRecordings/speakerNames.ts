import type { Segment, Transcript } from '../transcript/transcript';
import type { Voice } from './voice';

/**
 * The transcripts of parts, in order, with one name a speaker. The first part's names stand; a speaker
 * whose voice was sent with a later part has the same name there; any other gets a name that no part
 * before has, since a service names the unknown of each file anew.
 *
 * @param introduced names that the user gave to speakers of every part
 */
export function nameSpeakers(
	transcripts: ReadonlyArray<Transcript | undefined>,
	voices: readonly Voice[],
	introduced: readonly string[],
): Array<Transcript | undefined> {
	const sent = new Map(voices.map(({ sentName, name }) => [sentName, name]));
	const taken = new Set(introduced);
	let isFirst = true;
	return transcripts.map((transcript) => {
		if (!transcript) return undefined;
		const names = new Map(introduced.map((name) => [name, name]));
		for (const label of speakersIn(transcript)) {
			const name = sent.get(label) ?? names.get(label) ?? (isFirst ? label : newName(label, taken));
			names.set(label, name);
			taken.add(name);
		}
		isFirst = false;
		return renamed(transcript, names);
	});
}

/** Who speaks in a transcript, in the order of their first words. */
export function speakersIn({ segments = [], words = [] }: Transcript): string[] {
	const labels = [...segments, ...words].map(({ speaker }) => speaker);
	return [...new Set(labels.filter((label) => label !== undefined))];
}

function renamed(transcript: Transcript, names: ReadonlyMap<string, string>): Transcript {
	const rename = <Value extends Segment>(value: Value): Value =>
		value.speaker === undefined
			? value
			: { ...value, speaker: names.get(value.speaker) ?? value.speaker };
	return {
		...transcript,
		segments: transcript.segments?.map(rename),
		words: transcript.words?.map(rename),
	};
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** A free name of the same kind: the next letter for `A`, the next number for `speaker 0`. */
function newName(label: string, taken: ReadonlySet<string>): string {
	if (!taken.has(label)) return label;
	const letter = ALPHABET.indexOf(label);
	const free = label.length === 1 && letter >= 0 ? [...ALPHABET].slice(letter + 1) : [];
	const next = free.find((name) => !taken.has(name));
	if (next !== undefined) return next;
	const [, stem = `${label} `, digits = '1'] = /^(.*?)(\d+)$/.exec(label) ?? [];
	for (let number = Number(digits) + 1; ; number++) {
		if (!taken.has(`${stem}${number}`)) return `${stem}${number}`;
	}
}
