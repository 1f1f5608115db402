import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REFERENCE_EVENTS, RESULTS_DIRECTORY } from './results.ts';

const BEGIN = '<!-- npm run docs: bench/results -->';
const END = '<!-- /bench/results -->';

/**
 * Puts plot and table of the kept results into the place that README.md has for them.
 *
 * @throws Error when it has none
 */
export function withResults(readme: string, directory = RESULTS_DIRECTORY): string {
  const start = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (start < 0 || end < start)
    throw new Error(`README.md has no place for the results: expected "${BEGIN}" and, below it, "${END}".`);
  return `${readme.slice(0, start + BEGIN.length)}\n${section(directory)}\n${readme.slice(end)}`;
}

function section(directory: string): string {
  const path = join(directory, `${REFERENCE_EVENTS}.md`);
  if (!existsSync(path)) return '\nNo run is kept in this repository yet.\n';
  const plot = `![The seconds of the table below as bars](bench/results/${REFERENCE_EVENTS}.svg)`;
  return `\n${plot}\n\n${readFileSync(path, 'utf8')}`;
}
