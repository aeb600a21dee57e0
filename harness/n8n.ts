import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { N8nClient } from './client.ts';
import type { Owner } from './client.ts';
import type { Host } from './host.ts';
import { installIntoUserFolder } from './pack.ts';
import { freePort } from './ports.ts';
import { ChildProgram } from './process.ts';

/** n8n boots in 6 to 10 s here; the first start also makes its database. */
const READY_WITHIN_MS = 120_000;

/** Nothing of n8n's own looks for the network, and no licence, survey or update notice appears. */
const QUIET_OFFLINE = {
	N8N_DIAGNOSTICS_ENABLED: 'false',
	N8N_VERSION_NOTIFICATIONS_ENABLED: 'false',
	N8N_TEMPLATES_ENABLED: 'false',
	N8N_PERSONALIZATION_ENABLED: 'false',
	N8N_HIRING_BANNER_ENABLED: 'false',
	N8N_VERIFIED_PACKAGES_ENABLED: 'false',
	N8N_UNVERIFIED_PACKAGES_ENABLED: 'true',
	N8N_SECURE_COOKIE: 'false',
	N8N_LISTEN_ADDRESS: '127.0.0.1',
	N8N_DEFAULT_BINARY_DATA_MODE: 'filesystem',
};

/** Modules of n8n that look for the network by themselves; n8n does not start with a name it does not know. */
const ONLINE_MODULES = ['mcp-registry'];

const disabledModules = ({ n8n }: Host): NodeJS.ProcessEnv => {
	const modules = path.join(path.dirname(n8n), '..', 'dist', 'modules');
	const known = ONLINE_MODULES.filter((name) => existsSync(path.join(modules, name)));
	return known.length === 0 ? {} : { N8N_DISABLED_MODULES: known.join(',') };
};

export interface N8nOptions {
	/** The packed package; without it n8n runs with its own nodes only. */
	tarball?: string;
	/** Added to n8n's environment, over the harness' own settings. */
	env?: Record<string, string>;
	/** Port of the editor; a free one where not given. */
	port?: number;
}

/**
 * One n8n with a user folder of its own. It can be stopped, killed and started again on the same folder
 * and port, as after a crash or an update; `dispose` removes the folder.
 */
export class N8n {
	readonly host: Host;
	readonly userFolder: string;
	readonly port: number;
	readonly url: string;
	readonly encryptionKey: string;
	readonly owner: Owner;
	readonly client: N8nClient;
	readonly #env: Record<string, string>;
	#program: ChildProgram | undefined;
	readonly #removeAtExit: () => void;
	#disposed = false;

	private constructor(host: Host, userFolder: string, port: number, env: Record<string, string>) {
		this.host = host;
		this.userFolder = userFolder;
		this.port = port;
		this.url = `http://127.0.0.1:${port}`;
		this.encryptionKey = randomBytes(24).toString('hex');
		this.owner = {
			email: 'owner@example.com',
			password: `Aa1${randomBytes(9).toString('hex')}`,
			firstName: 'Demo',
			lastName: 'Owner',
		};
		this.client = new N8nClient(this.url);
		this.#env = env;
		this.#removeAtExit = () => rmSync(userFolder, { recursive: true, force: true });
		process.once('exit', this.#removeAtExit);
	}

	/** Makes the user folder and puts the package in; nothing runs yet, `dispose` is the caller's duty. */
	static async prepare(host: Host, { tarball, env = {}, port }: N8nOptions = {}): Promise<N8n> {
		const freeOrGiven = port ?? (await freePort());
		const userFolder = mkdtempSync(path.join(os.tmpdir(), 'n8n-speech-'));
		const n8n = new N8n(host, userFolder, freeOrGiven, env);
		if (tarball !== undefined) await installIntoUserFolder(tarball, userFolder);
		return n8n;
	}

	/** Prepares and starts n8n and sets up its owner, who is logged in in `client`. */
	static async launch(host: Host, options: N8nOptions = {}): Promise<N8n> {
		const n8n = await N8n.prepare(host, options);
		try {
			await n8n.start();
			await n8n.client.setUpOwner(n8n.owner);
			return n8n;
		} catch (error) {
			await n8n.dispose();
			throw error;
		}
	}

	/** The running program: its log and its memory. */
	get program(): ChildProgram {
		if (this.#program === undefined) throw new Error('n8n is not running');
		return this.#program;
	}

	/** Starts n8n on its folder and waits until it is ready. */
	async start(env: Record<string, string> = {}): Promise<void> {
		if (this.#program?.ended === undefined && this.#program !== undefined) {
			throw new Error('n8n is running already');
		}
		const program = await this.startCommand(['start'], { N8N_PORT: `${this.port}`, ...env });
		this.#program = program;
		await waitUntilReady(this.url, program);
	}

	/**
	 * Starts another n8n process on the same folder and key, for instance `['worker']` or `['webhook']`;
	 * the caller stops it.
	 */
	async startCommand(args: string[], env: Record<string, string> = {}): Promise<ChildProgram> {
		const brokerPort = await freePort();
		if (this.#disposed) throw new Error('This n8n has been removed');
		return new ChildProgram(this.host.node, [this.host.n8n, ...args], {
			cwd: this.userFolder,
			env: {
				...inherited(),
				...QUIET_OFFLINE,
				...disabledModules(this.host),
				PATH: [path.dirname(this.host.node), process.env.PATH].join(path.delimiter),
				N8N_USER_FOLDER: this.userFolder,
				N8N_ENCRYPTION_KEY: this.encryptionKey,
				N8N_RUNNERS_BROKER_PORT: `${brokerPort}`,
				...this.#env,
				...env,
			},
		});
	}

	/** Ends n8n in an orderly way; the folder stays. */
	async stop(): Promise<void> {
		await this.#program?.stop();
	}

	/** Ends n8n as a crash would; the folder stays. */
	async kill(): Promise<void> {
		await this.#program?.kill();
	}

	async restart(env: Record<string, string> = {}): Promise<void> {
		await this.stop();
		await this.start(env);
	}

	/** Ends n8n and removes its folder. */
	async dispose(): Promise<void> {
		this.#disposed = true;
		await this.stop();
		rmSync(this.userFolder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
		process.removeListener('exit', this.#removeAtExit);
	}
}

/** The caller's environment without settings for n8n or Node that would change what is tested. */
const inherited = (): NodeJS.ProcessEnv =>
	Object.fromEntries(
		Object.entries(process.env).filter(
			([name]) =>
				!/^(N8N_|DB_|EXECUTIONS_|QUEUE_|WEBHOOK_|NODE_(OPTIONS|PATH|ENV)$|JEST_|npm_)/.test(name),
		),
	);

const answersOk = async (url: string): Promise<boolean> =>
	await fetch(url).then(
		(response) => response.ok,
		() => false,
	);

/** An n8n before 2.0 is ready, by its own account, before it knows its REST calls. */
const waitUntilReady = async (url: string, program: ChildProgram): Promise<void> => {
	const deadline = Date.now() + READY_WITHIN_MS;
	for (;;) {
		if (program.ended !== undefined) {
			throw new Error(
				`n8n ended with ${program.ended} before it was ready:\n${program.log.slice(-4000)}`,
			);
		}
		if (
			(await answersOk(`${url}/healthz/readiness`)) &&
			(await answersOk(`${url}/rest/settings`))
		) {
			return;
		}
		if (Date.now() > deadline) {
			await program.kill();
			throw new Error(
				`n8n was not ready after ${READY_WITHIN_MS / 1000} s:\n${program.log.slice(-4000)}`,
			);
		}
		await sleep(200);
	}
};
