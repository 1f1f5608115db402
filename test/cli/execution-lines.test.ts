import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import { announcementLine, migratorLines } from '../../cli/execution-lines.ts';
import { createLiveView } from '../../cli/live-view.ts';
import { closingLines } from '../../cli/rehearsal-closing.ts';
import type { RunRecord, StateRecord } from '../../report/run-record.ts';

const PLAIN = pc.createColors(false);
const EVIL = 'a\x1b]0;b\x07\x1b[2J\n\u202ec';
const SHOWN = 'a\\x1b]0;b\\x07\\x1b[2J\\n\\u202ec';

const ended = (record: Partial<StateRecord>, table: string | null = null, verdict: string | null = null) => ({
  kind: 'state' as const,
  record: { name: 'AwaitSwitch', enteredAt: '', seconds: 10.04, retries: 0, error: null, ...record },
  table,
  verdict,
});
const line = (announcement: Parameters<typeof announcementLine>[0], columns = Number.POSITIVE_INFINITY) =>
  announcementLine(announcement, {
    columns,
    colors: PLAIN,
    beginning: 'begins; times are as in the cloud, waits included',
  });

describe('the line of a state that ended', () => {
  it('has its time, how often it asked, and its error', () => {
    expect(line(ended({ retries: 2 }))).toBe(
      '  ✔ AwaitSwitch                                        10.0 s  asked 3 times',
    );
    expect(line(ended({ error: 'Broken' }), 49)).toBe('  ✘ AwaitSwitch            10.0 s  Broken');
    expect(line(ended({ name: 'RolledBack', seconds: 0, error: 'RolledBack' }), 49)).toBe(
      '  ✘ RolledBack              0.0 s',
    );
  });

  it('has a check only for a table that was verified', () => {
    expect(line(ended({ name: 'VerifyTable' }, 'kv', 'verified'), 49)).toBe('  ✔ VerifyTable kv: verified   10.0 s');
    expect(line(ended({ name: 'VerifyTable' }, 'kv', 'mismatch'), 49)).toBe('  ✘ VerifyTable kv: mismatch   10.0 s');
  });

  it('shows control characters as text', () => {
    expect(line(ended({ name: EVIL, error: `${EVIL}!` }, EVIL, EVIL), 10)).toBe(
      `  ✘ ${SHOWN} ${SHOWN}: ${SHOWN}   10.0 s  ${SHOWN}!`,
    );
  });
});

describe('the headline of an execution', () => {
  it('names the machine, and says of a redrive that it goes on', () => {
    expect(line({ kind: 'execution', machine: 'restore', redriveCount: 0 })).toBe(
      '- The state machine "restore" begins; times are as in the cloud, waits included',
    );
    expect(line({ kind: 'execution', machine: 'cutover', redriveCount: 2 })).toBe(
      '- The state machine "cutover" goes on where it stopped (redrive 2)',
    );
  });
});

describe('the lines of the migrator', () => {
  it('show control characters as text, and keep several lines apart', () => {
    expect(migratorLines({ kind: 'text', text: EVIL })).toEqual(['      a\\x1b]0;b\\x07\\x1b[2J', '      \\u202ec']);
    const progress = { verb: 'copied', rows: 1_000, total: 2_000, rowsPerSecond: 500, etaSeconds: 2, done: false };
    expect(migratorLines({ kind: 'rows', table: EVIL, ...progress })).toEqual([
      `      copied ${SHOWN}: 1,000 of 2,000 rows, 500 rows/s, 2 s left`,
    ]);
  });
});

describe('the closing lines', () => {
  const record = {
    outcome: 'RolledBack',
    exitCode: 1,
    sentence: `It failed: ${EVIL}`,
    source: { files: [], unchanged: true },
    tables: [{ table: EVIL, verdict: 'mismatch', target: { rows: 2, digest: '' }, findings: [EVIL] }],
    writeStop: { from: '', until: '', seconds: 92.13 },
    published: { acknowledged: 3, served: 3 },
    serving: { store: 'sqlite', image: EVIL },
  } as unknown as RunRecord;

  it('show control characters as text, and set in what follows the first line of a cause', () => {
    expect(closingLines(record, PLAIN)).toEqual([
      'Verified by the state machine, every row of the target computed afresh:',
      `  ${SHOWN}: source=? dest=2 [MISMATCH] ${SHOWN}`,
      'Write stop: 92.1 s, as in the cloud',
      `Serving now: sqlite (${SHOWN}); 3 of 3 events published meanwhile are there`,
      'Source directory: not changed by a byte',
      'RolledBack: It failed: a\\x1b]0;b\\x07\\x1b[2J',
      '    \\u202ec',
    ]);
  });

  it('say how many rows of a table are in quarantine', () => {
    const table = {
      source: { rows: 2, digest: '' },
      target: { rows: 2, digest: '' },
      quarantined: { rows: 3, digest: '' },
    };
    const quarantined = { ...record, tables: [{ table: 'kv', verdict: 'verified', ...table, findings: [] }] };
    expect(closingLines(quarantined, PLAIN)[1]).toBe('  kv: source=5 dest=2 [OK, 3 quarantined]');
  });

  it('have colours only for verdicts', () => {
    const lines = closingLines(record, pc.createColors(true));
    expect(lines[1]).toBe(`  ${SHOWN}: source=? dest=2 [\x1b[31mMISMATCH\x1b[39m] ${SHOWN}`);
    expect(lines[5]).toBe('\x1b[31mRolledBack\x1b[39m: It failed: a\\x1b]0;b\\x07\\x1b[2J');
  });
});

describe('the view', () => {
  /** What it writes to something that is, or is not, a terminal. */
  function written(isTTY: boolean, environment: Record<string, string>): string {
    let text = '';
    const stream = {
      isTTY,
      columns: 80,
      rows: 24,
      write: (chunk: string) => {
        text += chunk;
      },
      on: () => stream,
      off: () => stream,
    } as unknown as Parameters<typeof createLiveView>[0];
    const view = createLiveView(stream, { TERM: 'xterm', ...environment }, { beginning: 'begins' });
    const rows = { event: 'rows', verb: 'copied', table: 'kv', rows: 1, total: 2, rowsPerSecond: 1, etaSeconds: 1 };
    view.step('Stack deployed');
    view.log('migrate', JSON.stringify(rows));
    view.log('migrate', JSON.stringify({ ...rows, rows: 2, done: true }));
    view.log('relay', '{"event":"message","text":"\x1b[2J"}');
    const at = new Date(0);
    view.event({ id: 1, type: 'ExecutionStarted', timestamp: at });
    view.event({ id: 2, timestamp: at, stateEnteredEventDetails: { name: 'Ask' } });
    view.event({ id: 3, previousEventId: 2, timestamp: at, stateExitedEventDetails: { name: 'Ask' } });
    view.end();
    return text;
  }

  const LINES = [
    '- Stack deployed',
    '      copied kv: 1 of 2 rows, 1 rows/s, 1 s left',
    '      copied kv: 2 of 2 rows, 1 rows/s',
    '- The state machine "cutover" begins',
    '  ✔ Ask                                                 0.0 s',
    '',
  ].join('\n');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
  const COLOR = /\x1b\[\d+m/;

  it.each([
    ['what is no terminal', false, {}],
    ['what is no terminal in a CI system', false, { CI: '1' }],
    ['a dumb terminal', true, { TERM: 'dumb' }],
    ['the terminal of a CI system, without colour', true, { CI: 'true', NO_COLOR: '1' }],
  ])('writes whole lines and nothing else to %s', (_, isTTY, environment) => {
    expect(written(isTTY, environment)).toBe(LINES);
  });

  it('colours where it is told to, and nowhere with NO_COLOR', () => {
    expect(written(false, { FORCE_COLOR: '1' })).toBe(
      LINES.replace('✔', '\x1b[32m✔\x1b[39m').replace('   0.0 s', '\x1b[2m   0.0 s\x1b[22m'),
    );
    expect(written(true, {})).toMatch(COLOR);
    expect(written(true, { NO_COLOR: '1' })).not.toMatch(COLOR);
    expect(written(true, { FORCE_COLOR: '0' })).not.toMatch(COLOR);
  });

  it('hides the cursor of a terminal while it draws, and gives it back', () => {
    const text = written(true, { NO_COLOR: '1' });
    expect(text).toContain('Preparing');
    expect(text.indexOf('\x1b[?25l')).toBe(0);
    expect(text.slice(-6)).toBe('\x1b[?25h');
  });
});
