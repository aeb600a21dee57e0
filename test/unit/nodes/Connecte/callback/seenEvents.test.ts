import { randomUUID } from 'node:crypto';

import type { IDataObject } from 'n8n-workflow';

import {
	forgetEvent,
	forgetEvents,
	isNewEvent,
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

it('takes an event once, and a failure after success as another', () => {
	const store: IDataObject = {};
	const { id } = event();
	expect(isNewEvent(trigger, store, event(id))).toBe(true);
	expect(isNewEvent(trigger, store, event(id))).toBe(false);
	expect(isNewEvent(trigger, store, event(id, 'failed'))).toBe(true);
	expect(isNewEvent(trigger, store, event())).toBe(true);
});

it('knows the events of each trigger apart', () => {
	const one = event();
	expect(isNewEvent(trigger, {}, one)).toBe(true);
	expect(isNewEvent(randomUUID(), {}, one)).toBe(true);
});

it('remembers at least 1,000 events through a restart, in little space', () => {
	const store: IDataObject = {};
	const events = Array.from({ length: 3_000 }, () => event());
	for (const [index, one] of events.entries()) isNewEvent(trigger, store, one, index * 1_000);
	forgetEvents(trigger);
	const later = reloaded(store);
	const known = events.filter((one) => !isNewEvent(trigger, reloaded(later), one, 4_000_000));
	expect(known.length).toBeGreaterThanOrEqual(1_000);
	expect(known).toEqual(events.slice(-known.length));
	expect(JSON.stringify(store).length).toBeLessThan(40_000);
});

it('lets the call that is saved last save the events of all calls at once', () => {
	const before: IDataObject = {};
	const calls = Array.from({ length: 20 }, () => ({ store: reloaded(before), one: event() }));
	for (const { store, one } of calls) expect(isNewEvent(trigger, store, one)).toBe(true);
	forgetEvents(trigger);
	for (const { store } of calls) {
		for (const { one } of calls) {
			expect(isNewEvent(randomUUID(), reloaded(store), one)).toBe(false);
		}
	}
});

it('stores again what another writer of the static data has overwritten', () => {
	const one = event();
	isNewEvent(trigger, {}, one);
	const overwritten: IDataObject = {};
	isNewEvent(trigger, overwritten, event());
	forgetEvents(trigger);
	expect(isNewEvent(trigger, reloaded(overwritten), one)).toBe(false);
});

it('learns what another process has stored, and keeps it among its own', () => {
	const other = event();
	const shared: IDataObject = {};
	isNewEvent('other process', shared, other, 5_000_000);
	for (let index = 0; index < 1_499; index++) isNewEvent(trigger, {}, event(), index * 1_000);
	const store = reloaded(shared);
	expect(isNewEvent(trigger, store, event(), 6_000_000)).toBe(true);
	expect(isNewEvent(trigger, store, event(), 6_000_000)).toBe(true);
	expect(isNewEvent(trigger, {}, other, 6_000_000)).toBe(false);
});

it('does not touch the store of a call that brings nothing new', () => {
	const store: IDataObject = {};
	const one = event();
	isNewEvent(trigger, store, one);
	const frozen = Object.freeze(reloaded(store));
	expect(isNewEvent(trigger, frozen, one)).toBe(false);
});

it.each([['text'], [{ a: 1 }], [[1, null, 'short', 'x'.repeat(40)]]])(
	'is not confused by a store that holds %j',
	(stored) => {
		const one = event();
		const store = { seenEvents: stored } as IDataObject;
		expect(isNewEvent(trigger, store, one)).toBe(true);
		expect(isNewEvent(trigger, store, one)).toBe(false);
	},
);

it('takes an event again whose run could not be started', () => {
	const one = event();
	isNewEvent(trigger, {}, one);
	forgetEvent(trigger, one);
	expect(isNewEvent(trigger, {}, one)).toBe(true);
	forgetEvent(trigger, event());
	forgetEvent('unknown', one);
	expect(isNewEvent(trigger, {}, one)).toBe(false);
});
