/** `npm run bench -- <name> [options]`: each file in this folder is a benchmark of its own. */
const BENCHES: Readonly<Record<string, string>> = {
	connecte: './connecteWaiting.ts',
	cutting: './cutting.ts',
	flux: './flux.ts',
	upload: './uploadMemory.ts',
};

const name = process.argv[2] ?? '';
const file = BENCHES[name];
if (file === undefined) {
	console.error(`Usage: npm run bench -- <${Object.keys(BENCHES).join(' | ')}> [options]`);
	process.exit(2);
}
await import(file);
