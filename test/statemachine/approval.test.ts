import { describe, expect, it } from 'vitest';
import { type Execution, TaskFailure } from '../../rehearsal/interpreter/execution.ts';
import type { Json, JsonObject } from '../../statemachine/asl.ts';
import { cutoverMachine } from '../../statemachine/cutover/cutover.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import { type Cloud, called, cloudOf, halting, LOADED_AT, PREVIEW, redriven, start as startMachine } from './cloud.ts';

const settings = parseSettings();
const machine = cutoverMachine(settings);
const start = (cloud: Cloud, input: Json = { approve: true }): Execution => startMachine(machine, cloud, input);
const ANSWER = { by: 'Ada', at: '2026-01-01T00:00:00.000Z' };

type Before = Cloud['before'];

/** A cloud in which people give one answer after another to AskApproval, and then none. */
function answered(answers: ((cloud: Cloud, token: string) => void)[], before: Before = () => undefined): Cloud {
  const cloud = cloudOf({
    before: (state, times, payload) => {
      if (state === 'AskApproval') answers[times - 1]?.(cloud, payload.token as string);
      return before(state, times, payload);
    },
  });
  return cloud;
}

const approve = ({ taskTokens }: Cloud, token: string) => taskTokens.succeed(token, ANSWER);
const reject = ({ taskTokens }: Cloud, token: string) => taskTokens.fail(token, 'ApprovalRejected', 'Ada said no');
const names = ({ calls }: Cloud) => calls.map(({ state }) => state);

describe('a cutover with approve: true', () => {
  it('shows the plan, and looks at everything once more when it is approved', async () => {
    const cloud = answered([approve]);
    const execution = start(cloud);
    expect((await execution.done).status).toBe('SUCCEEDED');
    expect(names(cloud).slice(0, 7)).toEqual([
      ...['TakeLock', 'Preflight', 'ReadAuthority', 'AskApproval'],
      ...['Preflight', 'ReadAuthority', 'RecordPlan'],
    ]);
    expect(called(cloud, 'AskApproval')).toEqual([
      {
        token: expect.stringMatching(/^[0-9a-f-]{36}$/),
        execution: execution.arn,
        timeoutSeconds: 43_200,
        stackName: settings.stackName,
        plan: { domain: 'relay.test', preview: PREVIEW, rows: 2, expectedWriteStopSeconds: 10 + 2 * 60 + 90 + 13 },
      },
    ]);
  });

  it.each([
    ['no such key', {}],
    ['false', { approve: false }],
    ['a word', { approve: 'yes' }],
    ['no object', ['approve']],
  ])('asks nobody when the input has %s', async (_, input) => {
    const cloud = answered([]);
    expect((await start(cloud, input).done).status).toBe('SUCCEEDED');
    expect(called(cloud, 'AskApproval')).toEqual([]);
    expect(called(cloud, 'Preflight')).toHaveLength(1);
  });

  it('ends with nothing changed when it is rejected, and does not ask again', async () => {
    const cloud = answered([reject, approve]);
    expect(await start(cloud).done).toMatchObject({
      error: 'PreflightFailed',
      cause: 'Nothing was changed; the relay runs as before. AskApproval failed with ApprovalRejected: Ada said no',
    });
    expect(names(cloud).slice(-2)).toEqual(['AskApproval', 'ReleaseUnchanged']);
  });

  it('ends with nothing changed when nobody answers in time', async () => {
    const cloud = answered([]);
    cloud.seconds.AskApproval = settings.approvalTimeoutSeconds + 1;
    expect(await start(cloud).done).toMatchObject({
      error: 'PreflightFailed',
      cause:
        'Nothing was changed; the relay runs as before. AskApproval failed with ApprovalTimedOut: nobody approved or rejected the cutover within 43200 s; start a new one when somebody is there to approve it',
    });
    expect(called(cloud, 'AskApproval')).toHaveLength(1);
    expect(names(cloud)).not.toContain('RecordPlan');
  });

  it('asks again with a new token when the question could not be put', async () => {
    const cloud = answered([() => undefined, approve], (state, times) => {
      if (state === 'AskApproval' && times === 1) throw new TaskFailure('Lambda.ServiceException', 'try again');
      return undefined;
    });
    expect((await start(cloud).done).status).toBe('SUCCEEDED');
    const tokens = called(cloud, 'AskApproval').map((payload) => (payload as JsonObject).token);
    expect(new Set(tokens).size).toBe(2);
  });

  it('changes nothing when the plan is another one after the answer', async () => {
    const preview = { ...PREVIEW, drainSecondsMax: 330 };
    const cloud = answered([approve], (state, times) =>
      state === 'Preflight' && times === 2 ? { ...plan, preview } : undefined,
    );
    expect(await start(cloud).done).toMatchObject({
      error: 'PreflightFailed',
      cause:
        'Nothing was changed; the relay runs as before. NeedsApproval failed with PlanChanged: what the cutover would change is not any more what Ada approved at 2026-01-01T00:00:00.000Z: somebody has changed the stack, the relay or the new image meanwhile; start again, and look at the new plan',
    });
    expect(called(cloud, 'RecordPlan')).toEqual([]);
  });

  it('changes nothing when the load has grown too old meanwhile', async () => {
    const old = { holder: 'source', runId: 'run', loadedAt: '2020-01-01T00:00:00.000Z', loadedRows: 2, loadSeconds: 1 };
    const cloud = answered([approve], (state, times) => (state === 'ReadAuthority' && times === 2 ? old : undefined));
    const ended = await start(cloud).done;
    expect(ended).toMatchObject({ error: 'PreflightFailed' });
    expect(ended.cause).toContain('IsPrepared failed with NotPrepared: the newest verified load is of 2020-01-01');
    expect(LOADED_AT).not.toBe(old.loadedAt);
  });

  it('that holds stands still when it is rejected, and a redrive asks anew', async () => {
    const world = { broken: [] as string[] };
    const held = halting(() => world.broken);
    const cloud = answered([approve, reject, approve], held.before);
    // Approved once, then refused before anything was changed: what is begun anew is asked for anew.
    world.broken = ['RecordPlan'];
    const execution = start(cloud, { approve: true, onFailure: 'hold' });
    expect(await execution.done).toMatchObject({ error: 'HeldForOperator' });
    world.broken = [];
    expect(await redriven(execution)).toMatchObject({ error: 'HeldForOperator' });
    expect(called(cloud, 'HoldUnchanged').at(-1)).toMatchObject({ failure: { error: 'ApprovalRejected' } });
    expect((await redriven(execution)).status).toBe('SUCCEEDED');
    expect(called(cloud, 'AskApproval')).toHaveLength(3);
  });
});

const plan = {
  ...{ cluster: 'cluster', service: 'service', family: 'relay', domain: 'relay.test', oldTaskDefinition: 'old' },
  migration: { taskDefinition: 'migrate:1', subnets: ['subnet-1'], securityGroups: ['sg-1'] },
  rollback: { taskDefinition: 'rollback:1' },
  target: { host: 'db.example', port: 5432, database: 'zooid' },
  ...{ newImage: 'relay', samples: [], lastChangeSet: null },
};
