import type { Report, ReportedTable } from '../report-schema.ts';
import { bytesText, count, things } from './figures.ts';
import { cut, type Html, html } from './html.ts';

/** More rows nobody reads on a page; those that are not verified come first. */
const TABLES_MAX = 400;
const FINDINGS_MAX = 5;
const FINDING_CHARACTERS_MAX = 400;

/** What each execution has compared; the newest stands first. */
export function tablesSection({ tables, excluded }: Report): Html {
  const machines = [...new Set(tables.map(({ machine }) => machine))].reverse();
  const [newest, ...earlier] = machines;
  const of = (machine: string): ReportedTable[] => tables.filter((table) => table.machine === machine);
  return html`${newest === undefined ? html`<p>It did not come to a comparison.</p>` : comparison(newest, of(newest))}
${earlier.map((machine) => html`<details><summary>Before that, by ${machine}: ${standing(of(machine))}</summary>${comparison(machine, of(machine))}</details>`)}
${
  excluded.length === 0
    ? ''
    : html`<h3>Left behind, because somebody said so</h3><ul>${excluded.map(({ table, rows }) => html`<li><code>${table}</code>: ${rows === null ? 'rows unknown' : things(rows, 'row')}</li>`)}</ul>`
}`;
}

function standing(tables: ReportedTable[]): string {
  const verified = tables.filter(({ verdict }) => verdict === 'verified').length;
  return `${count(verified)} of ${things(tables.length, 'table')} verified`;
}

function comparison(machine: string, tables: ReportedTable[]): Html {
  const inOrder = tables.toSorted((a, b) => Number(a.verdict === 'verified') - Number(b.verdict === 'verified'));
  const shown = inOrder.slice(0, TABLES_MAX);
  const hasQuarantine = tables.some(({ quarantined }) => quarantined !== null);
  return html`<p class="more">By ${machine}: ${standing(tables)}. Rows and digest of PostgreSQL were computed afresh over every row.</p>
<div class="scroll" role="region" tabindex="0" aria-label="Tables that ${machine} compared"><table aria-label="Tables that ${machine} compared">
<thead><tr><th scope="col">Table</th><th scope="col">Verdict</th><th scope="col" class="number">Rows, SQLite</th><th scope="col" class="number">Rows, PostgreSQL</th>${hasQuarantine ? html`<th scope="col" class="number">In quarantine</th>` : ''}<th scope="col" class="number">Bytes</th><th scope="col">Digest</th></tr></thead>
<tbody>${shown.map((table) => tableRow(table, hasQuarantine))}</tbody>
${tables.length > 1 ? totals(tables, hasQuarantine) : ''}</table></div>
${inOrder.length > shown.length ? html`<p class="more">${things(inOrder.length - shown.length, 'more table')} are in the JSON form.</p>` : ''}`;
}

function tableRow(
  { table, verdict, source, target, quarantined, bytes, findings }: ReportedTable,
  hasQuarantine: boolean,
): Html {
  const isGood = verdict === 'verified';
  const number = (value: number | undefined): Html =>
    html`<td class="number">${value === undefined ? '–' : count(value)}</td>`;
  return html`<tr><th scope="row"><code>${table}</code></th><td class="${isGood ? 'good' : 'bad'}">${isGood ? '✔' : '✘'} ${verdict}</td>${number(source?.rows)}${number(target?.rows)}${hasQuarantine ? number(quarantined?.rows) : ''}<td class="number">${bytes === null ? '–' : bytesText(bytes)}</td><td class="digest">${digests(source?.digest, target?.digest)}</td></tr>
${findings.length === 0 ? '' : html`<tr class="findings"><td colspan="${hasQuarantine ? 7 : 6}"><ul>${findingLines(findings)}</ul></td></tr>`}`;
}

function findingLines(findings: string[]): Html[] {
  const more = findings.length - FINDINGS_MAX;
  return [
    ...findings.slice(0, FINDINGS_MAX).map((finding) => html`<li>${cut(finding, FINDING_CHARACTERS_MAX)}</li>`),
    ...(more > 0 ? [html`<li>and ${count(more)} more</li>`] : []),
  ];
}

function digests(source: string | undefined, target: string | undefined): Html {
  if (source !== undefined && source === target) return html`<code>${source}</code> <small>both</small>`;
  return html`${source ? html`<code>${source}</code> <small>SQLite</small>` : ''}${target ? html` <code>${target}</code> <small>PostgreSQL</small>` : ''}`;
}

function totals(tables: ReportedTable[], hasQuarantine: boolean): Html {
  const sum = (of: (table: ReportedTable) => number | undefined): string =>
    count(tables.reduce((total, table) => total + (of(table) ?? 0), 0));
  const isCounted = tables.every(({ bytes }) => bytes !== null);
  const bytes = tables.reduce((total, table) => total + (table.bytes ?? 0), 0);
  return html`<tfoot><tr><th scope="row">All</th><td></td><td class="number">${sum(({ source }) => source?.rows)}</td><td class="number">${sum(({ target }) => target?.rows)}</td>${hasQuarantine ? html`<td class="number">${sum(({ quarantined }) => quarantined?.rows)}</td>` : ''}<td class="number">${isCounted ? bytesText(bytes) : '–'}</td><td></td></tr></tfoot>`;
}
