import type { TurnMessage } from '../../../../../nodes/CloudflareWorkersAi/flux/messages.ts';
import { TurnTracker } from '../../../../../nodes/CloudflareWorkersAi/flux/turns.ts';

const message = (over: Partial<TurnMessage>): TurnMessage => ({
	kind: 'turn',
	event: 'Update',
	turnIndex: 0,
	transcript: '',
	words: [],
	...over,
});

const turnsFrom = (firstTurn = 0, seconds = 0) =>
	new TurnTracker({ firstTurn, timeOf: (at) => seconds + at });

describe('TurnTracker', () => {
	it('replaces what was understood before, and never appends', () => {
		const turns = turnsFrom();
		turns.take(message({ event: 'StartOfTurn', transcript: 'I' }));
		turns.take(message({ transcript: 'Eye of' }));
		const done = turns.take(message({ event: 'EndOfTurn', transcript: 'I have' }));
		expect(done).toHaveLength(1);
		expect(done[0]?.segment).toMatchObject({ text: 'I have', final: true, turn: 0 });
		expect(turns.open).toBeUndefined();
	});

	it('carries numbers and times on', () => {
		const turns = turnsFrom(4, 10.1);
		const words = [{ text: 'a', start: 0.2, end: 0.3 }];
		const [turn] = turns.take(
			message({ event: 'EndOfTurn', transcript: 'a', words, windowStart: 0, windowEnd: 1.1 }),
		);
		expect(turn).toMatchObject({
			segment: { turn: 4, start: 10.3, end: 10.4 },
			words: [{ text: 'a', start: 10.3, end: 10.4 }],
			heardUntil: 11.2,
		});
	});

	it('begins when speech was first heard where words have no times, not with the silence before', () => {
		const turns = turnsFrom(0, 30);
		turns.take(message({ event: 'Update', windowStart: 0, windowEnd: 1.5 }));
		turns.take(message({ event: 'StartOfTurn', windowStart: 0, windowEnd: 1.6 }));
		turns.take(message({ transcript: 'a', windowStart: 0, windowEnd: 2 }));
		const words = [{ text: 'a' }, { text: 'b' }];
		const [turn] = turns.take(
			message({ event: 'EndOfTurn', transcript: 'a b', words, windowStart: 0, windowEnd: 3 }),
		);
		expect(turn?.segment).toMatchObject({ start: 31.6, end: 33 });
		expect(turn?.heardAt).toBe(31.6);
	});

	it('keeps the place of a turn in the order when its first word is understood anew', () => {
		const turns = turnsFrom();
		const words = (start: number) => [{ text: 'a', start, end: 3 }];
		turns.take(message({ event: 'StartOfTurn', transcript: 'a', words: words(2), windowEnd: 2.5 }));
		const [turn] = turns.take(
			message({ event: 'EndOfTurn', transcript: 'a', words: words(1.9), windowEnd: 4 }),
		);
		expect(turn).toMatchObject({ heardAt: 2, segment: { start: 1.9 } });
	});

	it('has the times of the window for a turn of which only the end is told', () => {
		const [turn] = turnsFrom().take(
			message({ event: 'EndOfTurn', transcript: 'a', windowStart: 1, windowEnd: 3 }),
		);
		expect(turn).toMatchObject({ segment: { start: 1, end: 3 }, heardAt: 3 });
	});

	it('keeps the last update of a turn that stays open', () => {
		const turns = turnsFrom();
		turns.take(message({ transcript: 'so' }));
		turns.take(message({ event: 'EagerEndOfTurn', transcript: 'so far' }));
		turns.take(message({ event: 'TurnResumed', transcript: 'so far' }));
		expect(turns.open?.segment).toMatchObject({ text: 'so far', final: false });
	});

	it('takes a turn as over when the next one begins, and no late message for it', () => {
		const turns = turnsFrom();
		turns.take(message({ transcript: 'first' }));
		const done = turns.take(message({ turnIndex: 1, transcript: 'second' }));
		expect(done.map(({ segment }) => segment.text)).toEqual(['first']);
		expect(turns.take(message({ event: 'EndOfTurn', transcript: 'late' }))).toEqual([]);
		expect(turns.open?.segment.text).toBe('second');
	});

	it('counts turns where the service does not', () => {
		const turns = turnsFrom();
		const end = { event: 'EndOfTurn', turnIndex: undefined } as const;
		const all = ['a', 'b'].flatMap((transcript) => turns.take(message({ ...end, transcript })));
		expect(all.map(({ segment }) => segment.turn)).toEqual([0, 1]);
	});

	it('knows no turn without words', () => {
		const turns = turnsFrom();
		expect(turns.take(message({ windowEnd: 0.5 }))).toEqual([]);
		expect(turns.take(message({ event: 'EndOfTurn' }))).toEqual([]);
		expect(turns.open).toBeUndefined();
		expect(turns.heardUntil).toBe(0.5);
	});
});
