import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Kept per process; older text is dropped. */
const MAX_LOG_CHARS = 4 * 1024 * 1024;

const signalGroup = (pid: number, signal: NodeJS.Signals | 0): boolean => {
	try {
		process.kill(process.platform === 'win32' ? pid : -pid, signal);
		return true;
	} catch {
		// ESRCH: nobody of the group is left.
		return false;
	}
};

/** A program in a process group of its own, so that its children end with it. */
export class ChildProgram {
	readonly #child: ChildProcess;
	readonly #killAtExit: () => void;
	#log = '';

	constructor(command: string, args: string[], options: { cwd: string; env: NodeJS.ProcessEnv }) {
		this.#child = spawn(command, args, {
			...options,
			detached: process.platform !== 'win32',
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		const keep = (chunk: Buffer): void => {
			this.#log = (this.#log + chunk.toString('utf8')).slice(-MAX_LOG_CHARS);
		};
		this.#child.stdout?.on('data', keep);
		this.#child.stderr?.on('data', keep);
		this.#child.on('error', (error) => keep(Buffer.from(`${error.message}\n`)));
		this.#killAtExit = () => this.#signal('SIGKILL');
		process.once('exit', this.#killAtExit);
	}

	get pid(): number {
		if (this.#child.pid === undefined) throw new Error(`Could not be started: ${this.#log}`);
		return this.#child.pid;
	}

	/** Exit status or signal, as long as it runs `undefined`. */
	get ended(): number | NodeJS.Signals | undefined {
		if (this.#child.pid === undefined) return 1;
		return this.#child.exitCode ?? this.#child.signalCode ?? undefined;
	}

	/** Both output streams together, the last 4 MiB. */
	get log(): string {
		return this.#log;
	}

	/** Highest resident memory so far, in KiB (Linux only). */
	peakMemoryKiB(): number {
		return this.#memory('VmHWM');
	}

	/** Resident memory now, in KiB (Linux only). */
	memoryKiB(): number {
		return this.#memory('VmRSS');
	}

	/** Sets the highest resident memory back to what it is now (Linux only). */
	resetPeakMemory(): void {
		// Documented in proc(5): 5 resets VmHWM.
		writeFileSync(`/proc/${this.pid}/clear_refs`, '5');
	}

	/** Asks the program to end, waits `patienceMs`, then kills it and its children. */
	async stop(patienceMs = 15_000): Promise<void> {
		if (this.ended === undefined) {
			const ended = once(this.#child, 'exit');
			this.#child.kill('SIGTERM');
			const patience = new AbortController();
			await Promise.race([
				ended,
				sleep(patienceMs, undefined, { signal: patience.signal }).catch(() => undefined),
			]);
			patience.abort();
		}
		await this.kill();
	}

	/** Kills the program and its children at once, as a crash would. */
	async kill(): Promise<void> {
		const ended = this.ended === undefined ? once(this.#child, 'exit') : undefined;
		this.#signal('SIGKILL');
		await ended;
		process.removeListener('exit', this.#killAtExit);
	}

	#signal(signal: NodeJS.Signals): void {
		if (this.#child.pid !== undefined) signalGroup(this.#child.pid, signal);
	}

	#memory(field: string): number {
		const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
		const found = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status);
		if (found?.[1] === undefined) throw new Error(`/proc/${this.pid}/status has no ${field}`);
		return Number(found[1]);
	}
}
