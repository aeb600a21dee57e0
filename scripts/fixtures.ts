/**
 * Makes the recordings in test/fixtures anew (`--check`: compares instead, and changes nothing).
 * `--outputFile <file>` leaves the number of files that passed and failed, named as in jest's report.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { differenceFrom, keep, keptFiles, readManifest } from '../test/fixtures/kept.ts';
import { RECIPES, commandOf, type Recipe } from '../test/fixtures/recipes.ts';

const { values: options } = parseArgs({
	options: { check: { type: 'boolean', default: false }, outputFile: { type: 'string' } },
});

const say = (line: string): void => console.log(`[fixtures] ${line}`);

/** Runs sox in `folder`, where the files of earlier recipes lie; gives what it wrote. */
const make = (recipe: Recipe, folder: string): Buffer => {
	const { stdout, stderr, status, error } = spawnSync('sox', ['-V1', ...recipe.args], {
		cwd: folder,
	});
	if (error !== undefined) {
		throw new Error(
			`sox could not be started (${error.message}). Install it: apt-get install sox, or brew install sox.`,
			{ cause: error },
		);
	}
	if (status !== 0) throw new Error(`${commandOf(recipe)}: ${stderr.toString().trim()}`);
	const target = path.join(folder, recipe.file);
	if (recipe.isPiped) writeFileSync(target, stdout);
	return readFileSync(target);
};

const check = (made: Array<{ recipe: Recipe; content: Buffer }>) => {
	const manifest = readManifest();
	const problems = made.flatMap(({ recipe, content }) => {
		const difference = differenceFrom(content, recipe, manifest);
		return difference === undefined ? [] : [`${recipe.keptAs} ${difference}`];
	});
	const passed = made.length - problems.length;
	const names = new Set(made.map(({ recipe }) => recipe.keptAs));
	const strays = keptFiles().filter((name) => !names.has(name));
	problems.push(...strays.map((name) => `${name} is made by no recipe`));
	for (const problem of problems) say(problem);
	say(`${passed} files are what sox makes, ${problems.length} problems`);
	if (options.outputFile !== undefined) {
		const report = { numPassedTests: passed, numFailedTests: problems.length };
		writeFileSync(options.outputFile, JSON.stringify(report));
	}
	process.exitCode = problems.length === 0 ? 0 : 1;
};

const folder = mkdtempSync(path.join(os.tmpdir(), 'n8n-speech-fixtures-'));
try {
	say(`making ${RECIPES.length} files with sox`);
	const made = RECIPES.map((recipe) => ({ recipe, content: make(recipe, folder) }));
	if (options.check) check(made);
	else {
		const changed = keep(made);
		for (const name of changed) say(`wrote ${name}`);
		say(`${changed.length} of ${made.length} files are new or changed`);
	}
} catch (error) {
	console.error(`[fixtures] ${(error as Error).message}`);
	process.exitCode = 1;
} finally {
	rmSync(folder, { recursive: true, force: true });
}
