import type { CheckedFinding, Verdict } from './check.ts';

export interface ServiceFindings {
	service: string;
	findings: CheckedFinding[];
}

export interface ReportHead {
	date: Date;
	version: string;
	/** What was missing, and what was not checked for it. */
	missing: string[];
}

const VERDICTS: Verdict[] = ['as documented', 'differs', 'answered', 'not checked'];

export const countOf = (services: readonly ServiceFindings[], verdict: Verdict): number =>
	services.flatMap(({ findings }) => findings).filter((one) => one.verdict === verdict).length;

/** The text without keys, however they are written in it. */
export const masked = (text: string, secrets: readonly string[]): string => {
	const forms = secrets
		.flatMap((secret) => [
			secret,
			encodeURIComponent(secret),
			JSON.stringify(secret).slice(1, -1),
			Buffer.from(secret).toString('base64'),
		])
		.filter((form) => form !== '')
		.sort((one, other) => other.length - one.length);
	return forms
		.reduce((rest, form) => rest.replaceAll(form, '***'), text)
		.replaceAll(/\b(Bearer|Basic) (?!\*\*\*)[\w.~+/=-]+/gi, '$1 ***');
};

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** A report in Markdown, to be pasted into an issue. */
export const reportOf = (
	{ date, version, missing }: ReportHead,
	services: readonly ServiceFindings[],
	secrets: readonly string[],
): string => {
	const total = VERDICTS.map((verdict) => `${countOf(services, verdict)} ${verdict}`).join(', ');
	const lines = [
		`## check:live of ${date.toISOString().slice(0, 10)}, version ${version}`,
		'',
		`${total}. Sound: two seconds of generated tones.`,
	];
	for (const { service, findings } of services) {
		lines.push('', `### ${service}`, '', '| Check | Found | Details |', '|---|---|---|');
		for (const { check, verdict, details } of findings) {
			const found = verdict === 'differs' ? '**differs**' : verdict;
			lines.push(`| ${cell(check.name)} | ${found} | ${cell(details.join('; '))} |`);
		}
		const different = findings.filter(({ verdict }) => verdict === 'differs');
		for (const { check } of different) {
			lines.push('', `- ${check.name}: expected ${check.documented}`);
		}
	}
	if (missing.length > 0) {
		lines.push('', '### Missing', '', ...missing.map((one) => `- ${one}`));
	}
	return masked(`${lines.join('\n')}\n`, secrets);
};
