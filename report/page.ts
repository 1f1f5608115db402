import { createHash } from 'node:crypto';
import { actsSection } from './page/acts.ts';
import { executionsSection } from './page/executions.ts';
import { graphFigure } from './page/graph.ts';
import { heading } from './page/heading.ts';
import { type Html, html, Html as Raw } from './page/html.ts';
import { samplesSection } from './page/samples.ts';
import { STYLE } from './page/style.ts';
import { tablesSection } from './page/tables.ts';
import { templateChangesSection } from './page/template-changes.ts';
import { throughputSection } from './page/throughput.ts';
import { legend, timeline } from './page/timeline.ts';
import { writeStopSection } from './page/write-stop.ts';
import type { Report, ReportedExecution } from './report-schema.ts';

/** What the page has, in its order. */
const SECTIONS: { id: string; title: string; content(report: Report): Html }[] = [
  { id: 'write-stop', title: 'Write stop', content: writeStopSection },
  { id: 'tables', title: 'Tables', content: tablesSection },
  { id: 'timeline', title: 'Timeline', content: timelines },
  { id: 'samples', title: 'Sampled events', content: samplesSection },
  { id: 'acts', title: 'People', content: actsSection },
  { id: 'throughput', title: 'Throughput', content: throughputSection },
  { id: 'template', title: 'Template changes', content: templateChangesSection },
  // The longest picture comes last.
  { id: 'graph', title: 'State graph', content: graphs },
  { id: 'executions', title: 'Executions', content: executionsSection },
];

/**
 * Draws a report as one HTML page that asks nobody for anything: its style is in it, and it has no script. The page's policy
 * forbids every request, and every style but that one.
 */
export function page(report: Report): string {
  const policy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; img-src data:; base-uri 'none'; form-action 'none'`;
  const title = `${report.verdict.outcome}: ${report.executions.map(({ machine }) => machine).join(', ')}`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${new Raw(STYLE)}</style>
</head>
<body>
<a class="skip" href="#main">To the report</a>
${heading(report)}
<nav aria-label="Parts of the report"><ul>${SECTIONS.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
<main id="main">
${SECTIONS.map(
  ({ id, title, content }) => html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>
${content(report)}</section>`,
)}
</main>
<footer><p>Made by relay-cutover of what Step Functions knows. All times are in UTC. The JSON form of this report has everything that is cut short here.</p></footer>
</body>
</html>
`.text;
}

/** What had nothing to do, or only prepared, is folded away. */
function isMain({ machine, visits }: ReportedExecution, report: Report): boolean {
  if (report.executions.length === 1) return true;
  return machine !== 'prepare' && !visits.some(({ name }) => name === 'NothingToDo');
}

function timelines(report: Report): Html {
  return html`${folded(report, (execution) => timeline(execution, report))}${legend}`;
}

function graphs(report: Report): Html {
  const main = report.executions.findLast((execution) => isMain(execution, report));
  return folded(report, graphFigure, (execution) => execution === main);
}

function folded(
  report: Report,
  draw: (execution: ReportedExecution, place: number) => Html,
  isOpen = (execution: ReportedExecution) => isMain(execution, report),
): Html {
  return html`${report.executions.map(
    (execution, place) =>
      html`<details${isOpen(execution) ? html` open` : ''}><summary>${execution.machine} <small>${execution.name}</small></summary>${draw(execution, place)}</details>`,
  )}`;
}
