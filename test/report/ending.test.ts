import { describe, expect, it } from 'vitest';
import { endingOf } from '../../report/ending.ts';
import type { Json } from '../../statemachine/asl.ts';

const ended = (fields: { machine?: string; status?: string; output?: Json; error?: string; cause?: string }) =>
  endingOf({
    machine: 'cutover',
    name: 'one',
    status: 'FAILED',
    output: null,
    error: null,
    cause: null,
    ...fields,
  } as never);

const REDRIVE = 'Remove the cause, then: relay-cutover redrive one';
const STATES = 'docs/recovery.md says for every state what its failure leaves behind.';

describe('the ending of an execution', () => {
  it('infers nothing from an execution that runs', () => {
    expect(ended({ status: 'RUNNING' })).toEqual({
      outcome: 'RUNNING',
      sentence: 'The execution one of cutover is under way.',
      next: [],
      exitCode: null,
    });
  });

  it('counts what was compared, and names what is in quarantine and what is to be done next', () => {
    const table = { table: 'kv', verdict: 'verified', target: { rows: 1500, digest: '' } };
    const output = { outcome: 'PrepareComplete', tables: [table], quarantinedRows: 2, commit: 'Commit it.' };
    expect(
      ended({ machine: 'prepare', status: 'SUCCEEDED', output: { ...output, cutover: { start: 'Start it.' } } }),
    ).toEqual({
      outcome: 'PrepareComplete',
      sentence:
        'PostgreSQL stands beside the relay, loaded and proven: 1,500 rows in 1 table(s) were compared one by one and are equal; 2 row(s) are in quarantine. The relay serves from SQLite as before.',
      next: ['Start it.', 'Commit it.'],
      exitCode: 0,
    });
    const archive = { outcome: 'FinalizeComplete', archive: { count: 3 }, remaining: ['Retag it.'] };
    expect(ended({ machine: 'finalize', status: 'SUCCEEDED', output: archive })).toMatchObject({
      sentence: '3 file(s) of SQLite are archived and read back, and the file system is out of the stack.',
      next: ['Retag it.'],
    });
    expect(
      ended({ machine: 'restore', status: 'SUCCEEDED', output: { outcome: 'NothingToDo', reason: 'So.' } }),
    ).toMatchObject({
      outcome: 'NothingToDo',
      sentence: 'So.',
    });
    expect(ended({ status: 'SUCCEEDED' })).toMatchObject({
      sentence: 'The execution of cutover ended well.',
      exitCode: 0,
    });
  });

  it.each([
    ['cutover', 'RolledBack', 1, ['Once the cause is removed: relay-cutover start']],
    ['cutover', 'PreflightFailed', 2, ['Once the cause is removed: relay-cutover start']],
    ['rollback', 'NotRolledBack', 1, ['Once the cause is removed: relay-cutover rollback']],
    ['cutover', 'HeldForOperator', 1, [`${REDRIVE}. Or give it up: relay-cutover restore`, STATES]],
    ['prepare', 'HeldForOperator', 1, [REDRIVE, STATES]],
    [
      'prepare',
      'States.Runtime',
      1,
      ['docs/recovery.md says what it leaves behind. Once the cause is removed: relay-cutover redrive one'],
    ],
    [
      'cutover',
      'States.Runtime',
      1,
      [
        'It ended without an ending of its own: the machine restore sees to it that a relay serves. Follow it by: relay-cutover watch restore',
      ],
    ],
  ])('of %s as %s has the exit code %i and says what is next', (machine, error, exitCode, next) => {
    expect(ended({ machine, error, cause: 'Why.' })).toEqual({ outcome: error, sentence: 'Why.', next, exitCode });
  });

  it('reads the message of a function out of its cause, and says the status where nobody gave a cause', () => {
    expect(ended({ error: 'HeldForOperator', cause: '{"errorMessage":"It is held."}' }).sentence).toBe('It is held.');
    expect(ended({ status: 'ABORTED' })).toMatchObject({
      outcome: 'ABORTED',
      sentence: 'The execution one of cutover ended as ABORTED.',
    });
  });
});
