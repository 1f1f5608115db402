import type { Act, Report } from '../report-schema.ts';
import { moment } from './figures.ts';
import { cut, type Html, html } from './html.ts';

const REMARK_CHARACTERS_MAX = 1_000;

/** Who said what to the executions. */
export function actsSection({ acts }: Report): Html {
  return html`<ul class="acts">${acts.map(act)}</ul>
<p class="more">Who started, redrove or stopped an execution its history does not say; CloudTrail does.</p>`;
}

function act({ at, machine, act: what, by, remark }: Act): Html {
  return html`<li><time datetime="${at}">${moment(at)}</time> <span><b>${machine} ${what}</b>${by === null ? '' : html` by ${by}`}${remark === null ? '' : html`: <q>${cut(remark, REMARK_CHARACTERS_MAX)}</q>`}</span></li>`;
}
