import { CloudswayAccess, TEXT, type CloudswayRun, type Model } from './access.ts';

const cloudsway = new CloudswayAccess();

describe('transcribe: streaming', () => {
	const streamed = (options: CloudswayRun = {}, model: Model = 'MaaS_GP_4o_transcribe') =>
		cloudsway.run(model, { options: { stream: true, include: ['logprobs'] } }, options);

	it('yields the done event', async () => {
		const { items } = await streamed();
		expect(items[0]?.json).toMatchObject({ text: TEXT, usage: { output_tokens: 6 } });
		expect(items[0]?.json.words).toHaveLength(6);
	});

	it('is the done event with its segments where Simplify is off', async () => {
		const { items } = await cloudsway.run('MaaS_GP_4o_transcribe_diarize', {
			responseFormat: 'diarized_json',
			simplify: false,
			options: { stream: true },
		});
		expect(items[0]?.json).toMatchObject({ type: 'transcript.text.done', text: TEXT });
		expect(items[0]?.json.segments).toHaveLength(2);
	});

	it.each([
		{ lineEnd: '\r\n' as const, pieceBytes: 1 },
		{ lineEnd: '\r' as const, decorated: true },
		{ decorated: true, pieceBytes: 7 },
	])('reads however the events are written (%j)', async (how) => {
		cloudsway.sandbox.faults.add({ fault: { kind: 'events', ...how } });
		expect((await streamed()).items[0]?.json.text).toBe(TEXT);
	});

	it('passes the pieces on as they come, in order', async () => {
		cloudsway.sandbox.faults.add({ fault: { kind: 'events', everyMs: 30 } });
		const { chunks } = await streamed({ streaming: true });
		expect(chunks.map(({ type }) => type)).toEqual([
			'begin',
			...Array<string>(6).fill('item'),
			'end',
		]);
		expect(chunks.map(({ content }) => content ?? '').join('')).toBe(TEXT);
		const times = chunks.map(({ metadata }) => metadata.timestamp);
		expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(100);
	});

	it.each([
		[
			'ends early',
			{ kind: 'events' as const, stopAfter: 3 },
			'ended before the transcription was done',
		],
		[
			'reports an error',
			{
				kind: 'events' as const,
				error: { after: 3, data: '{"type":"error","error":{"message":"out of memory"}}' },
			},
			'out of memory',
		],
	])('keeps the text received when the stream %s', async (_, fault, reason) => {
		cloudsway.sandbox.faults.add({ fault });
		const { error, chunks } = await streamed({ streaming: true });
		expect(error?.message).toContain('broke off the transcription');
		expect(error?.description).toContain(reason);
		expect(error?.description).toContain('Received until then: one two three');
		expect(chunks.at(-1)?.type).toBe('error');
	});

	it('keeps the text received when the connection is lost', async () => {
		cloudsway.sandbox.faults.add({ fault: { kind: 'cut', bytes: 400 } });
		const { error } = await streamed();
		expect(error?.message).toContain('broken off before its answer came');
		expect(error?.description).toMatch(/Received until then: one( two)?/);
		expect(cloudsway.sandbox.requests).toHaveLength(1);
	});

	it.each([true, false])('sends a whole answer as one piece (Simplify: %s)', async (simplify) => {
		const { chunks } = await cloudsway.run('whisper-1', { simplify }, { streaming: true });
		expect(chunks.map(({ type, content }) => [type, content])).toEqual([
			['begin', undefined],
			['item', TEXT],
			['end', undefined],
		]);
	});

	it('takes a whole answer where the service ignores the wish', async () => {
		// By expression, since n8n itself drops an option that a fixed model hides.
		const { items } = await cloudsway.run('whisper-1', {
			model: '={{ "whisper-1" }}',
			options: { stream: true },
		});
		expect(cloudsway.lastRequest().fields).toContainEqual(['stream', 'true']);
		expect(items[0]?.json.text).toBe(TEXT);
	});
});
