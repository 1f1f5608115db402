import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditOf } from '../../rehearsal/audits.ts';
import { faultNamed } from '../../rehearsal/faults.ts';
import type { ExecutionAudit } from '../../report/execution-audit.ts';
import { page as pageOf } from '../../report/page.ts';
import { reportOf } from '../../report/report.ts';
import { type Report, reportSchema } from '../../report/report-schema.ts';
import {
  axeViolations,
  chromiumPath,
  isBrowserRequired,
  launchBrowser,
  NEEDS_BROWSER,
  openWatched,
} from '../support/browser.ts';
import { part } from '../support/extent.ts';
import { withTables } from '../support/many-tables.ts';
import { rehearsed } from '../support/rehearsed.ts';
import { makeSmallRelay } from '../support/small-relay.ts';

const BYTES_MAX = 500_000;
const WIDTHS = [320, 768, 1280];
const CASES = ['happy', 'mismatch', 'redriven', 'rolled back', 'two hundred tables', 'hostile'] as const;
type Case = (typeof CASES)[number];

/** What would be a script, a request, the end of an element or of the style, or a text that runs backwards. */
const HOSTILE =
  '"\'><script>alert(1)</script><img src=//evil.example/x onerror=alert(2)></style><style>*{background:url(//evil.example/y)}</style><!--&amp;\u202e{{7*7}}';
const SEEN = HOSTILE.replace('\u202e', '\\u202e');

let directory: string;
let browser: Browser;
const reports = {} as Record<Case, Report>;

async function audits(wishes: Parameters<typeof rehearsed>[0]): Promise<ExecutionAudit[]> {
  let told: ExecutionAudit[] = [];
  await rehearsed({
    ...wishes,
    whileItStands: async (_, { stepFunctions, world, target }) => {
      // The records as the server writes them, which are what is hashed.
      const sum = 'SELECT sum(octet_length(record_send(ROW(key, value))))::float8 AS bytes FROM kv';
      keyValueBytes = (await target.query(sum)).rows[0]?.bytes;
      told = await Promise.all(stepFunctions.started.map(auditOf));
      const keys = [...world.objectStore.objects.keys()].filter((key) => key.includes('/reports/'));
      if (keys.length > 0) stored = keys.map((key) => key.replace(/-[0-9a-f-]{36}\./, '.'));
    },
  });
  return told;
}

/** Every text of a report but times and what the page decides by. */
function hostile<T>(value: T, key = ''): T {
  const kept = ['verdict', 'outcome', 'standing', 'kind', 'act', 'from', 'until', 'at', 'type', 'ending', 'startAt'];
  if (typeof value === 'string') {
    const isKept = kept.includes(key) || /^\d{4}-\d\d-\d\dT/.test(value);
    return (isKept ? value : `${value}${HOSTILE}`) as T;
  }
  if (Array.isArray(value)) return value.map((one) => hostile(one, key)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, hostile(one, name)])) as T;
}

/** Of the table kv in PostgreSQL, in the newest rehearsal. */
let keyValueBytes: number;
/** Keys of the objects that the rehearsals left in the local S3, without the executions' own names. */
let stored: string[];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'report-page-'));
  const sourceDirectory = join(directory, 'small');
  makeSmallRelay(sourceDirectory);
  const rolledBack = await audits({ options: { afterwards: 'rollback', storesReports: true } });
  const happy = rolledBack.filter(({ machine }) => machine !== 'rollback');
  reports.happy = reportOf(happy);
  reports['rolled back'] = reportOf(rolledBack);
  reports.mismatch = reportOf(await audits({ faults: [faultNamed('mismatch')], options: { sourceDirectory } }));
  const halted = { sourceDirectory, onFailure: 'hold', afterwards: 'redrive' } as const;
  reports.redriven = reportOf(await audits({ faults: [faultNamed('stack-rolls-back')], options: halted }));
  const many = Array.from({ length: 200 }, (_, place) => `relay_number_${place}_with_a_long_name__event_tags`);
  reports['two hundred tables'] = reportOf(
    happy.map((audit) => (audit.machine === 'cutover' ? withTables(audit, many) : audit)),
  );
  reports.hostile = hostile(reports.mismatch);
  for (const name of CASES) await writeFile(fileOf(name), pageOf(reports[name]));
}, 240_000);

afterAll(async () => {
  await rm(directory, { recursive: true });
});

const fileOf = (name: Case): string => join(directory, `${name.replaceAll(' ', '-')}.html`);

describe('the report of a rehearsal', () => {
  it('is what the cases of this file are meant to be', () => {
    for (const report of Object.values(reports)) expect(reportSchema.parse(report)).toEqual(report);
    expect(CASES.map((name) => [name, reports[name].verdict.outcome, reports[name].writeStops.length])).toEqual([
      ['happy', 'CutoverComplete', 1],
      ['mismatch', 'RolledBack', 1],
      ['redriven', 'CutoverComplete', 1],
      ['rolled back', 'RolledBack', 2],
      ['two hundred tables', 'CutoverComplete', 1],
      ['hostile', 'RolledBack', 1],
    ]);
    const { tables } = reports['two hundred tables'];
    expect(tables.filter(({ machine, verdict }) => machine === 'cutover' && verdict === 'verified')).toHaveLength(200);
    expect(reports.mismatch.tables.filter(({ verdict }) => verdict === 'mismatch')).toHaveLength(1);
    const keyValue = reports.redriven.tables.find(({ machine, table }) => machine === 'cutover' && table === 'kv');
    expect(keyValue?.bytes).toBe(keyValueBytes);
    expect(keyValue?.bytes).toBeGreaterThan(0);
    const { templateChanges, sampleChecks, throughput } = reports.happy;
    expect(templateChanges.map(({ purpose, outcome }) => `${purpose} ${outcome}`)).toEqual([
      'prepare executed',
      'hold-at-zero executed',
      'switch executed',
      'settle executed',
    ]);
    expect(templateChanges[2]?.diff).toContain('+              ValueFrom: !Ref RelayDatabaseUrl');
    expect(sampleChecks[0]?.events.filter(({ answered }) => answered)).toHaveLength(32);
    expect(throughput.runs).toHaveLength(2);
    expect(reports.redriven.executions.find(({ machine }) => machine === 'cutover')?.runs).toHaveLength(2);
  });

  it('is stored at the end of every execution, as a page and as data', () => {
    expect(stored).toEqual(
      ['prepare', 'cutover', 'rollback'].flatMap((machine) => [
        `relay-cutover-artefacts/reports/sphere-zooid-relay/${machine}/${machine}.json`,
        `relay-cutover-artefacts/reports/sphere-zooid-relay/${machine}/${machine}.html`,
      ]),
    );
  });
});

describe.skipIf(chromiumPath === undefined && !isBrowserRequired)(`the page of a report (${NEEDS_BROWSER})`, () => {
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());

  const open = (name: Case) => openWatched(browser, pathToFileURL(fileOf(name)).href);
  /** Those that only look share one page of each case: to open one takes longer than to look at it. */
  const shared = new Map<Case, ReturnType<typeof open>>();
  const opened = (name: Case): ReturnType<typeof open> => {
    const known = shared.get(name) ?? open(name);
    shared.set(name, known);
    return known;
  };

  it.each(part([...CASES], 4))('is never scrolled sideways, on a phone neither: %s', async (name) => {
    const { page } = await opened(name);
    for (const all of [false, true]) {
      if (all) await openAll(page);
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 800 });
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
      }
    }
  });

  it.each(CASES)('asks nobody for anything, has nothing to complain about, and is small: %s', async (name) => {
    const { page, requests, complaints } = await opened(name);
    await openAll(page);
    expect(requests.filter((url) => url !== 'data:,')).toEqual([pathToFileURL(fileOf(name)).href]);
    expect(complaints).toEqual([]);
    expect(Buffer.byteLength(pageOf(reports[name]))).toBeLessThan(BYTES_MAX);
  });

  it.each(part([...CASES].reverse(), 4))('is accessible: %s', async (name) => {
    const { page } = await opened(name);
    await openAll(page);
    expect(await axeViolations(page)).toEqual([]);
  });

  // These two have every colour that there is.
  it.each(['mismatch', 'redriven'] as const)('has enough contrast in the dark: %s', async (name) => {
    const { page } = await opened(name);
    await openAll(page);
    const light = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).not.toBe(light);
    expect(await axeViolations(page, ['color-contrast'])).toEqual([]);
  });

  it('is reached by the keyboard, in all that can be opened or scrolled', async () => {
    const { page } = await open('redriven');
    await openAll(page);
    const there = (await page.evaluate(
      '[...document.querySelectorAll("a, summary, [tabindex]")].map((element, place) => { element.dataset.place = place; return String(place); })',
    )) as string[];
    expect(there.length).toBeGreaterThan(20);
    const reached: string[] = [];
    for (const _ of there) {
      await page.keyboard.press('Tab');
      reached.push((await page.evaluate('document.activeElement.dataset.place ?? "none"')) as string);
    }
    expect(reached).toEqual(there);
    const scrolling = await page.evaluate(
      '[...document.querySelectorAll("*")].filter((element) => /auto|scroll/.test(getComputedStyle(element).overflowX) && element.scrollWidth > element.clientWidth && element.tabIndex < 0).map((element) => element.className)',
    );
    expect(scrolling).toEqual([]);
    await page.close();
  });

  it('is printed on white, with everything that is folded away on the screen', async () => {
    const { page } = await open('mismatch');
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    const backgrounds = await page.evaluate(
      '[...new Set(["body", "section", ".diff", ".graph"].map((one) => getComputedStyle(document.querySelector(one)).backgroundColor))]',
    );
    expect(backgrounds).toEqual(['rgb(255, 255, 255)']);
    const folded = page.locator('details:not([open])');
    expect(await folded.count()).toBeGreaterThan(3);
    for (const height of await folded.evaluateAll((all) =>
      all.map((one) => (one as unknown as { scrollHeight: number }).scrollHeight),
    ))
      expect(height).toBeGreaterThan(40);
    expect((await page.pdf({ format: 'A4' })).length).toBeGreaterThan(10_000);
    await page.close();
  });

  it('shows hostile texts as texts', async () => {
    const { page } = await open('hostile');
    expect(await page.locator('script, img, iframe, object, embed, form, base').count()).toBe(0);
    expect(await page.locator('style').count()).toBe(1);
    const text = (await page.evaluate('document.body.textContent')) as string;
    expect(text.split(SEEN).length).toBeGreaterThan(100);
    expect(text).not.toContain('\u202e');
    for (const place of [
      '.lead',
      'tbody th code',
      '.gantt .name',
      '.acts q',
      '.diff ins',
      '.graph text',
      '.ids code',
    ]) {
      expect(await page.locator(place).first().textContent(), place).toContain(SEEN);
    }
    await page.close();
  });
});

/** Unfolds everything, as a reader would one by one. */
async function openAll(page: Page): Promise<void> {
  await page.evaluate('for (const one of document.querySelectorAll("details")) one.open = true');
}
