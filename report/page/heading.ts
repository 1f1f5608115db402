import type { Report } from '../report-schema.ts';
import { bytesText, count, duration, moment, secondsBetween, things } from './figures.ts';
import { cut, type Html, html } from './html.ts';

/** What an outcome means, in the fewest words; one that is not listed is told by its name. */
const HEADLINES: Record<string, string> = {
  CutoverComplete: 'The relay serves from PostgreSQL',
  PrepareComplete: 'PostgreSQL stands ready for the cutover',
  FinalizeComplete: 'PostgreSQL alone: SQLite is archived',
  RolledBack: 'The old relay serves from SQLite again',
  Restored: 'The old relay serves from SQLite again',
  NothingToDo: 'There was nothing to do',
  AnotherExecution: 'It did not begin: another execution is under way',
  PreflightFailed: 'It did not begin: nothing was changed',
};

const BY_STANDING: Partial<Record<Report['verdict']['standing'], string>> = {
  held: 'It waits for an operator',
  running: 'It is still running',
  stopped: 'It was stopped',
};

const BADGES: Record<Report['verdict']['standing'], string> = {
  done: '✔ done',
  back: '↩ went back',
  held: '‖ held',
  running: '… running',
  stopped: '✘ stopped',
  failed: '✘ failed',
};

const SENTENCE_CHARACTERS_MAX = 4_000;

/** The verdict first, then the figures that everybody asks for. */
export function heading(report: Report): Html {
  const { verdict, executions } = report;
  const headline = HEADLINES[verdict.outcome] ?? BY_STANDING[verdict.standing] ?? `It ended as ${verdict.outcome}`;
  const machines = [...new Set(executions.map(({ machine }) => machine))].join(', ');
  return html`<header>
<p class="eyebrow">Report of ${machines}${executions[0] ? html`, ${moment(report.startedAt)} UTC` : ''}</p>
<h1>${headline}</h1>
<p class="badge ${verdict.standing}">${BADGES[verdict.standing]}</p>
<p class="lead">${cut(verdict.sentence, SENTENCE_CHARACTERS_MAX)}</p>
${verdict.next.length === 0 ? '' : html`<div class="next"><h2>What is to be done next</h2><ul>${verdict.next.map((step) => html`<li>${cut(step, SENTENCE_CHARACTERS_MAX)}</li>`)}</ul></div>`}
<dl class="facts">${facts(report).map(([term, figure, more]) => html`<div><dt>${term}</dt><dd>${figure}${more ? html`<small>${more}</small>` : ''}</dd></div>`)}</dl>
</header>`;
}

function facts(report: Report): [term: string, figure: string, more?: string][] {
  const { writeStops, startedAt, stoppedAt, executions, sampleChecks } = report;
  const last = writeStops.at(-1);
  const machine = report.tables.at(-1)?.machine;
  const tables = report.tables.filter((table) => table.machine === machine);
  const verified = tables.filter(({ verdict }) => verdict === 'verified');
  const rows = verified.reduce((sum, { target }) => sum + (target?.rows ?? 0), 0);
  const bytes = verified.reduce((sum, table) => sum + (table.bytes ?? 0), 0);
  const asked = sampleChecks.at(-1);
  const redrives = executions.reduce((sum, execution) => sum + execution.redrives, 0);
  const earlier = writeStops.length > 1 ? `the last of ${writeStops.length}` : '';
  return [
    [
      'Write stop',
      last ? duration(last.seconds) : 'none',
      last && last.until === null ? 'and not over by then' : earlier,
    ],
    ['Rows proven equal', count(rows), bytes > 0 ? bytesText(bytes) : ''],
    ['Tables verified', tables.length === 0 ? 'none' : `${verified.length} of ${tables.length}`],
    [
      'Sampled events',
      asked ? `${asked.events.filter(({ answered }) => answered === true).length} of ${asked.events.length}` : 'none',
      asked ? 'came back unaltered' : '',
    ],
    [
      'From start to end',
      stoppedAt === null ? 'not ended' : duration(secondsBetween(startedAt, stoppedAt)),
      redrives > 0 ? things(redrives, 'redrive') : '',
    ],
  ];
}
