// Usage: npm run check:live [-- --yes] [--limits] [--report <file>]; see docs/check-live.md.
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { wholePackage } from '../packages/manifest.ts';
import { readAccess } from './access.ts';
import { checksFor, costsOf, runServices } from './live.ts';
import { countOf, masked, reportOf } from './report.ts';

const { values } = parseArgs({
	options: {
		yes: { type: 'boolean', default: false },
		limits: { type: 'boolean', default: false },
		report: { type: 'string', default: 'check-live-report.md' },
	},
});

const access = readAccess(process.env);
const say = (line: string): void => console.log(masked(line, access.secrets));

const mayGoOn = async (): Promise<boolean> => {
	if (values.yes) return true;
	if (!process.stdin.isTTY) {
		say('\nNothing was sent: add --yes to agree to these costs.');
		return false;
	}
	const prompt = createInterface({ input: process.stdin, output: process.stdout });
	try {
		return /^y(es)?$/i.test((await prompt.question('\nSend this? [y/N] ')).trim());
	} finally {
		prompt.close();
	}
};

const services = checksFor(access, values);
if (access.missing.length > 0) {
	say('Missing, see docs/check-live.md:');
	for (const one of access.missing) say(`  ${one}`);
}
if (services.length === 0) {
	say('\nNothing can be checked without keys; nothing was sent.');
	process.exit(2);
}
say('\nThis asks the real services, with your keys:');
for (const line of costsOf(services)) say(`  ${line}`);
if (!(await mayGoOn())) process.exit(2);

const found = await runServices(services, say);
const { version } = wholePackage().manifest;
const head = { date: new Date(), version, missing: access.missing };
writeFileSync(values.report, reportOf(head, found, access.secrets));
const different = countOf(found, 'differs');
say(
	`\n${different} differ; the report is in ${values.report}. Read it through before you share it.`,
);
process.exit(different === 0 ? 0 : 1);
