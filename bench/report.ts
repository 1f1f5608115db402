import type { GoalVerdict } from './goals.ts';
import { type ContenderResults, type Results, secondsOf } from './results.ts';
import { ratiosByRound, type Spread, spreadOf } from './statistics.ts';

/** The results as Markdown: the figures of every contender, what they are a multiple of, and what became of the goals. */
export function table(results: Results, verdicts: GoalVerdict[]): string {
  const floor = secondsOf(results, 'floor');
  return [
    `${conditions(results)}:`,
    '',
    '| contender | seconds, median | least to most | times the floor | of which, in seconds | what it does |',
    '| --- | --: | --: | --: | --- | --- |',
    ...results.contenders.map((contender) => contenderRow(contender, floor)),
    '',
    '| what the migrator has to keep | goal | seen | |',
    '| --- | --: | --: | --- |',
    ...verdicts.map(({ title, goal, seen, verdict }) =>
      cells(title, goal, verdict === 'not measured' ? '' : seen, verdict),
    ),
    '',
  ].join('\n');
}

function contenderRow({ title, remark, absence, seconds, parts }: ContenderResults, floor: number[]): string {
  const spread = spreadOf(seconds);
  if (!spread) return cells(title, absence ?? 'not measured', '', '', '', remark);
  const ratios = spreadOf(ratiosByRound(seconds, floor));
  const medians = Object.entries(parts).map(([part, ofRounds]) => `${part} ${spreadOf(ofRounds)?.median.toFixed(1)}`);
  return cells(
    title,
    spread.median.toFixed(1),
    range(spread, 1),
    ratios ? ratios.median.toFixed(2) : '',
    medians.join(', '),
    remark,
  );
}

function cells(...texts: string[]): string {
  return `| ${texts.join(' | ')} |`;
}

function range({ least, most }: Spread, digits: number): string {
  return `${least.toFixed(digits)} to ${most.toFixed(digits)}`;
}

/** One line that says of what the figures are. */
export function conditions(results: Results): string {
  const { events, tags, keyValues, seed, rounds, cores, node, postgres, date } = results;
  const count = (number: number): string => number.toLocaleString('en-US');
  return `${count(events)} events, ${count(tags)} tags and ${count(keyValues)} settings (seed ${seed}), ${rounds} rounds, ${cores} cores, Node ${node}, PostgreSQL ${postgres}, ${date}`;
}

/** One sentence for each goal that was missed. */
export function missedLines(verdicts: GoalVerdict[]): string[] {
  return verdicts
    .filter(({ verdict }) => verdict === 'missed')
    .map(({ title, goal, seen }) => `Missed: ${title}: ${seen}; the goal is ${goal}.`);
}
