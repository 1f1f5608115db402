import { existsSync } from 'node:fs';
import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';

/** Where Chromium is looked for, in this order. */
const PLACES = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

export const chromiumPath = PLACES.find((path) => path !== undefined && existsSync(path));

/** Where it has to be there, a missing one is a failure and no reason to skip. */
export const isBrowserRequired = process.env.BROWSER_REQUIRED === 'true';

export const NEEDS_BROWSER =
  'needs Chromium: Debian has it as the package chromium; elsewhere name the program by CHROMIUM_PATH';

export function launchBrowser(): Promise<Browser> {
  if (chromiumPath === undefined) throw new Error(`The test ${NEEDS_BROWSER}.`);
  // No sandbox for root, as in a container; the pages are our own, and must not run anything anyway.
  return chromium.launch({ executablePath: chromiumPath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
}

/** What a page does beside showing itself. */
export interface Watched {
  page: Page;
  /** Addresses of everything that was asked for, the page itself among them. */
  requests: string[];
  /** What the browser or a script complains about. */
  complaints: string[];
}

export async function openWatched(browser: Browser, url: string): Promise<Watched> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const requests: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => {
    complaints.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(url);
  return { page, requests, complaints };
}

/**
 * What axe finds wrong with a page as it stands: the rule and the first places, one line each.
 *
 * @param rules only these; all of them when it is not said
 */
export async function axeViolations(page: Page, rules?: string[]): Promise<string[]> {
  // The debugger's own way: the page's policy lets no script in.
  await page.evaluate(axe.source);
  const found = (await page.evaluate(
    `axe.run(document, ${JSON.stringify({ resultTypes: ['violations'], ...(rules && { runOnly: rules }) })}).then(({ violations }) => violations)`,
  )) as { id: string; nodes: { target: string[]; failureSummary: string }[] }[];
  return found.flatMap(({ id, nodes }) =>
    nodes.slice(0, 3).map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`),
  );
}
