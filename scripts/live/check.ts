export type Verdict =
	/** What came back is what the service documents and the sandbox does. */
	| 'as documented'
	| 'differs'
	/** Nothing is documented, or pages contradict each other: this is what the service does. */
	| 'answered'
	| 'not checked';

export interface Finding {
	verdict: Verdict;
	/** One line each, without keys. */
	details: string[];
}

/** One documented call, or one open question. */
export interface Check {
	name: string;
	/** What is expected, or asked, and the page that says it. */
	documented: string;
	/** Seconds of sound that the call transcribes, which is what services charge for. */
	seconds?: number;
	run: () => Promise<Finding>;
}

export interface CheckedFinding extends Finding {
	check: Check;
}

/** A finding from differences: none is as documented. */
export const compared = (differences: string[], seen: string[] = []): Finding => ({
	verdict: differences.length === 0 ? 'as documented' : 'differs',
	details: [...differences, ...seen],
});

export const answered = (...details: string[]): Finding => ({ verdict: 'answered', details });

export const notChecked = (...details: string[]): Finding => ({ verdict: 'not checked', details });

/** Runs one check after the other; a call that breaks off is a difference, not the end. */
export const runChecks = async (
	checks: readonly Check[],
	say: (line: string) => void,
): Promise<CheckedFinding[]> => {
	const findings: CheckedFinding[] = [];
	for (const check of checks) {
		const finding = await check.run().catch((error: unknown): Finding => {
			const { message, cause } = error as Error;
			const reason = cause instanceof Error ? `${message}: ${cause.message}` : message;
			return { verdict: 'differs', details: [`no answer: ${reason}`] };
		});
		say(`${finding.verdict.padEnd(13)}  ${check.name}`);
		findings.push({ check, ...finding });
	}
	return findings;
};
