import pc from 'picocolors';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { liveBlock } from '../../cli/live-block.ts';
import type { LiveState, RunningState } from '../../report/live-state.ts';

const PLAIN = pc.createColors(false);
const COLORED = pc.createColors(true);
const EMPTY: LiveState = { preparingSeconds: null, running: [], tables: [], writeStop: null };

const running = (fields: Partial<RunningState> = {}): RunningState => ({
  name: 'HealthCheckNewRelay',
  table: null,
  seconds: 25.04,
  retries: 0,
  error: null,
  iterations: null,
  ...fields,
});

const table = {
  verb: 'copied',
  table: 'sphere_relay__events',
  rows: 1_200_000,
  total: 3_902_000,
  rowsPerSecond: 64_495,
  etaSeconds: 42,
  done: false,
};

const drawn = (state: Partial<LiveState>, columns: number, colors = PLAIN) =>
  liveBlock({ ...EMPTY, ...state }, { columns, frame: 0, colors });

describe('the live block', () => {
  it('is nothing while nothing goes on', () => {
    expect(drawn({}, 100)).toEqual([]);
  });

  it('has running states, rows and the write stop, in a wide terminal', () => {
    const state = {
      running: [
        running({ retries: 2 }),
        running({ name: 'VerifyCounts', seconds: 0.5, iterations: { done: 1, total: 3 } }),
        running({ name: 'VerifyTable', table: 'kv', seconds: 0.2, retries: 1, error: 'Throttled' }),
      ],
      tables: [table],
      writeStop: { seconds: 111.9, deadlineSeconds: 900, over: false },
    };
    expect(drawn(state, 99)).toEqual([
      '  ⠋ HealthCheckNewRelay                                25.0 s  asked 3 times',
      '  ⠋ VerifyCounts                                        0.5 s  1 of 3 done',
      '  ⠋ VerifyTable kv                                      0.2 s  asked 2 times  after Throttled',
      '      copied sphere_relay__events',
      '      █████████░░░░░░░░░░░░░░░░░░░░░ 1,200,000 of 3,902,000 rows  30%  0:42 left  64,495 rows/s',
      '    Write stop 1:51, deadline 15:00',
    ]);
    expect(drawn(state, 49)).toEqual([
      '  ⠋ HealthCheckNewRelay    25.0 s  asked 3 times',
      '  ⠋ VerifyCounts            0.5 s  1 of 3 done',
      '  ⠋ VerifyTable kv          0.2 s  asked 2 times…',
      '      copied sphere_relay__events',
      '      ███░░░░░░░ 1,200,000 of 3,902,000 rows  30%',
      '    Write stop 1:51, deadline 15:00',
    ]);
  });

  it('turns its spinner from frame to frame', () => {
    const at = (frame: number) => liveBlock({ ...EMPTY, running: [running()] }, { columns: 99, frame, colors: PLAIN });
    expect(at(1)).toEqual(['  ⠙ HealthCheckNewRelay                                25.0 s']);
    expect(at(10)).toEqual(drawn({ running: [running()] }, 99));
  });

  it('tells what the rehearsal does before an execution begins', () => {
    expect(drawn({ preparingSeconds: 3.26 }, 49)).toEqual(['  ⠋ Preparing               3.3 s']);
  });

  it.each([
    [{ seconds: 42, deadlineSeconds: null, over: false }, '    Write stop 0:42'],
    [{ seconds: 3_723, deadlineSeconds: null, over: true }, '    Write stop 1:02:03, ended'],
    [{ seconds: 910, deadlineSeconds: 900, over: false }, '    Write stop 15:10, deadline 15:00 passed'],
  ])('writes the write stop %j as time', (writeStop, line) => {
    expect(drawn({ writeStop }, 99)).toEqual([line]);
  });

  it('counts the states for which there is no place', () => {
    const lines = drawn({ running: Array.from({ length: 40 }, () => running()) }, 99);
    expect(lines.length).toBe(9);
    expect(lines.at(-1)).toBe('    and 32 more');
  });

  it.each([
    [200, PLAIN],
    [99, COLORED],
    [49, COLORED],
    [20, COLORED],
    [7, COLORED],
    [1, COLORED],
    [0, COLORED],
  ])('has no line wider than %i columns, whatever the names', (columns, colors) => {
    const long = 'ä漢字👩‍👩‍👧'.repeat(40);
    const lines = drawn(
      {
        preparingSeconds: 1e9,
        running: [running({ name: long, table: long, retries: 1e6, error: long })],
        tables: [{ ...table, table: long, rows: 1e15, total: 1 }],
        writeStop: { seconds: 1e9, deadlineSeconds: 1, over: true },
      },
      columns,
      colors,
    );
    expect(lines.filter((line) => stringWidth(line) > columns)).toEqual([]);
  });

  it('shows the control characters of names and errors as text', () => {
    const evil = 'a\x1b[2J\r\n\x07\x9b1A\u202eb';
    expect(
      drawn({ running: [running({ name: evil, error: evil })], tables: [{ ...table, table: evil }] }, 160),
    ).toEqual([
      '  ⠋ a\\x1b[2J\\r\\n\\x07\\x9b1A\\u202eb                      25.0 s  after a\\x1b[2J\\r\\n\\x07\\x9b1A\\u202eb',
      '      copied a\\x1b[2J\\r\\n\\x07\\x9b1A\\u202eb',
      '      █████████░░░░░░░░░░░░░░░░░░░░░ 1,200,000 of 3,902,000 rows  30%  0:42 left  64,495 rows/s',
    ]);
  });
});
