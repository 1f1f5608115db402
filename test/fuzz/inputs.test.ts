import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { createHandler } from '../../lambdas/answer-approval.ts';
import { parseAnswer } from '../../lambdas/approval/answer-event.ts';
import { parseConfiguration, parseDatabaseUrl } from '../../migrator/configuration.ts';
import { masked } from '../../report/past.ts';
import { Refused } from '../../statemachine/errors.ts';
import { inputFindings } from '../../statemachine/input.ts';
import { MACHINES } from '../../statemachine/machines.ts';
import { parseSettings, type Settings, settingsJsonSchema } from '../../statemachine/settings.ts';
import { readSettings } from '../../statemachine/settings-file.ts';
import { assertClear, cases, deepList, HOSTILE_TEXTS, hostileJson, hostileText } from '../support/fuzz.ts';

const tried = { inputs: 0, settings: 0, files: 0, answers: 0, urls: 0 };
const MACHINES_WITH_INPUT = ['prepare', 'cutover', 'rollback', 'finalize'] as const;

/** Objects that are nearly right: known keys with values that may be anything. */
const nearly = (keys: string[], value = hostileJson): fc.Arbitrary<unknown> =>
  fc
    .array(
      fc.tuple(
        fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...keys) }, { weight: 1, arbitrary: hostileText }),
        value,
      ),
      {
        maxLength: 5,
      },
    )
    .map((pairs) => Object.fromEntries(pairs));

/** What the call throws, which has to be a refusal, or what it gives. */
function outcome<T>(call: () => T): { result: T } | { message: string } {
  try {
    return { result: call() };
  } catch (error) {
    assertClear(error, 20_000);
    expect(error).toBeInstanceOf(Refused);
    return { message: error.message };
  }
}

describe('the input of an execution', () => {
  const input = fc.oneof(
    hostileJson,
    nearly(['onFailure', 'comment', 'approve', 'allowDeletions', 'deleteFileSystem']),
  );

  it('that is anything is right, or one bounded sentence says what is not', () => {
    const property = fc.property(input, fc.constantFrom(...MACHINES_WITH_INPUT), (given, machine) => {
      tried.inputs += 1;
      const findings = inputFindings(machine, given);
      if (findings === undefined) {
        expect(Object.keys(given as object).filter((key) => !KNOWN.includes(key))).toEqual([]);
        return;
      }
      expect(findings).toMatch(/^The input of the execution is not right: .+\. Known: /su);
      expect(findings.length).toBeLessThan(20_000);
    });
    fc.assert(property, cases(500));
  });
  const KNOWN = ['onFailure', 'comment', 'approve', 'allowDeletions', 'deleteFileSystem'];

  it.each([
    { ['x'.repeat(200_000)]: 1 },
    Object.fromEntries(Array.from({ length: 5_000 }, (_, place) => [`key ${place}`, place])),
    JSON.parse('{"__proto__": {"onFailure": "hold"}}'),
    JSON.parse(deepList(50_000)),
  ])('is refused in few words, case %#', (given) => {
    const findings = inputFindings('cutover', given) ?? '';
    expect(findings).toMatch(/^The input of the execution is not right: /);
    expect(findings.length).toBeLessThan(4_000);
  });
});

/** Every place of the settings at which a text stands. */
const TEXTS: [string, ...string[]][] = [
  ...Object.keys(parseSettings().names)
    .filter((key) => !['subnets', 'mountTargets'].includes(key))
    .map((key): [string, string] => ['names', key]),
  ['database', 'name'],
  ['database', 'username'],
  ['database', 'instanceClass'],
  ['database', 'engineVersion'],
  ...['stackName', 'region', 'newImage', 'verifierRole', 'migratorImage', 'dataDirectory', 'sqliteFile'].map(
    (key): [string] => [key],
  ),
];
const LISTS = ['excludeTables', 'genericTables', 'archiveIgnore'] as const;

/** Every text in the machines. */
function textsOf(settings: Settings): Set<string> {
  const found = new Set<string>();
  const visit = (value: unknown): void => {
    if (typeof value === 'string') found.add(value);
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(visit);
  };
  for (const machine of Object.values(MACHINES)) visit(machine(settings));
  return found;
}
const usual = textsOf(parseSettings());

/** Anything in a definition that somebody on its way would put something else in the place of, and that is not ours. */
const meaningful = (settings: Settings): string[] =>
  [...textsOf(settings)].filter((text) => !usual.has(text) && /^\{%|%\}$|\$\{|\{\{resolve/.test(text));

describe('the settings', () => {
  it('that are anything are right, or a refusal says what is not', () => {
    const keys = [...Object.keys(parseSettings()), 'notificationEmail'];
    const given = fc.oneof(hostileJson, nearly(keys), nearly(keys, nearly(Object.keys(parseSettings().names))));
    const property = fc.property(given, (raw) => {
      tried.settings += 1;
      const said = outcome(() => parseSettings(raw));
      if ('message' in said) expect(said.message).toMatch(/^The settings are not right:\n/);
    });
    fc.assert(property, cases(300));
  });

  it('let no text through that means something to JSONata, CloudFormation, IAM, a URL or a shell', () => {
    const property = fc.property(fc.constantFrom(...TEXTS), hostileText, (path, text) => {
      tried.settings += 1;
      const raw = path.reduceRight<unknown>((value, key) => ({ [key]: value }), text);
      const said = outcome(() => parseSettings(raw));
      if ('message' in said) return;
      expect(text).toMatch(
        path[0] === 'dataDirectory' || path[0] === 'sqliteFile' ? /^[^\p{C}${}]+$/u : /^[\w./:@+=,-]+$/,
      );
      expect(meaningful(said.result)).toEqual([]);
    });
    fc.assert(property, cases(400));
  });

  it.each(LISTS)('hand the names of %s on as a text that nobody reads as anything else', (list) => {
    const names = HOSTILE_TEXTS.filter((text) => text !== '' && !/[\ud800-\udfff]/.test(text));
    const settings = parseSettings({ [list]: names });
    tried.settings += names.length;
    const values: string[] = [];
    const visit = (value: unknown): void => {
      if (Array.isArray(value)) value.forEach(visit);
      else if (typeof value === 'object' && value !== null) {
        const { Name, Value } = value as { Name?: unknown; Value?: unknown };
        if (typeof Value === 'string' && /EXCLUDE|GENERIC|IGNORE/.test(String(Name))) values.push(Value);
        Object.values(value).forEach(visit);
      }
    };
    for (const machine of Object.values(MACHINES)) visit(machine(settings));
    const told = values.filter((value) => value !== '["db-shm"]');
    expect(told.length).toBeGreaterThan(0);
    for (const value of told) {
      expect(JSON.parse(value)).toEqual(names);
      expect(value).not.toMatch(/[{$]/);
    }
  });

  it('have a schema whose patterns are those of the parser', () => {
    const { properties } = settingsJsonSchema() as { properties: Record<string, { pattern?: string }> };
    expect(new RegExp(properties.stackName?.pattern ?? '').test('a; rm -rf /')).toBe(false);
  });
});

describe('a settings file', () => {
  const directory = mkdtempSync(join(tmpdir(), 'relay-cutover-fuzz-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'cutover.yaml');
  function read(text: string | Uint8Array): { result: Settings } | { message: string } {
    tried.files += 1;
    writeFileSync(path, text);
    return outcome(() => readSettings(path));
  }

  it('of any text is settings, or a refusal names the file', () => {
    const line = fc
      .tuple(fc.constantFrom(...Object.keys(parseSettings())), hostileText)
      .map(([key, text]) => `${key}: ${text}`);
    const yaml = fc.oneof(
      hostileText,
      fc.array(line, { maxLength: 4 }).map((lines) => lines.join('\n')),
    );
    const property = fc.property(yaml, (text) => {
      const said = read(text);
      if ('message' in said) expect(said.message).toContain(path);
    });
    fc.assert(property, cases(200));
  });

  const levels = Array.from(
    { length: 30 },
    (_, level) => `l${level + 1}: &l${level + 1} [*l${level}, *l${level}, *l${level}]`,
  );
  it.each<[string, string | Uint8Array]>([
    ['a billion laughs', ['l0: &l0 [ha]', ...levels].join('\n')],
    ['lists of 10,000 levels', deepList(10_000)],
    ['maps of 10,000 levels', '{a: '.repeat(10_000)],
    ['a list within itself', 'excludeTables: &a [*a]'],
    ['keys that are maps', '? {a: 1}\n: 1'],
    ['a tag that nobody knows', 'stackName: !Ref relay'],
    ['a directive that nobody knows', '%RELAY 1\n---\nregion: a'],
    ['a tag of another language', 'stackName: !!js/function "function () { throw 1 }"'],
    ['a prototype', '__proto__: {stackName: x}'],
    ['the same key twice', 'region: a\nregion: b'],
    ['several documents', 'region: a\n---\nregion: b'],
    ['bytes', Uint8Array.from([0xff, 0xfe, 0x00, 0x01])],
    ['a megabyte of one key', `${'k'.repeat(1_000_000)}: 1`],
    ['a list of 20,000 numbers', `excludeTables: [${'1,'.repeat(20_000)}]`],
  ])('of %s is refused in few words', (_, text) => {
    const said = read(text);
    if (!('message' in said)) return expect.fail('it was taken');
    expect(said.message).toContain(path);
    expect(said.message.length).toBeLessThan(20_000);
  });
});

const ARN = 'arn:aws:states:me-central-1:123456789012:execution:relay-cutover:c1';

describe('an answer to a question for approval', () => {
  const event = fc.record(
    {
      execution: fc.oneof(
        { weight: 3, arbitrary: fc.constant(ARN) },
        { weight: 1, arbitrary: hostileText.map((text) => ARN + text) },
        { weight: 1, arbitrary: hostileJson },
      ),
      answer: fc.oneof(fc.constantFrom('approve', 'reject'), hostileJson),
      by: fc.oneof(hostileText, hostileJson),
      reason: fc.oneof(hostileText, hostileJson),
      token: hostileJson,
    },
    { requiredKeys: [] },
  );

  it('that is anything is taken as the text that it is, or refused before anything is asked or kept', async () => {
    const property = fc.asyncProperty(fc.oneof(event, hostileJson), async (given) => {
      tried.answers += 1;
      const keys: string[] = [];
      const approvals = {
        read: async (key: string) => void keys.push(key),
        write: async () => expect.fail('something was kept'),
      };
      const handler = createHandler({ approvals: approvals as never, tasks: {} as never, now: () => new Date(0) });
      const error = await handler(given).then(
        () => expect.fail('there is no question'),
        (reason: unknown) => reason,
      );
      assertClear(error, 20_000);
      expect(error).toBeInstanceOf(Refused);
      const parsed = outcome(() => parseAnswer(given));
      if ('message' in parsed) {
        expect(keys).toEqual([]);
        return;
      }
      expect(keys).toEqual([`approval#${parsed.result.execution}`]);
      expect(parsed.result.execution).toMatch(/^[\w:.-]+$/);
    });
    await fc.assert(property, cases(300));
  });

  it.each(['a'.repeat(10_000), `${ARN}\n`, `${ARN}:x`, `${ARN} OR 1=1`, ARN.repeat(40)])(
    'is refused for an execution that is none, case %#',
    (execution) => {
      expect(() => parseAnswer({ execution, answer: 'approve', by: 'Ada' })).toThrow(Refused);
    },
  );
});

describe('the URL of a database', () => {
  const PASSWORD = 'S3cr3tPassw0rd';
  const around = fc.constantFrom('', '@', '/', '%', '%zz', ':', '#', '?', ' ', '[', '\\', '\n', '"');
  const url = fc
    .tuple(
      fc.constantFrom('postgres', 'postgresql', 'mysql', ''),
      around,
      around,
      hostileText,
      fc.constantFrom('host', '[::1', '', 'ho st', '%00'),
      hostileText,
    )
    .map(
      ([scheme, before, after, user, host, rest]) =>
        `${scheme}://${user}:${before}${PASSWORD}${after}@${host}:5432/${rest}`,
    );

  it('that cannot be read is refused without its password', () => {
    const property = fc.property(url, (text) => {
      tried.urls += 1;
      const parsed = parseDatabaseUrl(text);
      if (typeof parsed === 'string') expect(parsed).not.toContain(PASSWORD);
      const said = outcome(() => parseConfiguration('load', { SQLITE_PATH: '/db', DATABASE_URL: text }));
      if ('message' in said) expect(said.message).not.toContain(PASSWORD);
    });
    fc.assert(property, cases(500));
  });

  it('has no password left in a cause that a report shows', () => {
    const property = fc.property(
      fc.constantFrom('', '@', '/', '%', ':', '#', '?', '['),
      fc.constantFrom('', '@', '/', '%', ':', '#', '?', ']'),
      (before, after) => {
        tried.urls += 1;
        expect(masked(`cannot reach postgres://me:${before}${PASSWORD}${after}@host:5432/db: no`)).not.toContain(
          PASSWORD,
        );
      },
    );
    fc.assert(property, cases(60));
  });
});

afterAll(() => console.log(`fuzz: ${JSON.stringify(tried)}`));
