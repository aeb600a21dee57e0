// Usage: npm run pack:services [-- <folder>]: packs every package of this repository into the folder
// (default: packed), as `npm publish` would upload them.
import path from 'node:path';
import { buildPackage } from '../../harness/build.ts';
import { packageRoot } from '../../harness/root.ts';
import { packAll } from './packAll.ts';

const target = path.resolve(process.argv[2] ?? path.join(packageRoot(), 'packed'));
await buildPackage();
for (const { name, tarball, size, files } of await packAll(target)) {
	const kB = (size / 1024).toFixed(1);
	console.log(`\n${name}: ${path.basename(tarball)}, ${kB} kB, ${files.length} files`);
	for (const file of files) console.log(`  ${file}`);
}
