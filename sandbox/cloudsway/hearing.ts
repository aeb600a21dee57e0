import { hearWav, type HeardAudio } from '../hearing/wav.ts';
import { Refusal } from './form.ts';

/** @throws Refusal where the bytes cannot be decoded */
export function heardIn(bytes: Buffer): HeardAudio {
	try {
		return hearWav(bytes);
	} catch (error) {
		throw new Refusal(400, `The audio file could not be decoded: ${(error as Error).message}`);
	}
}
