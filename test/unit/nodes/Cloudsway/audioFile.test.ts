import { AUDIO_EXTENSIONS, uploadNameOf } from '../../../../nodes/Cloudsway/audioFile.ts';

describe('transcribe: the name of an upload', () => {
	it.each(AUDIO_EXTENSIONS)('keeps .%s, with a MIME type of audio or video', (extension) => {
		// A list that names a format unknown to the shared table would refuse what the service takes.
		expect(uploadNameOf(`a.${extension}`, undefined)).toEqual({
			fileName: `a.${extension}`,
			mimeType: expect.stringMatching(/^(audio|video)\//) as string,
		});
	});

	it.each([
		['song.aac', 'audio/aac'],
		['talk.amr', 'audio/amr'],
	])('takes no %s', (fileName, mimeType) => {
		expect(uploadNameOf(fileName, mimeType)).toBeUndefined();
	});
});
