import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';

import { predictionError, parsePrediction } from '../../../../nodes/Connecte/prediction.ts';

const context = { getNode: () => ({ name: 'Connecte' }) } as unknown as IExecuteFunctions;
const reasonOf = (about: IDataObject) =>
	predictionError({ context, itemIndex: 0 }, { id: 'p1', status: 'failed', ...about })?.description;

it.each<[IDataObject, string]>([
	[{ error: false, message: 'boom' }, 'boom'],
	[{ error: {}, detail: 'boom' }, 'boom'],
	[{ error: 17, message: 'boom' }, 'boom'],
	[{ error: null, output: { error: 'boom' } }, 'boom'],
	[{ error: { code: 'E1', reason: 'boom' } }, 'boom'],
	[{ error: { code: 17, why: 'boom' } }, '{"code":17,"why":"boom"}'],
	[{ error: 17 }, '17'],
])('finds in %j the reason', (about, reason) => {
	expect(reasonOf(about)).toContain(`Connecte says: ${reason}.`);
});

it.each<IDataObject>([{}, { error: false }, { error: {} }, { error: '' }, { error: [] }])(
	'finds no reason in %j',
	(about) => {
		expect(reasonOf(about)).toContain('Connecte gives no reason.');
	},
);

it('takes no callback with a status that is not known', () => {
	expect(parsePrediction({ id: 'p1', status: 'booting' })).toBeUndefined();
	expect(parsePrediction({ id: 'p1', status: ' Failed' })).toEqual({ id: 'p1', status: 'failed' });
});
