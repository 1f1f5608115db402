// Makes the pictures of README.md from the page of a report: npm run pictures -- run.html
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { launchBrowser } from '../test/support/browser.ts';

/** What is seen of the page, from which part of it on. */
const PICTURES = [
  { name: 'report-verdict', colorScheme: 'light', part: 'header', height: 820 },
  { name: 'report-timeline', colorScheme: 'dark', part: '#timeline', height: 820 },
] as const;
const WIDTH = 1080;

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('Say which page: npm run pictures -- run.html');
const directory = fileURLToPath(new URL('../docs/images/', import.meta.url));
mkdirSync(directory, { recursive: true });
const browser = await launchBrowser();
try {
  for (const { name, colorScheme, part, height } of PICTURES) {
    const page = await browser.newPage({ viewport: { width: WIDTH, height }, colorScheme });
    await page.goto(pathToFileURL(resolve(file)).href);
    await page.evaluate(`document.querySelector('${part}').scrollIntoView(); window.scrollBy(0, -16)`);
    await page.screenshot({ path: `${directory}${name}.png`, caret: 'initial' });
    await page.close();
  }
} finally {
  await browser.close();
}
