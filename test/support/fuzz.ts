import fc from 'fast-check';
import { isFull } from './extent.ts';

/** So many more cases has `npm run test:full` than `npm test`. */
const FULL_TIMES = 40;

/**
 * How many cases a property is tried with; fast-check names seed and path of one that fails, and makes it smaller. Those of
 * `npm test` are the same each time: what nobody has tried yet is looked for by a full run, and not by whoever changes
 * something else.
 */
export function cases(bounded: number): { numRuns: number; seed?: number } {
  return isFull ? { numRuns: bounded * FULL_TIMES } : { numRuns: bounded, seed: 1 };
}

/** Texts that mean something to somebody on their way: SQL, shells, terminals, HTML, YAML, CloudFormation, JSONata, ECMAScript. */
export const HOSTILE_TEXTS = [
  '',
  ' ',
  '"',
  "'",
  '""',
  "''",
  '\\',
  "\\'",
  '`',
  '--',
  '/*',
  ';',
  '%s',
  '%',
  '%%',
  '$1',
  '$$',
  '$do$',
  '.',
  '..',
  '../../etc/passwd',
  'a.b',
  "'); DROP TABLE kv; --",
  '"; DROP SCHEMA cutover CASCADE; --',
  "\\'); DROP TABLE kv; --",
  '$(id)',
  '`id`',
  '; rm -rf /',
  '\n',
  '\r\n',
  'two\nlines',
  '\t',
  '\u001b[2J',
  '\u001b]0;title\u0007',
  '\u001b]8;;https://example.com\u0007',
  '\u009b31m',
  '\u202egnp.exe',
  '\u2028',
  '\u200b',
  '\ufeff',
  '<script>alert(1)</script>',
  '</style><script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '<!--',
  '&lt;',
  'javascript:alert(1)',
  '{{resolve:ssm:/secret}}',
  '{{resolve:secretsmanager:RDSPassword}}',
  '$' + '{AWS::StackName}',
  '$' + '{!Literal}',
  '{% $states.input %}',
  '{%$eval("1")%}',
  '$.x',
  '*anchor',
  '&anchor x',
  '!Ref X',
  '? x',
  '- x',
  'key: value',
  '# comment',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'NaN',
  'null',
  '1e999',
  'ﬁ',
  'e\u0301',
  'Größe',
  '漢字',
  '\u{1f680}',
  '\ud800',
];

export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...HOSTILE_TEXTS) },
  {
    weight: 2,
    arbitrary: fc.array(fc.constantFrom(...HOSTILE_TEXTS), { minLength: 2, maxLength: 4 }).map((all) => all.join('')),
  },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
);

/** Any value of JSON, with keys and texts that are hostile. */
export const hostileJson: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    hostileText,
    fc.constantFrom(null, true, false, 0, -1, 1.5, -0, 1e21, Number.MAX_SAFE_INTEGER, 2 ** 63),
    fc.array(tie('value'), { maxLength: 4 }),
    fc
      .array(fc.tuple(hostileText, tie('value')), { maxLength: 4 })
      // As JSON.parse makes them: `__proto__` is a key like any other.
      .map((pairs) =>
        JSON.parse(
          `{${pairs.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value) ?? null}`).join(',')}}`,
        ),
      ),
  ),
})).value;

/** What an error must not be: these are faults of the program and not of what it was given. */
export const CRASHES = [TypeError, RangeError, ReferenceError, SyntaxError];

/** Fails where an error is a crash, or says more than fits into a history. */
export function assertClear(error: unknown, charactersMax = 8_000): asserts error is Error {
  if (!(error instanceof Error)) throw new Error(`thrown was no Error: ${typeof error}`);
  if (CRASHES.some((Crash) => error instanceof Crash) || error.message === '')
    throw new Error(`a crash and no clear error: ${error.stack}`);
  if (error.message.length > charactersMax) throw new Error(`${error.message.length} characters of error`);
}

/** A list in a list in a list, as a text. */
export const deepList = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;
