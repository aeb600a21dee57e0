import { hearRecording } from '../hearing/recording.ts';
import type { HeardAudio } from '../hearing/wav.ts';
import { Refusal } from './form.ts';

/**
 * @returns `undefined` for what is of no format that can be heard
 * @throws Refusal where the bytes cannot be decoded
 */
export async function heardIn(bytes: Buffer): Promise<HeardAudio | undefined> {
	try {
		return await hearRecording(bytes);
	} catch (error) {
		throw new Refusal(400, `The audio file could not be decoded: ${(error as Error).message}`);
	}
}
