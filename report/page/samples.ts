import type { Report, SampleCheck } from '../report-schema.ts';
import { clock, count } from './figures.ts';
import { type Html, html } from './html.ts';

const MARKS = new Map([
  [true, { mark: '✔', word: 'answered', kind: 'good' }],
  [false, { mark: '✘', word: 'not answered', kind: 'bad' }],
  [null, { mark: '?', word: 'not known', kind: 'unknown' }],
]);

/** Which events each relay was asked for before it was said to serve. */
export function samplesSection({ sampleChecks }: Report): Html {
  if (sampleChecks.length === 0) return html`<p>It did not come to that.</p>`;
  return html`${sampleChecks.map(check)}`;
}

function check({ at, machine, state, verdict, events }: SampleCheck): Html {
  const answered = events.filter((event) => event.answered === true).length;
  const isGood = verdict === 'passed';
  const said =
    events.length === 0
      ? 'there was no event to ask for'
      : `${count(answered)} of ${count(events.length)} events came back unaltered`;
  return html`<details><summary><span class="${isGood ? 'good' : 'bad'}">${isGood ? '✔' : '✘'} ${verdict}</span>: ${said} <small>${state} of ${machine}, from ${clock(at)}</small></summary>
<ul class="ids">${events.map(({ id, answered: came }) => {
    const { mark, word, kind } = MARKS.get(came) as { mark: string; word: string; kind: string };
    return html`<li><span class="${kind}" aria-hidden="true">${mark}</span> <code>${id}</code> <span class="unseen">${word}</span></li>`;
  })}</ul></details>`;
}
