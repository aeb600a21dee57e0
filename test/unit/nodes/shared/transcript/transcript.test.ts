import { languageCode } from '../../../../../nodes/shared/transcript/language.ts';
import { transcriptJson } from '../../../../../nodes/shared/transcript/transcript.ts';

describe('transcriptJson', () => {
	it('gives the language as a code, however the service names it', () => {
		const coded = ['english', 'Haitian Creole', 'en', 'pt-BR', 'klingon', undefined].map(
			(language) => languageCode(language),
		);
		expect(coded).toEqual(['en', 'ht', 'en', 'pt-BR', 'klingon', undefined]);
		expect(transcriptJson({ text: '', service: 'any', language: 'german' }).language).toBe('de');
	});

	it('rounds confidence, and nothing else', () => {
		const part = { text: 'a', start: 0.123456, confidence: 0.98765432 };
		expect(transcriptJson({ text: 'a', service: 'any', segments: [part], words: [part] })).toEqual({
			text: 'a',
			service: 'any',
			segments: [{ text: 'a', start: 0.123456, confidence: 0.9877 }],
			words: [{ text: 'a', start: 0.123456, confidence: 0.9877 }],
		});
	});

	it('leaves out a confidence that there is not, but not one of 0', () => {
		const words = [{ text: 'a' }, { text: 'b', confidence: 0 }];
		expect(transcriptJson({ text: 'a b', service: 'any', words }).words).toEqual(words);
	});
});
