import { randomUUID } from 'node:crypto';

import type { IDataObject } from 'n8n-workflow';

import {
	forgetEvents,
	isSeen,
	rememberEvent,
} from '../../../../../nodes/Connecte/callback/seenEvents.ts';
import type { Prediction } from '../../../../../nodes/Connecte/prediction.ts';

const event = (
	id: string = randomUUID(),
	status: Prediction['status'] = 'succeeded',
): Prediction => ({
	id,
	status,
});

/** The static data as n8n would read it from its database. */
const reloaded = (staticData: IDataObject) => JSON.parse(JSON.stringify(staticData)) as IDataObject;

let trigger: string;
beforeEach(() => {
	trigger = randomUUID();
});

it('knows an event that was remembered, and a failure after success as another', () => {
	const store: IDataObject = {};
	const { id } = event();
	expect(isSeen(trigger, store, event(id))).toBe(false);
	rememberEvent(trigger, store, event(id));
	expect(isSeen(trigger, store, event(id))).toBe(true);
	expect(isSeen(trigger, store, event(id, 'failed'))).toBe(false);
	expect(isSeen(trigger, store, event())).toBe(false);
});

it('knows the events of each trigger apart', () => {
	const one = event();
	rememberEvent(trigger, {}, one);
	expect(isSeen(randomUUID(), {}, one)).toBe(false);
});

it('remembers at least 1,000 events through a restart, in little space', () => {
	const store: IDataObject = {};
	const events = Array.from({ length: 3_000 }, () => event());
	for (const [index, one] of events.entries()) rememberEvent(trigger, store, one, index * 1_000);
	forgetEvents(trigger);
	const later = reloaded(store);
	const known = events.filter((one) => isSeen(trigger, later, one));
	expect(known.length).toBeGreaterThanOrEqual(1_000);
	expect(known).toEqual(events.slice(-known.length));
	expect(JSON.stringify(store).length).toBeLessThan(40_000);
});

it('lets the call that is saved last save the events of all calls at once', () => {
	const before: IDataObject = {};
	const calls = Array.from({ length: 20 }, () => ({ store: reloaded(before), one: event() }));
	for (const { store, one } of calls) rememberEvent(trigger, store, one);
	forgetEvents(trigger);
	for (const { store } of calls) {
		for (const { one } of calls) expect(isSeen(trigger, reloaded(store), one)).toBe(true);
	}
});

it('stores again what another writer of the static data has overwritten', () => {
	const one = event();
	rememberEvent(trigger, {}, one);
	const overwritten: IDataObject = {};
	rememberEvent(trigger, overwritten, event());
	forgetEvents(trigger);
	expect(isSeen(trigger, reloaded(overwritten), one)).toBe(true);
});

it('learns what another process has stored, and keeps it among its own', () => {
	const other = event();
	const shared: IDataObject = {};
	rememberEvent('other process', shared, other, 5_000_000);
	for (let index = 0; index < 1_499; index++) rememberEvent(trigger, {}, event(), index * 1_000);
	expect(isSeen(trigger, {}, other)).toBe(false);
	const store = reloaded(shared);
	expect(isSeen(trigger, store, other)).toBe(true);
	rememberEvent(trigger, store, event(), 6_000_000);
	rememberEvent(trigger, store, event(), 6_000_000);
	expect(isSeen(trigger, {}, other)).toBe(true);
});

it.each([['text'], [{ a: 1 }], [[1, null, 'short', 'x'.repeat(40)]]])(
	'is not confused by a store that holds %j',
	(stored) => {
		const one = event();
		const store = { seenEvents: stored } as IDataObject;
		expect(isSeen(trigger, store, one)).toBe(false);
		rememberEvent(trigger, store, one);
		expect(isSeen(trigger, reloaded(store), one)).toBe(true);
	},
);
