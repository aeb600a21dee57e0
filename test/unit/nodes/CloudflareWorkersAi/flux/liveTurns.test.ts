import fc from 'fast-check';
import type { IExecuteFunctions } from 'n8n-workflow';

import { LiveTurns } from '../../../../../nodes/CloudflareWorkersAi/flux/liveTurns.ts';
import { LiveText } from '../../../../../nodes/shared/liveText.ts';

interface FakeTurn {
	heardAt: number;
	segment: { text: string };
}

class FakeChannel {
	readonly speaker: string | undefined;
	readonly transcription = { finished: [] as FakeTurn[], turns: [] as FakeTurn[], settledUntil: 0 };

	constructor(speaker?: string) {
		this.speaker = speaker;
	}

	finish(text: string, heardAt: number): void {
		const turn = { heardAt, segment: { text } };
		this.transcription.finished.push(turn);
		this.transcription.turns.push(turn);
	}
}

function sentTo(channels: FakeChannel[]) {
	const sent: string[] = [];
	const context = {
		getNode: () => ({ name: 'Flux' }),
		isStreaming: () => true,
		sendChunk: (_type: string, _item: number, content?: string) => void sent.push(content ?? ''),
	};
	const { signal } = new AbortController();
	const item = { context: context as unknown as IExecuteFunctions, itemIndex: 0, signal };
	const live = new LiveText(item);
	live.begin();
	const turns = new LiveTurns(live, channels);
	const text = async () => {
		await live.end();
		return sent.join('');
	};
	return { turns, text, sent };
}

describe('LiveTurns', () => {
	it('sends the turns of an only channel at once, as the text of the transcript', async () => {
		const channel = new FakeChannel();
		const { turns, text } = sentTo([channel]);
		channel.finish('one two', 1);
		turns.sendSettled();
		channel.finish('three', 4);
		turns.sendSettled();
		expect(await text()).toBe('one two three');
	});

	it('holds a turn back until no other channel can have an earlier one', async () => {
		const [a, b] = [new FakeChannel('channel 1'), new FakeChannel('channel 2')];
		const { turns, sent, text } = sentTo([a, b]);
		a.finish('later', 5);
		turns.sendSettled();
		b.transcription.settledUntil = 4;
		turns.sendSettled();
		await Promise.resolve();
		expect(sent.join('')).not.toContain('later');
		b.finish('earlier', 4.5);
		b.transcription.settledUntil = 6;
		turns.sendSettled();
		expect(await text()).toBe('channel 2: earlier\nchannel 1: later');
	});

	it('sends the rest with what is open', async () => {
		const [a, b] = [new FakeChannel('channel 1'), new FakeChannel('channel 2')];
		const { turns, text } = sentTo([a, b]);
		a.finish('done', 5);
		b.transcription.turns.push({ heardAt: 1, segment: { text: 'open' } });
		turns.sendSettled();
		turns.sendRest();
		turns.sendRest();
		expect(await text()).toBe('channel 2: open\nchannel 1: done');
	});

	it('sends each turn once, in order of time, however the channels take turns', async () => {
		const talk = fc.array(fc.record({ pause: fc.nat(5), wait: fc.nat(3) }), { maxLength: 12 });
		await fc.assert(
			fc.asyncProperty(fc.array(talk, { minLength: 1, maxLength: 4 }), async (talks) => {
				const channels = talks.map((_, index) => new FakeChannel(String(index)));
				const { turns, text } = sentTo(channels);
				// Each channel goes on in its own time; the clock is that of the recording.
				const queue = talks.flatMap((turnsOf, index) => {
					let heardAt = 0;
					let finishedAt = 0;
					return turnsOf.map(({ pause, wait }, turn) => {
						heardAt = heardAt + 1 + pause;
						finishedAt = Math.max(finishedAt + 1, heardAt + wait);
						return { index, turn, heardAt, finishedAt };
					});
				});
				const expected = [...queue]
					.sort((a, b) => a.heardAt - b.heardAt || a.index - b.index)
					.map(({ index, turn }) => `${index}: ${turn}`);
				for (const { index, turn, heardAt } of queue.sort((a, b) => a.finishedAt - b.finishedAt)) {
					const channel = channels[index];
					channel?.finish(String(turn), heardAt);
					if (channel) channel.transcription.settledUntil = heardAt + 0.5;
					turns.sendSettled();
				}
				turns.sendRest();
				expect(await text()).toBe(expected.join('\n'));
			}),
			{ numRuns: 200 },
		);
	});
});
