/** What was seen of one version of n8n. */
export interface Seen {
	n8n: string;
	/** Version of the Node it ran on. */
	node: string;
	/** Day of the run, as 2026-01-31. */
	day: string;
	/** Why it could not be installed or started; there are no results then. */
	failure?: string;
	/** Why this version was taken and not its neighbour. */
	reason?: string;
	/** By the name of the check: what went wrong, or null where it worked. */
	results: Record<string, string | null>;
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').replaceAll('|', '\\|').trim();

const byVersion = (a: Seen, b: Seen): number => a.n8n.localeCompare(b.n8n, 'en', { numeric: true });

const row = (cells: string[]): string => `| ${cells.join(' | ')} |`;

/** The oldest version that all checks passed with. */
export const oldestThatWorks = (seen: Seen[], checks: string[]): string | undefined =>
	[...seen].sort(byVersion).find(({ results }) => checks.every((check) => results[check] === null))
		?.n8n;

/** The lines of docs/versions.md: a table of what was seen, and below it what went wrong. */
export const versionsPage = (seen: Seen[], checks: string[]): string => {
	const sorted = [...seen].sort(byVersion);
	const head = ['n8n', 'Node', ...checks, 'Seen'];
	const cells = ({ n8n, node, day, failure, results }: Seen): string[] => [
		n8n,
		node,
		...checks.map((check) => {
			if (failure !== undefined) return '-';
			const result = results[check];
			return result === undefined ? '-' : result === null ? 'yes' : '**no**';
		}),
		day,
	];
	const notes = sorted.flatMap(({ n8n, failure, reason, results }) => [
		...(failure === undefined ? [] : [`- **${n8n}** could not be run: ${oneLine(failure)}`]),
		...(reason === undefined ? [] : [`- **${n8n}** was taken because ${oneLine(reason)}.`]),
		...Object.entries(results).flatMap(([check, result]) =>
			result === null ? [] : [`- **${n8n}**, ${check}: ${oneLine(result)}`],
		),
	]);
	const oldest = oldestThatWorks(seen, checks);
	return [
		'# Versions of n8n',
		'',
		"Written by `npm run test:versions`: each n8n is installed in the layout of n8n's Docker image, with",
		'the packed package, and does what users do against the stand-ins of the services.',
		'',
		...(oldest === undefined ? [] : [`The oldest version seen to do all of it is ${oldest}.`, '']),
		row(head),
		row(head.map(() => '---')),
		...sorted.map((one) => row(cells(one))),
		...(notes.length === 0 ? [] : ['', ...notes]),
		'',
	].join('\n');
};
