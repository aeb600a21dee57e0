import { namedAudioFile } from '../../../../../nodes/shared/audio/format.ts';

describe('namedAudioFile', () => {
	it.each([
		['a.mp3', 'audio/mpeg', 'a.mp3', 'audio/mpeg'],
		['voice.oga', 'audio/ogg', 'voice.ogg', 'audio/ogg'],
		['voice.opus', 'audio/opus', 'voice.ogg', 'audio/ogg'],
		['VOICE.OPUS', undefined, 'VOICE.ogg', 'audio/ogg'],
		['old.mpga', 'audio/mpeg', 'old.mpga', 'audio/mpeg'],
		['clip', 'video/mp4', 'clip.mp4', 'video/mp4'],
		['clip.mp4', 'audio/mp4', 'clip.mp4', 'audio/mp4'],
		[undefined, 'audio/x-m4a', 'audio.m4a', 'audio/mp4'],
		[undefined, 'audio/ogg; codecs=opus', 'audio.ogg', 'audio/ogg'],
		['recording.dat', 'audio/x-wav', 'recording.wav', 'audio/wav'],
		['a.b.c', 'Audio/FLAC', 'a.b.flac', 'audio/flac'],
		['talk.webm', 'application/octet-stream', 'talk.webm', 'audio/webm'],
		['talk.mp3', 'audio/x-unheard-of', 'talk.mp3', 'audio/mpeg'],
		['dir/sub\\talk.mp3', 'audio/mpeg', 'talk.mp3', 'audio/mpeg'],
		['.mp3', 'audio/mpeg', 'audio.mp3', 'audio/mpeg'],
	])('sends %s of type %s as %s, %s', (fileName, mimeType, sentName, sentType) => {
		expect(namedAudioFile(fileName, mimeType)).toEqual({ fileName: sentName, mimeType: sentType });
	});

	it.each([
		['notes.txt', 'text/plain'],
		['talk.mp3', 'text/plain; charset=utf-8'],
		['talk.wav', 'application/json'],
		[undefined, 'application/octet-stream'],
		['song.aac', 'audio/aac'],
		['page.html', undefined],
		[undefined, undefined],
	])('does not know %s of type %s', (fileName, mimeType) => {
		expect(namedAudioFile(fileName, mimeType)).toBeUndefined();
	});

	it('names a file with an extension that the service takes alone', () => {
		expect(namedAudioFile('a.mpga', 'audio/mpeg', ['mp3', 'wav'])).toEqual({
			fileName: 'a.mp3',
			mimeType: 'audio/mpeg',
		});
		expect(namedAudioFile('a.flac', 'audio/flac', ['mp3', 'wav'])).toBeUndefined();
	});
});
