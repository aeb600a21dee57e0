// Usage: npm run release:check -- v1.2.3 owner/repository: whether what lies here can be released so.
// Runs before the tool chain is installed, so nothing but Node's own modules is needed.
import { obstaclesTo } from './obstacles.ts';

const [tag, repository] = process.argv.slice(2);
if (tag === undefined || repository === undefined) {
	console.error('Usage: npm run release:check -- <tag> <owner/repository>');
	process.exit(2);
}
const obstacles = obstaclesTo({ tag, repository });
for (const obstacle of obstacles) console.error(`- ${obstacle}`);
console.log(
	obstacles.length === 0
		? `${tag} can be released from ${repository}`
		: `${tag} cannot be released yet: ${obstacles.length} obstacles`,
);
process.exitCode = obstacles.length === 0 ? 0 : 1;
