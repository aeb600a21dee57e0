const fs = require('node:fs');

const readJson = (file) => {
	try {
		return JSON.parse(fs.readFileSync(file, 'utf8'));
	} catch {
		return undefined;
	}
};

const readStatus = (file) => {
	try {
		return fs.readFileSync(file, 'utf8').trim();
	} catch {
		return 'unknown';
	}
};

/**
 * Passed and failed tests of one run (`<base>.json` from jest, `<base>.status` with its exit status).
 * What did not run (skipped, todo, a suite that did not load) counts as failed; so does, once, a run that
 * ended with another status than 0 although no test failed: something before the tests, such as lint.
 */
function countRun(base) {
	const report = readJson(`${base}.json`);
	const passed = report?.numPassedTests ?? 0;
	const failed =
		(report?.numFailedTests ?? 0) +
		(report?.numPendingTests ?? 0) +
		(report?.numTodoTests ?? 0) +
		(report?.numRuntimeErrorTestSuites ?? 0);
	const endedWell = readStatus(`${base}.status`) === '0' && report !== undefined;
	return { passed, failed: failed === 0 && !endedWell ? 1 : failed };
}

module.exports = { countRun };
