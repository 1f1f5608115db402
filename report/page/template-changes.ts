import type { Report, TemplateChange } from '../report-schema.ts';
import { clock, moment, things } from './figures.ts';
import { cut, type Html, html } from './html.ts';

const OUTCOMES: Record<TemplateChange['outcome'], string> = {
  executed: '✔ executed',
  empty: '✔ nothing to change',
  refused: '✘ refused, not executed',
  failed: '✘ the stack did not take it',
  proposed: '… proposed, and no more is known',
};

/** Of all diffs together; each is bounded by itself (lambdas/change-stack/shown-lines.ts), but a redrive proposes again. */
const DIFF_CHARACTERS_MAX = 120_000;
const NOTE_CHARACTERS_MAX = 2_000;
const RESOURCES_MAX = 100;

/** Every change set of the relay's stack: what was edited, line by line, and what CloudFormation said it would do. */
export function templateChangesSection({ templateChanges }: Report): Html {
  if (templateChanges.length === 0) return html`<p>None was proposed.</p>`;
  let left = DIFF_CHARACTERS_MAX;
  return html`${templateChanges.map((one) => {
    const length = (one.diff ?? []).join('\n').length;
    left -= length;
    return change(one, left >= 0 || length === 0);
  })}`;
}

function change(
  { at, machine, purpose, edits, diff, note, outcome, resources }: TemplateChange,
  isShown: boolean,
): Html {
  const isGood = outcome === 'executed' || outcome === 'empty';
  return html`<article class="change"><h3>${purpose} <small>by ${machine}, ${clock(at)}</small></h3>
<p class="${isGood ? 'good' : outcome === 'proposed' ? 'unknown' : 'bad'}">${OUTCOMES[outcome]}</p>
${edits.length === 0 && outcome === 'empty' ? '' : edits.length === 0 ? html`<p>The text of the template stays; only the parameter of the desired count changes.</p>` : html`<ul>${edits.map((edit) => html`<li>${edit}</li>`)}</ul>`}
${note === null ? '' : html`<p class="note">${cut(note, NOTE_CHARACTERS_MAX)}</p>`}
${diff === null || diff.length === 0 ? '' : isShown ? diffBlock(`${purpose} by ${machine}, ${moment(at)}`, diff) : html`<p class="more">${things(diff.length, 'changed line')} are in the JSON form.</p>`}
${resources.length === 0 ? '' : resourceList(resources)}</article>`;
}

function diffBlock(what: string, lines: string[]): Html {
  const marked = lines.map((line) => {
    if (line.startsWith('+')) return html`<ins>${line}\n</ins>`;
    if (line.startsWith('-')) return html`<del>${line}\n</del>`;
    return html`<span class="place">${line}\n</span>`;
  });
  return html`<details open><summary>${things(lines.filter((line) => /^[-+]/.test(line)).length, 'changed line')}</summary><pre class="scroll diff" role="region" tabindex="0" aria-label="Changed lines of ${what}"><code>${marked}</code></pre></details>`;
}

function resourceList(resources: TemplateChange['resources']): Html {
  const more = resources.length - RESOURCES_MAX;
  return html`<details><summary>${things(resources.length, 'resource')} in the change set</summary><ul>${resources
    .slice(0, RESOURCES_MAX)
    .map(
      ({ logicalId, action, replacement, properties }) =>
        html`<li><code>${logicalId}</code>: ${action}${replacement === 'True' ? ', replaced' : replacement === 'Conditional' ? ', perhaps replaced' : ''}${properties.length > 0 ? html` <small>${properties.join(', ')}</small>` : ''}</li>`,
    )}${more > 0 ? html`<li>and ${more} more</li>` : ''}</ul></details>`;
}
