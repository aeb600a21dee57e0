import { existsSync } from 'node:fs';
import { chromium, selectors } from 'playwright-core';
import type { Browser, Locator, Page } from 'playwright-core';
import type { N8nClient } from './client.ts';

/** Chromium looks for nothing in the network, and starts as root too. */
const FLAGS = [
	'--no-sandbox',
	'--disable-gpu',
	'--disable-quic',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
];

const WINDOW = { width: 1440, height: 900 };

const chromiumPath = (): string => {
	const path = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
	if (!existsSync(path)) {
		throw new Error(
			`No Chromium at ${path}: install Debian's package chromium or set CHROMIUM_PATH`,
		);
	}
	return path;
};

/** n8n's editor in headless Chromium, logged in as the client's user. */
export class Editor {
	readonly page: Page;
	readonly #browser: Browser;
	readonly #url: string;

	private constructor(browser: Browser, page: Page, url: string) {
		this.#browser = browser;
		this.page = page;
		this.#url = url;
	}

	static async launch(client: N8nClient): Promise<Editor> {
		selectors.setTestIdAttribute('data-test-id');
		const browser = await chromium.launch({ executablePath: chromiumPath(), args: FLAGS });
		try {
			const context = await browser.newContext({
				viewport: WINDOW,
				colorScheme: 'light',
				reducedMotion: 'reduce',
				locale: 'en-US',
			});
			const [name = '', value = ''] = client.cookie.split('=');
			await context.addCookies([{ name, value, url: client.url }]);
			return new Editor(browser, await context.newPage(), client.url);
		} catch (error) {
			await browser.close();
			throw error;
		}
	}

	async openWorkflow(id: string): Promise<void> {
		await this.page.goto(`${this.#url}/workflow/${id}`);
		await this.page.getByTestId('canvas-node').first().waitFor();
	}

	/** Presses the canvas' button and waits for the end of the run; throws with n8n's notice when it failed. */
	async execute(): Promise<void> {
		await this.page.getByTestId('execute-workflow-button').first().click();
		const notice = this.page.locator('.el-notification').first();
		await notice.waitFor();
		const text = await notice.innerText();
		if (!text.includes('executed successfully')) throw new Error(`n8n says: ${text}`);
	}

	/** Opens the panel of a node of the workflow on the canvas. */
	async openNode(name: string): Promise<Locator> {
		await this.page.locator(`[data-test-id="canvas-node"][data-node-name="${name}"]`).dblclick();
		const panel = this.page.getByTestId('ndv');
		await panel.waitFor();
		return panel;
	}

	/** The choices that an options field of the open panel offers. */
	async choices(parameter: string): Promise<string[]> {
		const options = await this.#openOptions(parameter);
		const labels = await options.locator('.option-headline').allInnerTexts();
		await this.page.keyboard.press('Escape');
		await options.waitFor({ state: 'hidden' });
		return labels.map((label) => label.trim());
	}

	/** Sets an options field of the open panel. */
	async choose(parameter: string, label: string): Promise<void> {
		const options = await this.#openOptions(parameter);
		await options.locator('.option-headline').getByText(label, { exact: true }).click();
		await options.waitFor({ state: 'hidden' });
	}

	/** A picture of the open panel without what lies over or behind it. */
	async picture(file: string): Promise<void> {
		await this.page.mouse.move(0, 0);
		await this.page.locator('.el-notification').first().waitFor({ state: 'detached' });
		await this.page.getByTestId('ndv').screenshot({
			path: file,
			style: '[data-test-id="floating-nodes"] { display: none }',
		});
	}

	async #openOptions(parameter: string): Promise<Locator> {
		await this.page.getByTestId(`parameter-input-${parameter}`).click();
		const list = this.page.locator('.el-select-dropdown:visible');
		await list.waitFor();
		return list;
	}

	/** Closes Chromium; what it showed last is kept in `file` for whoever looks for the cause of a failure. */
	async close(file: string): Promise<void> {
		await this.page.screenshot({ path: file }).catch(() => undefined);
		await this.#browser.close();
	}
}
