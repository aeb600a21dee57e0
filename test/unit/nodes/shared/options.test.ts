import { fluxOptions } from '../../../../nodes/CloudflareWorkersAi/flux/parameters.ts';
import { optionsCollection } from '../../../../nodes/shared/options.ts';

describe('optionsCollection', () => {
	it('shows options in the order of their names, whatever order they are written in', () => {
		const { options = [] } = optionsCollection([...fluxOptions].reverse());
		const names = options.map(({ name, ...option }) =>
			'displayName' in option ? option.displayName : name,
		);
		expect(names).toHaveLength(fluxOptions.length);
		expect(names).toEqual([...names].sort((a, b) => a.localeCompare(b)));
	});
});
