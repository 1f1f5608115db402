import { clock, duration } from './figures.ts';
import { type Html, html } from './html.ts';

export interface GanttRow {
  name: string;
  /** It is a part of the row above. */
  inside?: boolean;
  /** Milliseconds since 1970. */
  from: number;
  until: number;
  kind: 'work' | 'wait' | 'failed' | 'still';
  /** Behind the name. */
  note?: string;
  /** When a try failed, or an answer was "not yet". */
  ticks?: { at: number; isFailure: boolean }[];
}

interface Span {
  from: number;
  until: number;
}

const WIDTH = 1000;
const HEIGHT = 26;
/** A bar that is thinner would not be seen. */
const BAR_MIN = 4;
const PARTS = 4;

const MARKS: Record<GanttRow['kind'], string> = { work: '', wait: '', failed: '✘ ', still: '… ' };

/**
 * Bars on a common time, as a list: read out loud it is each name with its time.
 *
 * @param shaded the time in which no relay serves
 */
export function gantt(rows: GanttRow[], { from, until }: Span, shaded: Span[] = []): Html {
  const total = Math.max(until - from, 1);
  const x = (at: number): number => Math.round(((Math.min(Math.max(at, from), until) - from) / total) * WIDTH);
  const marks = Array.from({ length: PARTS + 1 }, (_, part) => duration((total / 1000) * (part / PARTS)));
  const background = shaded
    .filter((span) => span.until > from && span.from < until)
    .map(
      (span) =>
        html`<rect class="shade" x="${x(span.from)}" width="${Math.max(x(span.until) - x(span.from), 1)}" height="${HEIGHT}"/>`,
    );
  return html`<div class="axis" aria-hidden="true"><span></span><span class="marks">${marks.map((mark) => html`<span>${mark}</span>`)}</span><span></span></div>
<ol class="gantt">${rows.map((row) => ganttRow(row, x, background))}</ol>`;
}

function ganttRow(row: GanttRow, x: (at: number) => number, background: Html[]): Html {
  const { name, inside, from, until, kind, note, ticks = [] } = row;
  const left = Math.min(x(from), WIDTH - BAR_MIN);
  const width = Math.max(x(until) - left, BAR_MIN);
  return html`<li${inside ? html` class="inside"` : ''}>
<span class="name">${MARKS[kind]}${name}${note ? html` <small>${note}</small>` : ''}</span>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">${background}<rect class="${kind}" x="${left}" y="7" width="${width}" height="12"/>${tickPaths(ticks, x)}</svg>
<span class="time"><b>${duration((until - from) / 1000)}</b> <small>from ${clock(new Date(from).toISOString())}</small></span></li>
`;
}

function tickPaths(ticks: NonNullable<GanttRow['ticks']>, x: (at: number) => number): Html[] {
  const path = (isFailure: boolean): string =>
    [...new Set(ticks.filter((tick) => tick.isFailure === isFailure).map(({ at }) => x(at)))]
      .map((at) => (isFailure ? `M${at} 3V23` : `M${at} 10V16`))
      .join('');
  return [false, true].flatMap((isFailure) => {
    const d = path(isFailure);
    return d === '' ? [] : [html`<path class="${isFailure ? 'fault' : 'tick'}" d="${d}"/>`];
  });
}
