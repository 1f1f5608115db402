import type { Report, ReportedWriteStop } from '../report-schema.ts';
import { clock, duration, moment } from './figures.ts';
import { type GanttRow, gantt } from './gantt.ts';
import { type Html, html } from './html.ts';

/** How long nobody could write, and what the time went into. */
export function writeStopSection({ writeStops }: Report): Html {
  if (writeStops.length === 0) return html`<p>There was none: a relay served all the time.</p>`;
  return html`${writeStops.map(writeStop)}`;
}

function writeStop({ from, until, seconds, steps }: ReportedWriteStop): Html {
  let at = Date.parse(from);
  const rows: GanttRow[] = steps.map(({ step, seconds: took }) => {
    const row: GanttRow = { name: step, from: at, until: at + took * 1000, kind: step === 'halt' ? 'wait' : 'work' };
    at = row.until;
    return row;
  });
  const end = Date.parse(from) + seconds * 1000;
  if (until === null && end - at > 1000)
    rows.push({ name: 'no relay served by then', from: at, until: Math.max(end, at), kind: 'still' });
  return html`<p class="figure"><b>${duration(seconds)}</b> ${
    until === null
      ? html`from ${moment(from)} UTC to the last that is known. <strong>No relay served by then.</strong>`
      : html`<span>from ${moment(from)}, the end of the last relay task, to ${clock(until)}, the first answer of a relay</span>`
  }</p>
${gantt(rows, { from: Date.parse(from), until: Math.max(end, at) })}`;
}
