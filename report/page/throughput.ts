import type { Report, Throughput } from '../report-schema.ts';
import { count, duration } from './figures.ts';
import { type Html, html } from './html.ts';

type ThroughputRun = Throughput['runs'][number];

const WIDTH = 600;
const HEIGHT = 120;

/** How fast rows went over: a plot for each run where the migrator's lines tell of the way, else a bar for each run. */
export function throughputSection({ throughput: { from, runs } }: Report): Html {
  if (runs.length === 0) return html`<p>No run of the migrator has told of rows.</p>`;
  if (from === 'log') return html`<div class="plots">${runs.map(plot)}</div>`;
  const fastest = Math.max(...runs.map(rate), 1);
  return html`<p>From the rows and seconds of each whole run; connecting, indexes and verification count in.</p>
<ol class="gantt">${runs.map(
    (
      run,
    ) => html`<li><span class="name">${run.title} <small>${count(run.rows)} rows in ${duration(run.seconds)}</small></span>
<svg viewBox="0 0 1000 26" preserveAspectRatio="none" aria-hidden="true"><rect class="work" y="7" width="${Math.max(Math.round((rate(run) / fastest) * 1000), 4)}" height="12"/></svg>
<span class="time"><b>${count(rate(run))}</b> <small>rows/s</small></span></li>`,
  )}</ol>`;
}

const rate = ({ rows, seconds }: ThroughputRun): number => Math.round(rows / Math.max(seconds, 0.001));

function plot(run: ThroughputRun): Html {
  const highest = Math.max(...run.points.map(({ rowsPerSecond }) => rowsPerSecond), 1);
  const x = (seconds: number): number => round((seconds / Math.max(run.seconds, 0.001)) * WIDTH);
  const y = (value: number): number => round(HEIGHT - (value / highest) * HEIGHT);
  // Steps: between two points the speed is that of the first.
  const path = run.points.map(({ seconds, rowsPerSecond }) => `H${x(seconds)}V${y(rowsPerSecond)}`).join('');
  const said = `${run.title}: ${count(run.rows)} rows in ${duration(run.seconds)}, ${count(rate(run))} rows/s, at most ${count(highest)} rows/s`;
  return html`<figure><figcaption>${said}</figcaption>
<div class="plot"><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true"><path class="area" d="M0 ${HEIGHT}${path}H${WIDTH}V${HEIGHT}Z"/></svg><span class="ends"><span>0 s</span><span>${duration(run.seconds)}</span></span></div></figure>`;
}

const round = (value: number): number => Math.round(value * 10) / 10;
