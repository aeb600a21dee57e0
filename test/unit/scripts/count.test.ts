import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { countRun } from '../../../scripts/count.cjs';

let folder: string;
const base = (): string => path.join(folder, 'run');

const report = (status: number, numbers?: Record<string, number>): void => {
	writeFileSync(`${base()}.status`, `${status}\n`);
	if (numbers) writeFileSync(`${base()}.json`, JSON.stringify(numbers));
};

beforeEach(() => {
	folder = mkdtempSync(path.join(os.tmpdir(), 'count-test-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('takes the numbers of a run in which all passed', () => {
	report(0, { numPassedTests: 7, numFailedTests: 0, numPendingTests: 0 });
	expect(countRun(base())).toEqual({ passed: 7, failed: 0 });
});

it('counts what did not run as failed', () => {
	report(1, {
		numPassedTests: 7,
		numFailedTests: 1,
		numPendingTests: 2,
		numTodoTests: 3,
		numRuntimeErrorTestSuites: 4,
	});
	expect(countRun(base())).toEqual({ passed: 7, failed: 10 });
});

it('counts skipped tests as failed although jest calls that a success', () => {
	report(0, { numPassedTests: 1, numPendingTests: 1 });
	expect(countRun(base())).toEqual({ passed: 1, failed: 1 });
});

it('counts one failed where lint, types or scan stopped the run before the tests', () => {
	report(1);
	expect(countRun(base())).toEqual({ passed: 0, failed: 1 });
});

it('counts one failed where all tests passed but the run ended badly', () => {
	report(1, { numPassedTests: 7 });
	expect(countRun(base())).toEqual({ passed: 7, failed: 1 });
});

it('counts one failed where nothing was left behind', () => {
	expect(countRun(base())).toEqual({ passed: 0, failed: 1 });
});
