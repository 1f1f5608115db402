import type { Report, ReportedExecution } from '../report-schema.ts';
import { moment } from './figures.ts';
import { cut, type Html, html } from './html.ts';

const CAUSE_CHARACTERS_MAX = 4_000;

/** By what names each execution is found, and how Step Functions says that it ended. */
export function executionsSection({ executions }: Report): Html {
  return html`<div class="executions">${executions.map(facts)}</div>`;
}

function facts({ machine, arn, status, error, cause, startedAt, stoppedAt, redrives }: ReportedExecution): Html {
  const rows: [string, string | null][] = [
    ['Status', status],
    ['ARN', arn],
    ['Started', moment(startedAt)],
    ['Ended', stoppedAt === null ? null : moment(stoppedAt)],
    ['Redrives', redrives > 0 ? String(redrives) : null],
    ['Error', error],
    ['Cause', cause === null ? null : cut(cause, CAUSE_CHARACTERS_MAX)],
  ];
  return html`<h3>${machine}</h3><dl>${rows.map(([term, value]) => (value === null ? '' : html`<dt>${term}</dt><dd>${value}</dd>`))}</dl>`;
}
