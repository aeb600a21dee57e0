import { differenceFrom, keptContent, keptFiles, readManifest, sha256 } from '../fixtures/kept.ts';
import { RECIPES, commandOf } from '../fixtures/recipes.ts';

/** A file that somebody changed, added or forgot is told without sox; `npm run fixtures` asks sox itself. */
describe('the kept recordings', () => {
	const manifest = readManifest();

	it('are those of the recipes, no more and no less', () => {
		const files = RECIPES.map(({ keptAs }) => keptAs);
		expect(keptFiles().sort()).toEqual(files.sort());
		expect(Object.keys(manifest).sort()).toEqual(RECIPES.map(({ file }) => file).sort());
	});

	it.each(RECIPES)('$file has the checksum and the command of its making', (recipe) => {
		expect(manifest[recipe.file]).toEqual({
			command: commandOf(recipe),
			sha256: sha256(keptContent(recipe)),
		});
	});
});

describe('what sox makes now', () => {
	const manifest = readManifest();
	const recipe = RECIPES.find(({ file }) => file === 'loud.wav')!;
	const kept = keptContent(recipe);
	const entry = manifest[recipe.file]!;

	it('is the kept file where it is the same byte for byte', () => {
		expect(differenceFrom(kept, recipe, manifest)).toBeUndefined();
	});

	it('is another where one byte differs', () => {
		const made = Buffer.from(kept);
		made[made.length - 1]! ^= 1;
		expect(differenceFrom(made, recipe, manifest)).toContain('differs');
	});

	it('is not trusted where the manifest tells of another command or checksum, or nothing', () => {
		const other = (change: object) => ({ ...manifest, [recipe.file]: { ...entry, ...change } });
		expect(differenceFrom(kept, recipe, other({ command: 'sox' }))).toContain('another command');
		expect(differenceFrom(kept, recipe, other({ sha256: '0' }))).toContain('checksum');
		expect(differenceFrom(kept, recipe, {})).toContain('is not in manifest.json');
	});

	it('is missing where no file lies there', () => {
		const unkept = { ...recipe, file: 'unkept.wav', keptAs: 'unkept.wav.gz' };
		const told = { 'unkept.wav': { command: commandOf(unkept), sha256: sha256(kept) } };
		expect(differenceFrom(kept, unkept, told)).toBe('is missing');
	});
});
