import { printable } from '../../migrator/printable.ts';
import { painted } from '../difference.ts';
import { type Colors, countText, padded } from '../execution-lines.ts';
import { wrapped } from '../wrapped.ts';
import type { CheckResult, Known } from './checks.ts';
import { isReady, type Plan } from './plan-of.ts';
import type { ResourceChange } from './resource-changes.ts';
import type { PlannedStep } from './steps.ts';

export interface PlanView {
  /** Of the terminal; infinite where there is none. */
  columns: number;
  colors: Colors;
  /** Without it the changed lines of the template are left out. */
  difference: boolean;
}

/** A plan for people: what will be done, then what it moves and how long it takes, then what stands in its way. */
export function planLines(plan: Plan, view: PlanView): string[] {
  const { stackName, region, next, steps, checks, notes } = plan;
  const { columns, colors } = view;
  const list = (texts: string[]): string[] => texts.flatMap((text) => wrapped(printable(text), columns, '  - '));
  return [
    ...wrapped(`Plan for the stack ${printable(stackName)} in ${printable(region)}. Nothing was changed.`, columns),
    ...steps.flatMap((step) => ['', ...stepLines(step, view)]),
    ...(steps.length > 0 ? ['', ...wrapped(ABOUT_CHANGES, columns)] : []),
    ...(next === null ? [] : ['', colors.bold('Data'), ...list(dataTexts(plan))]),
    ...(next === null ? [] : ['', colors.bold('Write stop of the cutover'), ...list(writeStopTexts(plan))]),
    ...(next === null ? [] : ['', colors.bold(`Checks before ${next}`)]),
    ...checks.flatMap((check) => checkLines(check, view)),
    ...(notes.length > 0 ? ['', colors.bold('Not looked at'), ...list(notes)] : []),
    '',
    ...verdictLines(plan, view),
  ];
}

const ABOUT_CHANGES =
  'The changes are computed from the two templates. CloudFormation itself is asked when the machine runs: it makes a change set, and the machine executes it only when all that stands in it is on the list of what this step may do.';

function stepLines(
  { machine, purpose, refusal, edits, difference, changeSets }: PlannedStep,
  view: PlanView,
): string[] {
  const { columns, colors } = view;
  const head = wrapped(`${machine}: ${purpose}`, columns, '', '  ').map(colors.bold);
  if (refusal !== null) return [...head, ...wrapped(printable(refusal), columns, `  ${colors.red('✘')} `, '    ')];
  if (edits.length === 0) return [...head, '  The template has all of it already: nothing to edit.'];
  return [
    ...head,
    ...edits.flatMap((title) => wrapped(printable(title), columns, '  - ')),
    ...changeSets.flatMap(({ purpose: set, changes }) => [
      ...wrapped(`Change set "${set}":`, columns, '  '),
      ...(changes.length === 0 ? ['    no resource'] : changeLines(changes, view)),
    ]),
    ...(view.difference ? ['  Template:', ...diffLines(difference, colors)] : []),
  ];
}

/** A template is not ours: its lines are made harmless before they are coloured. */
function diffLines(difference: string, colors: Colors): string[] {
  const lines = difference.split('\n').map((line) => painted(printable(line), colors));
  return lines.map((line) => `    ${line}`);
}

const SIGNS = { Add: '+', Modify: '~', Remove: '-' };

function changeLines(changes: ResourceChange[], { columns, colors }: PlanView): string[] {
  const width = Math.max(...changes.map(({ logicalId }) => logicalId.length));
  const paint = { Add: colors.green, Modify: colors.yellow, Remove: colors.red };
  return changes.flatMap(({ action, logicalId, type, paths, replacement, kept }) => {
    const places = paths.map((path) => path.replace(/^Properties\./, '')).join(', ');
    const word = replacement ? ' (a new one in its place)' : kept ? ' (kept, not deleted)' : '';
    const text = printable(`${padded(logicalId, width)}  ${type}${word}${places === '' ? '' : `: ${places}`}`);
    return wrapped(text, columns, `    ${paint[action](SIGNS[action])} `, '        ');
  });
}

const GIBIBYTE = 2 ** 30;
const MEBIBYTE = 2 ** 20;

function bytesText(bytes: number): string {
  return bytes >= GIBIBYTE ? `${(bytes / GIBIBYTE).toFixed(1)} GiB` : `${(bytes / MEBIBYTE).toFixed(1)} MiB`;
}

/** What is known, in words, or why it is not. */
function told<T>(what: string, known: Known<T>, words: (value: T) => string): string {
  return 'unknown' in known ? `${what}: not known. ${known.unknown}` : `${what}: ${words(known.value)}`;
}

function dataTexts({ data: { fileSystemBytes, load } }: Plan): string[] {
  return [
    told('File system', fileSystemBytes, (bytes) => (bytes === null ? 'none any more' : bytesText(bytes))),
    told('Rows', load, (found) =>
      found === null
        ? 'not known before prepare has loaded them'
        : `${countText(found.rows)} in ${found.tables.length} tables, loaded in ${Math.ceil(found.seconds)} s by ${found.execution} (${found.loadedAt.slice(0, 16).replace('T', ' ')} UTC)`,
    ),
  ];
}

function writeStopTexts({ writeStop, next }: Plan): string[] {
  if (next === 'finalize') return ['None: the relay serves from PostgreSQL already.'];
  const { drainSecondsMax, drainSecondsMaxNow, besideRowsSeconds, expectedSeconds } = writeStop;
  const { secondsMax, wayBackSecondsReserved } = writeStop;
  const [later, now] = [drainSecondsMax, drainSecondsMaxNow].map((one) => ('value' in one ? one.value : undefined));
  const isShorter = now !== undefined && later !== undefined && now !== later;
  const expected =
    expectedSeconds === null
      ? `Expected: ${besideRowsSeconds} s and about as long as prepare will take to load the rows`
      : `Expected: ${expectedSeconds} s`;
  const isLong = expectedSeconds !== null && expectedSeconds > writeStop.forwardSeconds;
  return [
    told(
      'Drain before it',
      drainSecondsMax,
      (seconds) =>
        `at most ${seconds} s, in which clients may still write${isShorter ? ` (now ${now} s; prepare sets the delay)` : ''}`,
    ),
    expected,
    `Limit: ${secondsMax} s, of which ${wayBackSecondsReserved} s are kept for the way back`,
    ...(isLong
      ? [
          `The expected write stop does not fit: ${writeStop.forwardSeconds} s are left for the way forward. Set writeStopSecondsMax higher and deploy, or the cutover goes back by itself.`,
        ]
      : []),
  ];
}

function checkLines({ title, status, says }: CheckResult, { columns, colors }: PlanView): string[] {
  const marks = { passed: colors.green('✔'), failed: colors.red('✘'), unknown: colors.yellow('?') };
  const head = wrapped(printable(title), columns, `  ${marks[status]} `, '    ');
  if (says === null) return head;
  return [...head, ...wrapped(printable(status === 'unknown' ? `Not made: ${says}` : says), columns, '      ')];
}

/** The last lines are what stays on the screen. */
function verdictLines(plan: Plan, { columns, colors }: PlanView): string[] {
  const { next, checks } = plan;
  const count = (wanted: CheckResult['status']): number => checks.filter(({ status }) => status === wanted).length;
  const say = (paint: (text: string) => string, text: string): string[] => wrapped(text, columns).map(paint);
  if (next === null) return say(colors.green, 'The way is at its end: the file system has left the stack.');
  if (isReady(plan)) return say(colors.green, `Ready: all ${checks.length} checks passed. ${START[next]}`);
  const parts = [
    ...(count('failed') > 0 ? [`${count('failed')} of ${checks.length} checks failed`] : []),
    ...(count('unknown') > 0
      ? [`${count('unknown')} could not be made and ${count('unknown') === 1 ? 'has' : 'have'} not passed`]
      : []),
  ];
  return say(colors.red, `Not ready for ${next}: ${parts.join(', ')}. Do what stands above, then plan again.`);
}

const START = {
  prepare: 'Start it with "relay-cutover prepare"; the relay serves all the time.',
  cutover: 'Start it with "relay-cutover start".',
  finalize:
    'Start it with "relay-cutover finalize"; how long the relay has served from PostgreSQL the machine itself looks at.',
};
