declare module '@n8n/scan-community-package/scanner/scanner.mjs' {
	import type { Linter } from 'eslint';

	/** What the scanner lints in the source tree. */
	export const SOURCE_FILE_PATTERNS: string[];

	/** The scanner's ESLint configuration. */
	export function buildScanConfig(): Promise<Linter.Config[]>;

	/** The folder in a clone whose package.json has the name; where there are several, the first found. */
	export function findPackageRoot(sourceDir: string, packageName: string): string | null;
}
