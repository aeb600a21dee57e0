import { Readable } from 'node:stream';

import { maskFor } from '../../../../../nodes/shared/http/secrets.ts';
import { Answer, messageIn } from '../../../../../nodes/shared/http/answer.ts';

const answerOf = (body: Readable, signal = new AbortController().signal) =>
	new Answer(
		{
			statusCode: 200,
			headers: { 'content-type': 'Text/Event-Stream; charset=utf-8', location: '/?key=secret' },
			body,
		},
		signal,
		maskFor({ key: 'secret' }, { secretFields: ['key'] }),
	);

describe('Answer', () => {
	it('reads text with secrets masked, across pieces and split characters', async () => {
		const bytes = Buffer.from('a sécret: secret');
		const pieces = [...bytes].map((byte) => Buffer.from([byte]));
		expect(await answerOf(Readable.from(pieces)).content()).toEqual({
			text: 'a sécret: ******',
			json: undefined,
		});
	});

	it('masks secrets in the values of JSON, and leaves names of fields alone', async () => {
		const body = Readable.from([Buffer.from('{"secret":"a secret"}')]);
		expect((await answerOf(body).content()).json).toEqual({ secret: 'a ******' });
	});

	it('masks its headers', () => {
		expect(answerOf(Readable.from([])).header('Location')).toBe('/?key=******');
	});

	it('names its media type without parameters', () => {
		expect(answerOf(Readable.from([])).contentType).toBe('text/event-stream');
	});

	it('stops reading when it is aborted, and closes the connection', async () => {
		const body = new Readable({ read: () => undefined });
		const stop = new AbortController();
		const reading = answerOf(body, stop.signal).content();
		stop.abort(new Error('too late'));
		await expect(reading).rejects.toThrow('too late');
		expect(body.destroyed).toBe(true);
	});

	it('gives what there is of an error that breaks off', async () => {
		const body = Readable.from(
			(async function* () {
				yield await Promise.resolve(Buffer.from('{"error":'));
				throw new Error('reset');
			})(),
		);
		expect(await answerOf(body).errorText()).toBe('{"error":');
	});
});

describe('messageIn', () => {
	it.each([
		['{"error":{"message":"Bad key","code":"x"}}', 'Bad key'],
		['{"error":"Bad key"}', 'Bad key'],
		['{"message":"Bad key"}', 'Bad key'],
		['{"detail":[{"msg":"Field required"},{"msg":"Too long"}]}', 'Field required; Too long'],
		['{"success":false,"errors":[{"code":7003,"message":"No route"}]}', 'No route'],
		['<html><head><title> 502 Bad Gateway </title></head></html>', '502 Bad Gateway'],
		['<html></html>', undefined],
		['plain words', 'plain words'],
		['{"error":"Bad Request","message":"NO_PROVIDER_ERROR"}', 'Bad Request: NO_PROVIDER_ERROR'],
		['{"error":{"code":"NO_ENDPOINT"}}', 'NO_ENDPOINT'],
		['{"ok":true}', undefined],
		['', undefined],
	])('finds the message in %s', (text, expected) => {
		expect(messageIn(text)).toBe(expected);
	});
});
