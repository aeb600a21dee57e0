import fc from 'fast-check';

import { readMessage } from '../../../../../nodes/CloudflareWorkersAi/flux/messages.ts';

const read = (message: unknown) => readMessage(JSON.stringify(message));

/** The example of the published protocol. */
const END_OF_TURN = {
	type: 'TurnInfo',
	request_id: 'abc',
	sequence_id: 11,
	event: 'EndOfTurn',
	turn_index: 0,
	audio_window_start: 0,
	audio_window_end: 1.3,
	transcript: 'Hello, how are you?',
	words: [{ word: 'Hello,', confidence: 0.96, start: 0, end: 0.18 }],
	end_of_turn_confidence: 0.86,
	trigger: 'model',
};

describe('readMessage', () => {
	it('reads a turn, with and without a type', () => {
		const expected = {
			kind: 'turn',
			event: 'EndOfTurn',
			turnIndex: 0,
			windowStart: 0,
			windowEnd: 1.3,
			transcript: 'Hello, how are you?',
			words: [{ text: 'Hello,', confidence: 0.96, start: 0, end: 0.18 }],
			endOfTurnConfidence: 0.86,
			requestId: 'abc',
		};
		expect(read(END_OF_TURN)).toMatchObject(expected);
		expect(read({ ...END_OF_TURN, type: undefined })).toMatchObject(expected);
		expect(read(END_OF_TURN).json).toEqual(END_OF_TURN);
	});

	it.each([
		[{ type: 'Error', code: 'X', description: 'gone' }, 'X', 'gone'],
		[{ type: 'FatalError', code: 7, description: 'gone' }, '7', 'gone'],
		[{ code: 'X', description: 'gone' }, 'X', 'gone'],
		[{ type: 'Error' }, undefined, 'no reason given'],
		[{ success: false, errors: [{ message: 'full' }] }, undefined, 'full'],
		[{ error: 'bad request' }, undefined, 'bad request'],
	])('reads %j as an error', (message, code, description) => {
		expect(read(message)).toMatchObject({ kind: 'error', description });
		expect(read(message)).toHaveProperty('code', code);
	});

	it.each([
		[{ type: 'Connected', request_id: 'abc' }],
		[{ type: 'ConfigureFailure', code: 'X', description: 'no' }],
		[{ type: 'Warning', code: 'X' }],
		[{ type: 'TurnInfo', event: 'TurnMused', transcript: 'never said' }],
		[{}],
		[[]],
		[null],
	])('passes over %j', (message) => {
		expect(read(message).kind).toBe('other');
	});

	it('never throws', () => {
		fc.assert(
			fc.property(fc.oneof(fc.string(), fc.json(), fc.anything()), (data) => {
				expect(['turn', 'error', 'other']).toContain(readMessage(data).kind);
			}),
		);
		fc.assert(
			fc.property(
				fc.record({
					event: fc.constant('Update'),
					words: fc.jsonValue(),
					transcript: fc.jsonValue(),
				}),
				(message) => expect(read(message).kind).toBe('turn'),
			),
		);
	});
});
