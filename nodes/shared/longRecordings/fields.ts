import type { INodeProperties } from 'n8n-workflow';

import type { PartLimits } from '../audio/parts';
import type { FieldValues } from '../fieldValues';

/** What becomes of a recording above a limit: cut into parts, or sent as it is. */
export type LongRecordings = 'split' | 'send';

const BYTES_PER_MEGABYTE = 1_000_000;
const SECONDS_PER_MINUTE = 60;

/** The options by which a service that takes whole files takes long recordings. */
export class LongRecordingOptions {
	readonly options: INodeProperties[];

	private readonly longRecordings: INodeProperties;

	private readonly partMegabytes: INodeProperties;

	private readonly partMinutes: INodeProperties;

	/**
	 * @param unlessSet what becomes of a recording where the user does not say
	 * @param minutesCount where the length counts too, where it does not everywhere
	 */
	constructor(unlessSet: LongRecordings, minutesCount: INodeProperties['displayOptions'] = {}) {
		const whereSplit: INodeProperties['displayOptions'] =
			unlessSet === 'split'
				? { hide: { longRecordings: ['send'] } }
				: { show: { longRecordings: ['split'] } };
		this.longRecordings = {
			displayName: 'Long Recordings',
			name: 'longRecordings',
			type: 'options',
			options: [
				{
					name: 'Send Whole',
					value: 'send',
					description: 'Send every recording as it is, whatever its size',
				},
				{
					name: 'Split',
					value: 'split',
					description:
						'Cut what is above a limit where nobody speaks, and join the transcripts of the parts',
				},
			],
			default: unlessSet,
			description:
				'What to do with a recording above the size or length of a part. WAV, MP3, MP4, M4A, MOV, Ogg, FLAC, WebM and MKV can be split; of a video only the sound is sent then.',
		};
		this.partMegabytes = {
			displayName: 'Part Megabytes',
			name: 'partMegabytes',
			type: 'number',
			typeOptions: { minValue: 1, maxValue: 100 },
			default: 24,
			description: 'How large a part may be at most, in megabytes. What is smaller is sent whole.',
			displayOptions: whereSplit,
		};
		this.partMinutes = {
			displayName: 'Part Minutes',
			name: 'partMinutes',
			type: 'number',
			typeOptions: { minValue: 1, maxValue: 240 },
			default: 20,
			description: 'How long a part may be at most, in minutes. What is shorter is sent whole.',
			displayOptions: {
				...whereSplit,
				...minutesCount,
				show: { ...whereSplit.show, ...minutesCount.show },
			},
		};
		this.options = [this.longRecordings, this.partMegabytes, this.partMinutes];
	}

	/**
	 * The limits of what is sent whole; `undefined` where everything is.
	 * @throws NodeOperationError naming the option whose value is wrong
	 */
	limitsOf(options: FieldValues): PartLimits | undefined {
		if (options.choice<LongRecordings>(this.longRecordings) === 'send') return undefined;
		return {
			bytes: options.number(this.partMegabytes) * BYTES_PER_MEGABYTE,
			seconds: options.number(this.partMinutes) * SECONDS_PER_MINUTE,
		};
	}
}
