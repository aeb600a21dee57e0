// `npm run packages:sync`: writes into every package what the root's package.json, LICENSE and examples/
// say. npm runs it for `npm version` as well.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../harness/root.ts';
import { outdatedFiles } from './derived.ts';

for (const { file, content } of outdatedFiles()) {
	writeFileSync(path.join(packageRoot(), file), content);
	console.log(`${file} updated`);
}
