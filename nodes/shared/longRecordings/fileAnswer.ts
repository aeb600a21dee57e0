import type { IDataObject } from 'n8n-workflow';

import type { Transcript } from '../transcript/transcript';

/** What the service said to one file. */
export interface FileAnswer {
	/** The answer itself, as the JSON of an item. */
	json: IDataObject;
	/** With times that count from the file's beginning; missing where none was needed. */
	transcript?: Transcript;
}
