import { outdatedFiles } from '../../../../scripts/packages/derived.ts';
import { servicePackages, wholePackage } from '../../../../scripts/packages/manifest.ts';

it('finds every package saying what the root says; `npm run packages:sync` mends what it names', () => {
	expect(outdatedFiles().map(({ file }) => file)).toEqual([]);
});

it.each(['nodes', 'credentials'] as const)(
	'finds each of the %s in the whole package and in exactly one package of one service',
	(kind) => {
		const inServices = servicePackages().flatMap(({ manifest }) => manifest.n8n[kind]);
		expect(inServices.sort()).toEqual(wholePackage().manifest.n8n[kind].sort());
	},
);
