import type { INodeProperties } from 'n8n-workflow';

export const predictionIdField: INodeProperties = {
	displayName: 'Prediction ID',
	name: 'predictionId',
	type: 'string',
	required: true,
	default: '',
	placeholder: 'e.g. d5a46834-c430-4342-9779-4ea5e76d057d',
	description: "The ID of the prediction, as 'Create' puts it out",
};

export const pollIntervalOption: INodeProperties = {
	displayName: 'Poll Interval',
	name: 'pollInterval',
	type: 'number',
	typeOptions: { minValue: 0.1, maxValue: 24 * 60 * 60 },
	default: 2,
	description: 'How many seconds to let pass between two questions for the status',
};

export const maxWaitOption: INodeProperties = {
	displayName: 'Max Wait',
	name: 'maxWait',
	type: 'number',
	// n8n keeps a waiting execution's address for no longer than its executions: 30 days.
	typeOptions: { minValue: 1, maxValue: 30 * 24 * 60 * 60 },
	default: 600,
	description: 'How many seconds to wait for the end of the prediction',
};

export const cancelOnTimeoutOption: INodeProperties = {
	displayName: 'Cancel on Timeout',
	name: 'cancelOnTimeout',
	type: 'boolean',
	default: true,
	description:
		"Whether to cancel a prediction that has not ended within 'Max Wait', so that it costs nothing more",
};
