import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Integration, TaskCall } from '../../rehearsal/interpreter/execution.ts';
import type { JsonObject, StateMachine } from '../../statemachine/asl.ts';
import { machineOf, task } from '../interpreter/machine.ts';
import { CTRL_C, inTerminal, pythonIsMissing, SPINNER } from '../support/in-terminal.ts';
import { runProgram } from '../support/run-program.ts';
import { type Endpoint, executionArn, startEndpoint } from '../support/step-functions-endpoint.ts';

const TASK = 'arn:aws:ecs:me-central-1:123456789012:task/relay/4711';
const SUBMITTED = { Tasks: [{ TaskArn: TASK, TaskDefinitionArn: 'migration:1' }] };

/** A cutover as small as one can be: it runs the migrator, which may fail, and ends in its own words. */
const CUTOVER: StateMachine = machineOf({
  Preflight: task({ Arguments: { FunctionName: 'preflight' }, Next: 'RunMigrator' }),
  RunMigrator: task({
    Resource: 'arn:aws:states:::ecs:runTask.sync',
    Next: 'CutoverComplete',
    Catch: [{ ErrorEquals: ['Broken'], Next: 'RolledBack' }],
  }),
  RolledBack: { Type: 'Fail', Error: 'RolledBack', Cause: 'The old relay serves again.\nBecause of a test.' },
  CutoverComplete: {
    Type: 'Succeed',
    Output: {
      outcome: 'CutoverComplete',
      tables: [{ table: 'kv', verdict: 'verified', target: { rows: 1234, digest: '' } }],
      quarantinedRows: 0,
      commit: 'Commit the template.',
    },
  },
});
const RESTORE: StateMachine = machineOf({
  Restored: { Type: 'Succeed', Output: { outcome: 'Restored', sentence: 'The old relay serves.' } },
});

let endpoint: Endpoint;
/** Does the work of the migrator. */
let migrate: (call: TaskCall) => Promise<void>;

const integration: Integration = async (call) => {
  if (call.resource.endsWith('runTask.sync')) {
    call.submitted(SUBMITTED);
    await migrate(call);
  }
  return {};
};

beforeEach(async () => {
  migrate = async () => {};
  endpoint = await startEndpoint({ cutover: CUTOVER, restore: RESTORE }, integration);
});
afterEach(() => endpoint.close());

/** In this process: a program of its own takes seconds to start, and `in a terminal` below there is one. */
const program = (...args: string[]) => runProgram(args, endpoint.environment);

const named = (error: string): Error => Object.assign(new Error('on purpose'), { name: error });
const withoutTimes = (text: string): string =>
  text.replace(/\d\d:\d\d:\d\d|\d{4}-\d\d-\d\d /g, '').replace(/ +\d+\.\d s/g, ' s');
const events = (output: string): JsonObject[] =>
  output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as JsonObject);

describe('relay-cutover start', () => {
  it('starts the machine by its alias, follows it, and tells how it ended', async () => {
    const { code, output, errors } = await program(
      'start',
      '--yes',
      '--name',
      'one',
      '--comment',
      'a test',
      '--interval',
      '0.1',
    );
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    const arn = executionArn('cutover', 'one');
    expect(withoutTimes(output).split('\n')).toEqual([
      'Started one of cutover',
      `  ${arn}`,
      `  https://me-central-1.console.aws.amazon.com/states/home?region=me-central-1#/v2/executions/details/${arn}`,
      '- The state machine "cutover" begins',
      '  ✔ Preflight s',
      '  ✔ RunMigrator s',
      '  ✔ CutoverComplete s',
      'CutoverComplete: The relay serves from PostgreSQL: 1,234 rows in 1 table(s) were compared one by one and are equal.',
      '  Commit the template.',
      '',
    ]);
    expect(endpoint.started.map(({ input }) => input)).toEqual(['{"comment":"a test"}']);
  });

  it('is the same execution under the same name, and nothing is asked or started beside it', async () => {
    migrate = ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const first = await program('start', '--yes', '--name', 'one', '--detach', '--json');
    const again = await program('start', '--name', 'one', '--detach', '--json');
    expect([first.code, again.code]).toEqual([0, 0]);
    expect(again.output).toBe(first.output);
    expect(JSON.parse(first.output)).toEqual({
      event: 'started',
      machine: 'cutover',
      name: 'one',
      arn: executionArn('cutover', 'one'),
    });
    expect(await program('start', '--yes', '--name', 'two')).toEqual({
      code: 2,
      output: '',
      errors:
        'Refused: The execution one of cutover is under way, and one at a time may change the relay. Nothing was started. Follow it: relay-cutover watch one\n',
    });
    expect(endpoint.started).toHaveLength(1);
  });

  it('starts nothing under the name of an execution that has ended', async () => {
    await program('start', '--yes', '--name', 'one', '--interval', '0.1');
    expect(await program('start', '--yes', '--name', 'one')).toEqual({
      code: 2,
      output: '',
      errors:
        'Refused: There is an execution one of cutover already; it has ended, or was started with another input. Nothing was started. Look at it: relay-cutover history one; or choose another --name for "relay-cutover start".\n',
    });
  });

  it('starts nothing where nobody can confirm it', async () => {
    expect(await program('start')).toEqual({
      code: 2,
      output: '',
      errors:
        'Refused: Nobody is here to confirm the start of cutover for the stack sphere-zooid-relay. Nothing was started. Say --yes where no one can be asked.\n',
    });
    expect(endpoint.started).toEqual([]);
  });

  it('says with --dry-run what it would start', async () => {
    const { code, output } = await program('start', '--dry-run', '--hold', '--approve');
    expect(code).toBe(0);
    expect(output).toBe(
      'Would start arn:aws:states:me-central-1:123456789012:stateMachine:sphere-zooid-relay-cutover:live with {"onFailure":"hold","approve":true}. The relay stops, and serves again after the write stop, from PostgreSQL or, if anything is wrong, from SQLite.\n',
    );
    expect(endpoint.started).toEqual([]);
  });

  it('refuses a machine that is not deployed', async () => {
    expect(await program('finalize', '--yes')).toMatchObject({
      code: 2,
      errors:
        'Refused: The stack sphere-zooid-relay-cutover has no machine finalize. Expected its output FinalizeStateMachine. Deploy it anew with "relay-cutover deploy".\n',
    });
  });

  it('names the permission that is missing, and where the stack is not', async () => {
    const message =
      'User: arn:aws:iam::123456789012:user/ada is not authorized to perform: states:StartExecution on resource: arn:x because no identity-based policy allows it';
    endpoint.failures.set('StartExecution', { name: 'AccessDeniedException', message, times: 1 });
    expect(await program('start', '--yes')).toEqual({
      code: 2,
      output: '',
      errors:
        'Refused: Whoever your credentials sign in as may not call states:StartExecution on arn:x in me-central-1. Let them, or sign in as somebody who may.\n',
    });
    const absent = 'Stack with id sphere-zooid-relay-cutover does not exist';
    endpoint.failures.set('DescribeStacks', { name: 'ValidationError', message: absent, times: 1 });
    expect(await program('status')).toEqual({
      code: 2,
      output: '',
      errors:
        'Refused: There is no stack sphere-zooid-relay-cutover in me-central-1. Expected the stack of the state machines. Deploy it with "relay-cutover deploy", or correct --settings, --region and --profile.\n',
    });
  });
});

describe('relay-cutover watch', () => {
  it('tells a program everything as JSON lines, the rows of the migrator too', async () => {
    migrate = async () => {
      const rows = { event: 'rows', verb: 'compared', table: 'kv', rows: 2, total: 2, rowsPerSecond: 4, etaSeconds: 0 };
      endpoint.logs.set('migrate/migrate/4711', [JSON.stringify({ ...rows, done: true })]);
      throw named('Broken');
    };
    await program('start', '--yes', '--name', 'one', '--detach');
    const { code, output } = await program('watch', 'one', '--json', '--interval', '0.1');
    expect(code).toBe(1);
    const said = events(output);
    expect(said.map(({ event }) => event)).toEqual(['execution', 'state', 'migrator', 'state', 'state', 'ended']);
    expect(said[2]).toMatchObject({ kind: 'rows', table: 'kv', rows: 2, rowsPerSecond: 4 });
    expect(said[3]).toMatchObject({ machine: 'cutover', record: { name: 'RunMigrator', error: 'Broken' } });
    expect(said[5]).toEqual({
      event: 'ended',
      machine: 'cutover',
      name: 'one',
      outcome: 'RolledBack',
      sentence: 'The old relay serves again.\nBecause of a test.',
      next: ['Once the cause is removed: relay-cutover start'],
      exitCode: 1,
    });
  });

  it('goes on when AWS could not be asked for a moment, and without the log of the migrator', async () => {
    endpoint.failures.set('GetLogEvents', { name: 'AccessDeniedException', message: 'not you', times: 1 });
    await program('start', '--yes', '--name', 'one', '--detach');
    endpoint.failures.set('GetExecutionHistory', { name: 'ThrottlingException', message: 'Rate exceeded', times: 1 });
    const { code, output } = await program('watch', '--interval', '0.1');
    expect(code).toBe(0);
    expect(output).toContain('- AWS could not be asked and is asked again: Rate exceeded\n');
    expect(output).toContain("- The migrator's log cannot be read and is left out: not you\n");
    expect(output).toContain('CutoverComplete: ');
  });

  it('refuses what is no execution', async () => {
    expect(await program('watch')).toMatchObject({
      code: 2,
      errors:
        'Refused: No execution of prepare, cutover, restore, rollback, finalize is known in the account for the stack sphere-zooid-relay; Step Functions keeps them for 90 days. Start one with "relay-cutover prepare".\n',
    });
    expect(await program('watch', 'nobody')).toMatchObject({
      code: 2,
      errors:
        'Refused: There is no execution named "nobody" of the stack sphere-zooid-relay. Expected an execution\'s ARN or name, or a machine (prepare, cutover, restore, rollback, finalize) for its newest one. "relay-cutover status" lists the newest ones.\n',
    });
    expect(await program('watch', 'arn:x')).toMatchObject({
      code: 2,
      errors:
        'Refused: "arn:x" is not the ARN of an execution. Expected arn:aws:states:<region>:<account>:execution:<machine>:<name>.\n',
    });
  });
});

describe('relay-cutover status, history and redrive', () => {
  it('tell of an execution that failed, and let it go on where it stopped', async () => {
    migrate = async () => {
      throw named('Interrupted');
    };
    await program('start', '--yes', '--name', 'one', '--interval', '0.1');
    expect(withoutTimes((await program('status')).output).split('\n')).toEqual([
      'Stack sphere-zooid-relay in me-central-1',
      '  prepare   never started',
      '  cutover   Interrupted     UTC  one',
      '  restore   never started',
      '  rollback  never started',
      '  finalize  never started',
      'Interrupted: on purpose',
      '  It ended without an ending of its own: the machine restore sees to it that a relay serves. Follow it by: relay-cutover watch restore',
      '',
    ]);
    migrate = async () => {};
    const redriven = await program('redrive', '--interval', '0.1');
    expect(redriven).toMatchObject({ code: 0, errors: '' });
    expect(redriven.output).toMatch(/^Redrove one of cutover\n/);
    expect(await program('redrive', 'cutover')).toEqual({
      code: 2,
      output: '',
      errors: 'Refused: The execution one of cutover ended well. There is nothing to redrive.\n',
    });
    const history = withoutTimes((await program('history')).output).split('\n');
    expect(history).toEqual([
      'one of cutover: began  UTC, ended  UTC, redriven once',
      `  ${executionArn('cutover', 'one')}`,
      '  input {}',
      '- The state machine "cutover" begins',
      '  ✔ Preflight s',
      '  ✘ RunMigrator s  Interrupted',
      '- The state machine "cutover" goes on where it stopped (redrive 1)',
      '  ✔ RunMigrator s  asked 2 times',
      '  ✔ CutoverComplete s',
      'CutoverComplete: The relay serves from PostgreSQL: 1,234 rows in 1 table(s) were compared one by one and are equal.',
      '  Commit the template.',
      '',
    ]);
    const audit = JSON.parse((await program('history', 'one', '--json')).output);
    expect(audit).toMatchObject({
      machine: 'cutover',
      redrives: 1,
      ending: { outcome: 'CutoverComplete', exitCode: 0 },
    });
    expect(audit.history).toHaveLength(endpoint.started[0]?.execution.history.length as number);
    const status = JSON.parse((await program('status', '--json')).output);
    expect(status.machines).toMatchObject([{ machine: 'cutover', status: 'SUCCEEDED', redrives: 1, states: [] }]);
  });
});

describe.skipIf(pythonIsMissing)('relay-cutover in a terminal (needs python3 with its module pty)', () => {
  const typed = (text: string): [string, string] => ["Type the stack's name to go on: ", text];

  it('asks for the name of the stack, and starts nothing for another one', async () => {
    const { code, output } = await inTerminal(['start', '--name', 'one'], {
      columns: 200,
      typed: [typed('sphere\r')],
      environment: endpoint.environment,
    });
    expect(code).toBe(2);
    expect(output).toContain(
      'This starts cutover for sphere-zooid-relay in me-central-1. The relay stops, and serves again',
    );
    expect(output).toContain('Refused: "sphere" is not sphere-zooid-relay. Nothing was started.');
    expect(endpoint.started).toEqual([]);
  });

  it('shows what goes on, and leaves the execution running after Ctrl-C', async () => {
    migrate = ({ signal }) => {
      const rows = {
        event: 'rows',
        verb: 'copied',
        table: 'kv',
        rows: 500,
        total: 1000,
        rowsPerSecond: 250,
        etaSeconds: 2,
      };
      endpoint.logs.set('migrate/migrate/4711', [JSON.stringify({ ...rows, done: false })]);
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    };
    const { code, output, screen } = await inTerminal(['start', '--name', 'one', '--interval', '0.2'], {
      columns: 100,
      typed: [typed('sphere-zooid-relay\r'), ['500 of 1,000 rows', CTRL_C]],
      environment: endpoint.environment,
    });
    expect(code).toBe(130);
    expect(output).toMatch(new RegExp(`${SPINNER.source} RunMigrator +\\d`));
    expect(output).toMatch(/█+░+ 500 of 1,000 rows {2}50% {2}0:02 left {2}250 rows\/s/);
    expect(screen.text).not.toMatch(SPINNER);
    expect(screen.cursorVisible).toBe(true);
    expect(screen.text.trimEnd().split('\n').at(-1)).toBe(
      'The execution one goes on. Follow it: relay-cutover watch one',
    );
    expect(endpoint.started.map(({ execution }) => execution.status)).toEqual(['RUNNING']);
  });
});
