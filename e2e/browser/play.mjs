// A browser test: browser, users of the dashboard, and checks that apply to every page.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch } from './browser.mjs';
import { API_KEY, ORIGIN } from './pool.mjs';

/** Timeout for anything to appear, in milliseconds. The machine may be busy with a build. */
export const PATIENCE_MS = 30_000;
/** Timeout of a test, in milliseconds. Shorter than that of the Rust side, so that there is a screenshot. */
const LONGEST_MS = 150_000;
/** The narrowest supported screen. */
const NARROW = { width: 360, height: 740 };
const WIDE = { width: 1280, height: 860 };

/** Runs `act` and exits: with 0 if it succeeded and the browser reported no problems. */
export async function play(act) {
  const name = basename(process.argv[1], '.mjs');
  const browser = await launch();
  const people = [];
  try {
    const acted = act(async (options) => {
      const person = await Person.arrive(browser, options);
      people.push(person);
      return person;
    });
    const hangs = new Promise((_, reject) => setTimeout(() => reject(new Error('it hangs')), LONGEST_MS));
    await Promise.race([acted, hangs]);
    for (const person of people) assert.deepEqual(person.complaints, [], 'what the browser complains of');
  } catch (error) {
    process.exitCode = 1;
    console.error(`${name}: ${error.stack}`);
    for (const person of people) await person.lookAround(name);
  }
  await browser.close();
  process.exit(); // a client's connection may still be open
}

/** A user of the dashboard, with a browser session of their own. */
export class Person {
  /** Problems that the browser reported. */
  complaints = [];

  /** `tolerates`: patterns of console errors that the test causes, such as the browser's message about a 401. */
  static async arrive(browser, { narrow = false, scheme = 'light', tolerates = [] } = {}) {
    const context = await browser.newContext({
      viewport: narrow ? NARROW : WIDE,
      colorScheme: scheme,
    });
    context.setDefaultTimeout(PATIENCE_MS);
    const person = new Person();
    person.page = await context.newPage();
    await person.#watch(tolerates);
    return person;
  }

  async #watch(tolerates) {
    const { page, complaints } = this;
    page.on('console', (message) => {
      const text = message.text();
      if (message.type() !== 'error' || tolerates.some((pattern) => pattern.test(text))) return;
      complaints.push(`console: ${text}`);
    });
    page.on('pageerror', (error) => complaints.push(`thrown: ${error.stack}`));
    page.on('dialog', (dialog) => {
      complaints.push(`a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(`${ORIGIN}/`)) complaints.push(`a request to ${request.url()}`);
    });
    await page.exposeFunction('complain', (text) => complaints.push(text));
    await page.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) =>
        window.complain(`against the policy: ${event.violatedDirective} ${event.blockedURI}`),
      );
    });
  }

  /** Opens the dashboard with the key and waits until it is live. */
  async enter(page = '') {
    await this.page.goto(`${ORIGIN}/state#/${page}`);
    await this.page.getByLabel('API key').fill(API_KEY);
    await this.page.keyboard.press('Enter');
    await this.isLive();
  }

  /** Opens a page and waits until it is shown. */
  async go(name) {
    const link = this.page.getByRole('navigation').getByRole('link', { name, exact: true });
    await link.click();
    await this.until(async () => assert.equal(await link.getAttribute('aria-current'), 'page', name));
  }

  isLive() {
    return this.page.getByText('Live', { exact: true }).waitFor();
  }

  /** Waits for visible text. */
  sees(text, { exact = false, within = this.page } = {}) {
    return within.getByText(text, { exact }).filter({ visible: true }).first().waitFor();
  }

  async seesNot(text) {
    await this.page.getByText(text).first().waitFor({ state: 'hidden' });
  }

  button(name, within = this.page) {
    return within.getByRole('button', { name });
  }

  /** The table row that contains `text`. */
  row(text) {
    return this.page.getByRole('row').filter({ hasText: text });
  }

  /** The value next to a name in a list of properties. */
  async fact(name, within = this.page) {
    const term = within.locator('dt', { hasText: new RegExp(`^${name}$`) });
    return (await term.locator('xpath=following-sibling::dd[1]').first().innerText()).trim();
  }

  /** Repeats `look` until it does not throw, for values that arrive with the next update. */
  async until(look) {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      try {
        return await look();
      } catch (error) {
        if (Date.now() > end) throw error;
        await this.page.evaluate(() => new Promise(requestAnimationFrame));
      }
    }
  }

  /** Asserts that nothing is wider than the screen. */
  async fitsTheScreen() {
    const over = await this.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(over <= 0, `${this.page.url()} scrolls ${over} px sideways`);
  }

  /** Saves a screenshot for debugging. */
  async lookAround(name) {
    const folder = fileURLToPath(new URL('../.cache/pictures/', import.meta.url));
    await mkdir(folder, { recursive: true });
    await this.page.screenshot({ path: `${folder}${name}.png` }).catch(() => undefined);
    console.error(
      `complaints: ${JSON.stringify(this.complaints)}; a picture is in e2e/.cache/pictures/${name}.png`,
    );
  }
}

/** The browser's message about a response with this status. */
export const failedLoad = (status) => new RegExp(`^Failed to load resource: .* status of ${status}`);
/** The browser's message about a connection that fails or is lost. */
export const NO_SERVER = /^Failed to load resource: net::ERR_/;
