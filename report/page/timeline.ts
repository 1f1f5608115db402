import type { Report, ReportedExecution, ReportedVisit } from '../report-schema.ts';
import { clock, count, duration, moment, secondsBetween, things } from './figures.ts';
import { type GanttRow, gantt } from './gantt.ts';
import { type Html, html } from './html.ts';

/** A page of more rows nobody reads; the JSON form has all. */
const ROWS_MAX = 300;

/** The state that says by a Retry on it that what it waits for is not there yet (statemachine/tasks.ts). */
const WAITING = 'NotYet';

/** The states of one execution as bars, each run on a time of its own: between two of them an operator may take days. */
export function timeline(execution: ReportedExecution, report: Report): Html {
  const { runs, visits } = execution;
  const shaded = report.writeStops.map(({ from, until }) => ({
    from: Date.parse(from),
    until: until === null ? Number.POSITIVE_INFINITY : Date.parse(until),
  }));
  return html`${runs.map((run, place) => {
    const rows = rowsOf(visits, place);
    const before = runs[place - 1];
    return html`${before ? html`<p class="halt">Stood still for ${duration(secondsBetween(before.until, run.from))}, until it was redriven at ${moment(run.from)}.</p>` : ''}
${runs.length > 1 ? html`<h3>${place === 0 ? 'First run' : `After redrive ${place}`}, from ${clock(run.from)} to ${clock(run.until)}</h3>` : ''}
${gantt(rows.slice(0, ROWS_MAX), { from: Date.parse(run.from), until: Date.parse(run.until) }, shaded)}
${rows.length > ROWS_MAX ? html`<p class="more">${count(rows.length - ROWS_MAX)} more stays in states are in the JSON form.</p>` : ''}`;
  })}`;
}

export const legend = html`<p class="legend"><span class="key work"></span> works <span class="key wait"></span> waits <span class="key failed"></span> ✘ failed <span class="key tick"></span> asked, and not yet there <span class="key fault"></span> a try failed <span class="key shade"></span> no relay serves</p>`;

function rowsOf(visits: ReportedVisit[], run: number): GanttRow[] {
  return visits.flatMap((visit) => {
    const stay = visit.stays.find((one) => one.run === run);
    if (!stay) return [];
    const [from, until] = [Date.parse(stay.from), Date.parse(stay.until)];
    const isLast = visit.stays.at(-1) === stay;
    const ticks = visit.triedAgain
      .map(({ at, error }) => ({ at: Date.parse(at), isFailure: error !== WAITING }))
      .filter(({ at }) => at >= from && at <= until);
    return [
      {
        ...{ name: visit.name, inside: visit.within !== null, from, until, ticks },
        kind: kindOf(visit, isLast),
        note: noteOf(visit, ticks, isLast),
      },
    ];
  });
}

function kindOf(visit: ReportedVisit, isLast: boolean): GanttRow['kind'] {
  if (!isLast || visit.error !== null || visit.type === 'Fail') return 'failed';
  if (visit.seconds === null && visit.type !== 'Succeed') return 'still';
  return visit.waits ? 'wait' : 'work';
}

function noteOf(visit: ReportedVisit, ticks: NonNullable<GanttRow['ticks']>, isLast: boolean): string {
  const faults = ticks.filter(({ isFailure }) => isFailure).length;
  const waits = ticks.length - faults;
  return [
    visit.iterations > 1 ? `${count(visit.iterations)} times at once` : '',
    waits > 0 ? `asked ${things(waits + 1, 'time')}` : '',
    faults > 0 ? `${faults === 1 ? 'a try' : `${count(faults)} tries`} failed` : '',
    isLast && visit.error !== null ? visit.error : '',
    isLast ? '' : 'stopped here',
  ]
    .filter(Boolean)
    .join(', ');
}
