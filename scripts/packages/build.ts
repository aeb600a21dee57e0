// `npm run build` of a package in packages/: run in its folder, makes its dist.
import { buildPackage } from '../../harness/build.ts';
import { assemble } from './assemble.ts';
import { readPackage } from './manifest.ts';

const one = readPackage(process.cwd());
await buildPackage();
const files = assemble(one);
console.log(`${one.manifest.name} ${one.manifest.version}: ${files.length} files in dist`);
