import { makeDtmfWav } from '../../../sandbox/hearing/tones.ts';
import { CloudswayAccess, item } from './access.ts';

const cloudsway = new CloudswayAccess();

describe('transcribe: many items', () => {
	const many = (count: number) => Array.from({ length: count }, () => item(cloudsway.wav, 'a.wav'));

	it('are in flight together, at most as many as allowed, in order', async () => {
		for (let index = 0; index < 12; index++) {
			cloudsway.sandbox.faults.add({ fault: { kind: 'delay', ms: 150 - index * 10 } });
		}
		const items = Array.from({ length: 12 }, (_, index) =>
			item(makeDtmfWav({ channels: [[{ keys: String(index % 10) }]] }), 'a.wav'),
		);
		const { items: output } = await cloudsway.run(
			'whisper-1',
			{ options: { concurrency: 4 } },
			{ items },
		);
		const words = [
			'zero',
			'one',
			'two',
			'three',
			'four',
			'five',
			'six',
			'seven',
			'eight',
			'nine',
			'zero',
			'one',
		];
		expect(output.map(({ json }) => json.text)).toEqual(words);
		expect(output.map(({ pairedItem }) => pairedItem)).toEqual(
			words.map((_, index) => ({ item: index })),
		);
		expect(cloudsway.sandbox.mostAtOnce).toBe(4);
	});

	it('go on when one fails, which gets its error', async () => {
		const items = many(3);
		items[1] = item(cloudsway.wav, 'a.txt', 'text/plain');
		const { items: output } = await cloudsway.run('whisper-1', {}, { items, continueOnFail: true });
		expect(output.map(({ json }) => Object.keys(json)[0])).toEqual(['text', 'error', 'text']);
		expect(output[1]?.json).toEqual({
			error: "Cloudsway does not take the file 'a.txt' of type text/plain [item 1]",
			details: expect.stringContaining('It takes: flac') as string,
		});
		expect(output[1]?.pairedItem).toEqual({ item: 1 });
	});

	it('stop within a second, and no others start', async () => {
		const stopAfter = 400;
		for (let index = 0; index < 20; index++)
			cloudsway.sandbox.faults.add({ fault: { kind: 'silence' } });
		const { status, durationMs } = await cloudsway.run(
			'whisper-1',
			{ options: { concurrency: 3 } },
			{ items: many(20), cancelAfterMs: stopAfter },
		);
		expect(durationMs - stopAfter).toBeLessThan(3_000);
		expect(status).toBe('canceled');
		expect(cloudsway.sandbox.requests).toHaveLength(3);
	});
});
