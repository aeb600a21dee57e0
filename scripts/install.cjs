// Plain commonjs without dependencies: it runs before anything is installed, on the machine's own
// Node, and is shared by the package's set-up, by the n8n of the browser tests, and by jest.
const { spawn } = require('node:child_process');
const { createHash, randomUUID } = require('node:crypto');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { createInterface } = require('node:readline');
const { setTimeout: sleep } = require('node:timers/promises');

const MARKER = path.join('node_modules', '.installed.json');
const LOCKED_FILES = ['pnpm-lock.yaml', 'pnpm-workspace.yaml'];
const DEPENDENCY_FIELDS = ['dependencies', 'devDependencies', 'optionalDependencies'];

/** A lock of another machine (shared home folder) counts as left behind after this long without a touch. */
const FOREIGN_LOCK_STALE_MS = 60_000;
const LOCK_TOUCH_MS = 5_000;

const INSTALL_SCRIPT_LINE = /^\S+ (pre|post)?install: /;
const HELD_LINES_SHOWN = 60;

const sorted = (record = {}) => Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));

/** SHA-256 (hex) of what decides the content of node_modules: lock, overrides, dependencies, platform. */
function fingerprint(folder, platform = `${process.platform}-${process.arch}`) {
	const manifest = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
	const hash = createHash('sha256');
	for (const file of LOCKED_FILES) {
		const full = path.join(folder, file);
		hash
			.update(`${file}\0`)
			.update(fs.existsSync(full) ? fs.readFileSync(full) : '')
			.update('\0');
	}
	hash.update(JSON.stringify(DEPENDENCY_FIELDS.map((field) => sorted(manifest[field]))));
	return hash.update(`\0${platform}`).digest('hex');
}

function readMarker(folder) {
	try {
		const marker = JSON.parse(fs.readFileSync(path.join(folder, MARKER), 'utf8'));
		return typeof marker === 'object' && marker !== null ? marker : undefined;
	} catch {
		return undefined;
	}
}

function writeMarker(folder, marker) {
	const file = path.join(folder, MARKER);
	fs.mkdirSync(path.dirname(file), { recursive: true });
	// Renamed into place, so that a reader never sees half a marker.
	fs.writeFileSync(`${file}.part`, `${JSON.stringify(marker)}\n`);
	fs.renameSync(`${file}.part`, file);
}

/**
 * What must be done in `folder`:
 * - `ready`: nothing;
 * - `missing`: there is no node_modules;
 * - `changed`: installed from other files than those that lie there now, or by hand;
 * - `interrupted`: an install began and did not end.
 */
function installState(folder) {
	const modules = path.join(folder, 'node_modules');
	if (!fs.existsSync(modules)) return 'missing';
	const marker = readMarker(folder);
	if (marker === undefined) {
		// pnpm writes its own record at the end: without it this is a torso, with it somebody's own install.
		return fs.existsSync(path.join(modules, '.modules.yaml')) ? 'changed' : 'interrupted';
	}
	if (marker.phase !== 'done') return 'interrupted';
	return marker.fingerprint === fingerprint(folder) ? 'ready' : 'changed';
}

function isAlive(pid) {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return error.code === 'EPERM';
	}
}

function readLock(file) {
	try {
		const [host, pid, token] = fs.readFileSync(file, 'utf8').split('\n');
		return { host, pid: Number(pid), token, touched: fs.statSync(file).mtimeMs };
	} catch {
		return undefined;
	}
}

const isLeftBehind = (lock) =>
	lock.host === os.hostname()
		? !isAlive(lock.pid)
		: Date.now() - lock.touched > FOREIGN_LOCK_STALE_MS;

/** Runs `work` while holding the lock file; waits for another holder, and takes over from a dead one. */
async function withLock(file, { say, pollMs = 500 }, work) {
	fs.mkdirSync(path.dirname(file), { recursive: true });
	const token = randomUUID();
	let told = false;
	for (;;) {
		try {
			fs.writeFileSync(file, `${os.hostname()}\n${process.pid}\n${token}\n`, { flag: 'wx' });
			// Another one may have judged the former lock dead at the same moment and removed ours.
			await sleep(100);
			if (readLock(file)?.token === token) break;
		} catch (error) {
			if (error.code !== 'EEXIST') throw error;
			const lock = readLock(file);
			if (lock !== undefined && isLeftBehind(lock)) {
				fs.rmSync(file, { force: true });
				continue;
			}
		}
		if (!told) say('Another process is installing here; waiting for it …');
		told = true;
		await sleep(pollMs);
	}
	const touch = setInterval(() => fs.utimes(file, new Date(), new Date(), () => {}), LOCK_TOUCH_MS);
	const release = () => {
		if (readLock(file)?.token === token) fs.rmSync(file, { force: true });
	};
	process.once('exit', release);
	try {
		return await work();
	} finally {
		clearInterval(touch);
		process.removeListener('exit', release);
		release();
	}
}

/**
 * Runs a command and shows its output; gives its exit status, or the signal that ended it.
 * Off a terminal, what packages' own install scripts print (thousands of compiler lines) is only
 * shown when the command fails.
 */
async function run(command, args, cwd) {
	const onTerminal = process.stdout.isTTY === true;
	const child = spawn(command, args, {
		cwd,
		stdio: ['ignore', onTerminal ? 'inherit' : 'pipe', 'inherit'],
		shell: process.platform === 'win32',
	});
	const held = [];
	const shown = onTerminal
		? undefined
		: once(
				createInterface({ input: child.stdout }).on('line', (line) => {
					if (INSTALL_SCRIPT_LINE.test(line)) held.push(line);
					else console.log(line);
				}),
				'close',
			);
	const forward = (signal) => child.kill(signal);
	process.on('SIGINT', forward).on('SIGTERM', forward);
	try {
		const [code, signal] = await once(child, 'exit');
		await shown;
		if (code !== 0 && held.length > 0) console.log(held.slice(-HELD_LINES_SHOWN).join('\n'));
		return code ?? signal;
	} finally {
		process.removeListener('SIGINT', forward).removeListener('SIGTERM', forward);
	}
}

const explain = (what, program, status) =>
	[
		`Installing ${what} did not succeed (${program} ended with ${status}).`,
		'If the lines above speak of the network (ENOTFOUND, ETIMEDOUT, ECONNREFUSED, ERR_PNPM_META_FETCH_FAIL), check the',
		'connection, the proxy and the output of `npm config get registry`, then run the same command again:',
		'what was downloaded is kept.',
	].join('\n');

/** Runs `npm` or `npx` for the install of `what`; throws with a text for the user where that fails. */
async function runStep(what, [command, ...args], folder, runCommand = run) {
	let status;
	try {
		status = await runCommand(command, args, folder);
	} catch (error) {
		throw new Error(
			`${command} could not be started (${error.message}). It comes with npm: install Node 20 or later from https://nodejs.org.`,
			{ cause: error },
		);
	}
	if (status !== 0) throw new Error(explain(what, command === 'npx' ? 'pnpm' : command, status));
}

/**
 * Brings node_modules of `folder` to what its lock file says, with the given pnpm fetched through npx.
 * Without a lock file pnpm resolves the versions itself and writes one. Does nothing when all is there.
 * The marker is written last, so an interrupted install is done anew.
 *
 * @param {{ folder: string, what: string, effort: string, pnpm: string, say: (line: string) => void,
 *   lockFile: string, production?: boolean, runCommand?: typeof run }} options `effort` is said before
 *   anything is downloaded; `production` leaves devDependencies out.
 * @returns {Promise<boolean>} whether anything was installed
 * @throws {Error} with a text for the user when npx is not there or pnpm fails
 */
async function install({
	folder,
	what,
	effort,
	pnpm,
	say,
	lockFile,
	production = false,
	runCommand = run,
}) {
	if (installState(folder) === 'ready') return false;
	return await withLock(lockFile, { say }, async () => {
		const state = installState(folder);
		if (state === 'ready') return false;
		const modules = path.join(folder, 'node_modules');
		if (state === 'interrupted') {
			say(`An earlier install of ${what} was interrupted: starting again.`);
			fs.rmSync(modules, { recursive: true, force: true });
		}
		say(`Installing ${what}: ${effort}`);
		const begun = Date.now();
		const mark = (phase) => writeMarker(folder, { phase, fingerprint: fingerprint(folder), pnpm });
		mark('installing');
		const locked = fs.existsSync(path.join(folder, 'pnpm-lock.yaml'));
		const reporter = process.stdout.isTTY ? 'default' : 'append-only';
		const command = [
			'npx',
			'--yes',
			`pnpm@${pnpm}`,
			'install',
			locked ? '--frozen-lockfile' : '--no-frozen-lockfile',
			...(production ? ['--prod'] : []),
			'--config.confirm-modules-purge=false',
			`--reporter=${reporter}`,
		];
		await runStep(what, command, folder, runCommand);
		mark('done');
		say(`Installed ${what} in ${Math.round((Date.now() - begun) / 1000)} s.`);
		return true;
	});
}

module.exports = { MARKER, fingerprint, install, installState, runStep, withLock, writeMarker };
