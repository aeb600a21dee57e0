import type { IExecuteFunctions } from 'n8n-workflow';

import { isToolRun, takesLiveText } from '../../../../nodes/shared/item.ts';

const contextWith = (functions: Partial<IExecuteFunctions>): IExecuteFunctions =>
	({ getNode: () => ({ name: 'Test' }), ...functions }) as IExecuteFunctions;

describe('what an older n8n lacks', () => {
	it.each([isToolRun, takesLiveText])('is not called there: %p', (feature) => {
		expect(feature(contextWith({}))).toBe(false);
	});

	it.each([true, false])('is asked where there is such a function, which says %s', (said) => {
		const newer = contextWith({ isStreaming: () => said, isToolExecution: () => said });
		expect(isToolRun(newer)).toBe(said);
		expect(takesLiveText(newer)).toBe(said);
	});
});
