import type { IExecuteFunctions } from 'n8n-workflow';

import { isToolRun } from '../../../../nodes/shared/item.ts';

const contextWith = (functions: Partial<IExecuteFunctions>): IExecuteFunctions =>
	({ getNode: () => ({ name: 'Test' }), ...functions }) as IExecuteFunctions;

describe('what an older n8n lacks', () => {
	it('is not called there', () => {
		expect(isToolRun(contextWith({}))).toBe(false);
	});

	it.each([true, false])('is asked where there is such a function, which says %s', (said) => {
		const newer = contextWith({ isToolExecution: () => said });
		expect(isToolRun(newer)).toBe(said);
	});
});
