// Usage: npm run workflows:move -- services|whole <workflow.json>…
// Changes exported workflows in place, so that their nodes come from the packages of one service each,
// or from the package with every service.
import { readFileSync, writeFileSync } from 'node:fs';
import { servicePackages, wholePackage } from './manifest.ts';
import { moveWorkflows, movesBetween } from './move.ts';

const [target, ...files] = process.argv.slice(2);
if ((target !== 'services' && target !== 'whole') || files.length === 0) {
	console.error('Usage: npm run workflows:move -- services|whole <workflow.json>…');
	process.exit(2);
}
const services = servicePackages();
const whole = [wholePackage()];
const moves = target === 'services' ? movesBetween(whole, services) : movesBetween(services, whole);

for (const file of files) {
	const text = readFileSync(file, 'utf8');
	JSON.parse(text);
	const moved = moveWorkflows(text, moves);
	if (moved !== text) writeFileSync(file, moved);
	console.log(`${file}: ${moved === text ? 'nothing to move' : 'moved'}`);
}
