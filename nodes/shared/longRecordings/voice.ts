import type { PartFile } from '../audio/containers/container';

/** A speaker heard in a part, as it is introduced to the parts after it. */
export interface Voice {
	/** What the part called it. */
	name: string;
	/** What it is called where it is introduced: none of the names that a service makes up itself. */
	sentName: string;
	/** 2 to 10 s of it. */
	sample: PartFile;
}
