import { createHash } from 'crypto';
import type { IDataObject } from 'n8n-workflow';

import type { Prediction } from '../prediction';

/** The contract is the last 1,000; the rest is for processes that learn of each other's events late. */
const REMEMBERED = 1_500;
/** 72 bits: as good as unique among so few, and a fourth of an id with its status. */
const KEY_LENGTH = 12;
const TIME_LENGTH = 7;
const FIELD = 'seenEvents';

/**
 * The events of each trigger that this process knows: keys, each followed by its time. n8n reads the
 * static data anew for every call and saves it after it, so of two calls at once neither would see what
 * the other has stored, and the one that is saved first would be overwritten.
 */
const known = new Map<string, string[]>();

/**
 * Whether the event was remembered before.
 *
 * @param trigger identifies the trigger within this process
 * @param staticData the trigger's; what other processes stored there counts as well
 */
export function isSeen(trigger: string, staticData: IDataObject, prediction: Prediction): boolean {
	const key = keyOf(prediction);
	return [...(known.get(trigger) ?? []), ...storedEvents(staticData)].some((event) =>
		event.startsWith(key),
	);
}

/**
 * Remembers the event.
 *
 * @param staticData the trigger's, where the events of this process survive a restart
 * @param now milliseconds since 1970
 */
export function rememberEvent(
	trigger: string,
	staticData: IDataObject,
	prediction: Prediction,
	now = Date.now(),
): void {
	const events = known.get(trigger) ?? [];
	known.set(trigger, events);
	const times = new Map(
		[...storedEvents(staticData), ...events].map((event) => [
			event.slice(0, KEY_LENGTH),
			event.slice(KEY_LENGTH),
		]),
	);
	const key = keyOf(prediction);
	if (!times.has(key)) times.set(key, timeOf(now));
	const newest = [...times]
		.sort(([, one], [, other]) => (one < other ? -1 : Number(one > other)))
		.slice(-REMEMBERED)
		.map(([event, time]) => event + time);
	events.splice(0, events.length, ...newest);
	// The list itself, not a copy: whichever call n8n saves last then saves the events of all.
	staticData[FIELD] = events;
}

/** Drops what this process remembers of a trigger; what is in its static data stays. */
export function forgetEvents(trigger: string): void {
	known.delete(trigger);
}

function keyOf({ id, status }: Prediction): string {
	const hash = createHash('sha256').update(`${id}\n${status}`).digest('base64url');
	return hash.slice(0, KEY_LENGTH);
}

/** Seconds since 1970, written so that texts sort as times do. */
function timeOf(now: number): string {
	return Math.floor(now / 1_000)
		.toString(36)
		.padStart(TIME_LENGTH, '0');
}

function storedEvents(staticData: IDataObject): string[] {
	const stored = staticData[FIELD];
	if (!Array.isArray(stored)) return [];
	return stored.filter(
		(event) => typeof event === 'string' && event.length === KEY_LENGTH + TIME_LENGTH,
	);
}
