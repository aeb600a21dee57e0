import type { ContainerFormat } from './container';
import { FLAC } from './flac';
import { MATROSKA } from './matroska';
import { MP3 } from './mp3';
import { MP4 } from './mp4';
import { OGG } from './ogg';
import { WAV } from './wav';

/** Every format that recordings can be cut in. */
export const CONTAINERS: readonly ContainerFormat[] = [WAV, MP3, MP4, OGG, FLAC, MATROSKA];

/** The format of a file that begins with these bytes (64, or all there are). */
export function containerOf(start: Buffer): ContainerFormat | undefined {
	return CONTAINERS.find((format) => format.matches(start));
}
