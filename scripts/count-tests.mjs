// Usage: count-tests.mjs <folder> <run>…: for each run reads jest's <run>.json and the exit status in
// <run>.status, and prints "N passed, N failed" over all. Runs on the machine's own Node.
import path from 'node:path';
import { countRun } from './count.cjs';

const [folder, ...runs] = process.argv.slice(2);
const total = { passed: 0, failed: 0 };
for (const run of runs) {
	const { passed, failed } = countRun(path.join(folder, run));
	console.log(`${run}: ${passed} passed, ${failed} failed`);
	total.passed += passed;
	total.failed += failed;
}
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
