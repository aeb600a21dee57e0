import type { ContainerFormat } from './container';
import { FLAC } from './flac';
import { MP3 } from './mp3';
import { OGG } from './ogg';
import { WAV } from './wav';

/** Every format that recordings can be cut in. */
export const CONTAINERS: readonly ContainerFormat[] = [WAV, MP3, FLAC, OGG];

/** The format of a file that begins with these bytes (64, or all there are). */
export function containerOf(start: Buffer): ContainerFormat | undefined {
	return CONTAINERS.find((format) => format.matches(start));
}
