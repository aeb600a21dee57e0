import type { IBinaryKeyData, IDataObject } from 'n8n-workflow';

import type { Item } from '../item';
import { nameAfterRecording } from './fileName';
import type { Transcript } from './transcript';
import { makeReport, type ReportSubject } from './report';

export interface ReportRequest {
	/** The binary field to put the file in. */
	property: string;
}

/** `options.report` and `options.reportProperty`; `undefined` where no report is wanted. */
export function reportRequest({ report, reportProperty }: IDataObject): ReportRequest | undefined {
	if (report !== true) return undefined;
	const property = typeof reportProperty === 'string' ? reportProperty.trim() : '';
	return { property: property || 'report' };
}

/**
 * The report of a transcript as the binary data of an item.
 */
export async function reportBinary(
	item: Item,
	transcript: Transcript,
	{ property }: ReportRequest,
	subject: ReportSubject,
): Promise<IBinaryKeyData> {
	const binary = await item.context.helpers.prepareBinaryData(
		Buffer.from(makeReport(transcript, subject)),
		reportFileName(subject.recording),
		'text/html',
	);
	return { [property]: binary };
}

/** The recording's name with another ending: `meeting.html` for `calls/meeting.mp3`. */
export function reportFileName(recording?: string): string {
	return nameAfterRecording(recording, 'html', 'transcript');
}
