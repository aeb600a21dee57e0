export interface InstallMarker {
	phase: 'installing' | 'done';
	fingerprint: string;
	pnpm: string;
}

export interface InstallOptions {
	/** Folder with package.json, pnpm-workspace.yaml and pnpm-lock.yaml; pnpm writes the lock where there is none. */
	folder: string;
	/** What is installed, as the user reads it. */
	what: string;
	/** Size and expected time, said before anything is downloaded. */
	effort: string;
	/** Exact pnpm version. */
	pnpm: string;
	say: (line: string) => void;
	/** Held while installing, so that two installers do not meet. */
	lockFile: string;
	/** Leaves devDependencies out. */
	production?: boolean;
	/** Stands in for running the command line in tests; gives its exit status or signal. */
	runCommand?: (
		command: string,
		args: string[],
		folder: string,
	) => Promise<number | NodeJS.Signals | string>;
}

/** Path of the marker inside the installed folder. */
export const MARKER: string;

/** SHA-256 (hex) of what decides the content of node_modules: lock, overrides, dependencies, platform. */
export function fingerprint(folder: string, platform?: string): string;

/**
 * What must be done in `folder`: `ready` nothing, `missing` no node_modules, `changed` installed from
 * other files than lie there now, `interrupted` an install began and did not end.
 */
export function installState(folder: string): 'ready' | 'missing' | 'changed' | 'interrupted';

/**
 * Brings node_modules of `folder` to what its lock file says; gives whether anything was installed.
 * Rejects with a text for the user when npx is not there or pnpm fails.
 */
export function install(options: InstallOptions): Promise<boolean>;

/** Runs `work` while holding the lock file; waits for another holder, and takes over from a dead one. */
export function withLock<T>(
	file: string,
	options: { say: (line: string) => void; pollMs?: number },
	work: () => Promise<T>,
): Promise<T>;

/**
 * Runs `npm` or `npx` for the install of `what` in `folder`; rejects with a text for the user where it is
 * not there or fails.
 */
export function runStep(
	what: string,
	command: [program: 'npm' | 'npx', ...args: string[]],
	folder: string,
	runCommand?: InstallOptions['runCommand'],
): Promise<void>;

/** Writes the marker in one step. */
export function writeMarker(folder: string, marker: InstallMarker): void;
