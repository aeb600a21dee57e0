/**
 * Passed and failed tests of one run (`<base>.json` from jest, `<base>.status` with its exit status).
 * What did not run counts as failed; so does, once, a run that ended badly although no test failed.
 */
export function countRun(base: string): { passed: number; failed: number };
