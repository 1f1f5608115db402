import validate from 'asl-validator';
import { describe, expect, it } from 'vitest';
import { TaskFailure } from '../../rehearsal/interpreter/execution.ts';
import type { Json } from '../../statemachine/asl.ts';
import { withFunctions } from '../../statemachine/definition.ts';
import { restoreMachine } from '../../statemachine/restore/restore.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import { WAY_BACK } from '../../statemachine/way-back/way-back.ts';
import { type Cloud, called, cloudOf, halting, OLD, redriven, SAMPLE, start, TARGET } from './cloud.ts';
import { brokenWays, statesBetween, unassignedReads } from './graph.ts';

const machine = restoreMachine(parseSettings());
const PLAN = {
  execution: 'of-the-cutover',
  cluster: 'cluster',
  service: 'service',
  family: 'relay',
  domain: 'relay.test',
  migration: { subnets: ['subnet-1'], securityGroups: ['sg-1'] },
  rollback: { taskDefinition: 'rollback:1' },
  target: TARGET,
  samples: [SAMPLE],
};
const TAKEN = { verdict: 'taken', reason: 'The execution X ended as ABORTED.', takenFrom: 'arn:X', plan: PLAN };

const cloudWith = (takeOver: Json, fields: Partial<Cloud> = {}): Cloud =>
  cloudOf({
    ...fields,
    before: (state, times, payload) =>
      fields.before?.(state, times, payload) ?? (state === 'TakeOver' ? takeOver : undefined),
  });

describe('the machine restore', () => {
  it('is valid, has a way to every state, and reads no variable that has no value', () => {
    const deployed = withFunctions(machine, (name) => `arn:aws:lambda:me-central-1:123456789012:function:${name}:7`);
    expect(validate(structuredClone(deployed)).errorsText()).toBe('');
    expect(brokenWays(machine.StartAt, machine.States)).toEqual({ unreachable: [], missing: [] });
    expect(unassignedReads(machine.StartAt, machine.States)).toEqual([]);
  });

  it('brings the old relay back with the names and samples that the other execution had left', async () => {
    const cloud = cloudWith(TAKEN);
    expect(await start(machine, cloud, { execution: 'arn:X' }).done).toEqual({
      status: 'SUCCEEDED',
      output: {
        outcome: 'Restored',
        sentence: 'The old relay serves from SQLite again and nothing was lost. The execution X ended as ABORTED.',
        takenFrom: 'arn:X',
        writeStop: {
          from: '2026-01-01T00:01:00.000Z',
          until: expect.any(String),
          seconds: expect.any(Number),
          steps: [
            { step: 'template of the old relay', seconds: expect.any(Number) },
            { step: 'start of the relay', seconds: expect.any(Number) },
          ],
        },
      },
    });
    expect(called(cloud, 'TakeOver')).toMatchObject([{ action: 'take-over', from: 'arn:X', force: false }]);
    expect(called(cloud, 'ProposeRestore')).toMatchObject([{ execution: 'of-the-cutover', purpose: 'restore' }]);
    expect(called(cloud, 'HealthCheckOldRelay')).toMatchObject([{ samples: [SAMPLE], taskDefinition: OLD }]);
    expect(called(cloud, 'RunReverse')).toEqual([]);
    expect(cloud.calls.at(-1)?.state).toBe('ReleaseRestored');
  });

  it('brings back what PostgreSQL has when that is the truth', async () => {
    const cloud = cloudWith(TAKEN, { holder: 'target' });
    expect(await start(machine, cloud, {}).done).toMatchObject({
      status: 'SUCCEEDED',
      output: { sentence: expect.stringMatching(/What PostgreSQL had accepted meanwhile was brought back/) },
    });
    const order = cloud.calls.map(({ state }) => state);
    expect(order.indexOf('RunReverse')).toBeGreaterThan(order.indexOf('AwaitRelaysStopped'));
    expect(order.indexOf('ScaleUpOldRelay')).toBeGreaterThan(order.indexOf('ReturnAuthority'));
  });

  it('changes nothing when there is nothing to take over', async () => {
    const nothing = { verdict: 'nothing', reason: 'the lock is free', takenFrom: null, plan: null };
    for (const input of [{ execution: 'arn:X' }, {}, { takeOver: true }, []]) {
      const cloud = cloudWith(nothing);
      expect(await start(machine, cloud, input).done).toEqual({
        status: 'SUCCEEDED',
        output: { outcome: 'NothingToDo', reason: 'the lock is free' },
      });
      expect(cloud.calls.map(({ state }) => state)).toEqual(['TakeOver']);
    }
  });

  it('is told by a person to take over a held execution', async () => {
    const cloud = cloudWith(TAKEN);
    await start(machine, cloud, { takeOver: true }).done;
    expect(called(cloud, 'TakeOver')).toMatchObject([{ from: null, force: true }]);
  });

  it('does not start the old relay while nobody knows who holds the truth', async () => {
    const cloud = cloudWith(
      TAKEN,
      halting(() => ['AskAuthority', 'AwaitAuthority']),
    );
    expect(await start(machine, cloud, {}).done).toMatchObject({ status: 'FAILED', error: 'HeldForOperator' });
    expect(called(cloud, 'ScaleUpOldRelay')).toEqual([]);
  });

  const tasks = statesBetween(machine, WAY_BACK, 'ReleaseRestored').filter(
    (name) => machine.States[name]?.Type === 'Task' && !/^(Hold|TakeOver)/.test(name),
  );
  // The one may go on without an answer, the other be made again: what its manifest says counts.
  it.each(tasks.filter((name) => !['AskAuthority', 'RunReverse'].includes(name)))(
    'halts when %s fails, and a redrive begins anew with the lock',
    async (state) => {
      let broken = state === 'AwaitAuthority' ? ['AskAuthority', state] : [state];
      const cloud = cloudWith(TAKEN, { holder: 'target', ...halting(() => broken) });
      const execution = start(machine, cloud, {});
      expect(await execution.done).toMatchObject({ status: 'FAILED', error: 'HeldForOperator' });
      expect(called(cloud, 'ReleaseRestored')).toEqual([]);
      broken = [];
      expect(await redriven(execution)).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Restored' } });
      expect(called(cloud, 'TakeOver')).toHaveLength(2);
    },
  );

  it('changes nothing more after a halt when somebody else has brought the old relay back', async () => {
    let broken = ['AwaitRestore'];
    let takeOver: Json = TAKEN;
    const cloud = cloudWith(
      TAKEN,
      halting(() => broken),
    );
    const asBefore = cloud.before;
    cloud.before = (state, times, payload) => (state === 'TakeOver' ? takeOver : asBefore(state, times, payload));
    const execution = start(machine, cloud, {});
    await execution.done;
    broken = [];
    takeOver = { verdict: 'nothing', reason: 'it is done', takenFrom: null, plan: null };
    const before = cloud.calls.length;
    expect(await redriven(execution)).toMatchObject({ output: { outcome: 'NothingToDo', reason: 'it is done' } });
    expect(cloud.calls.slice(before).map(({ state }) => state)).toEqual(['HoldRestore', 'TakeOver']);
  });

  it.each([
    [{}, ''],
    [{ allowDeletions: true }, '1'],
  ])('lets the way back delete many rows only when a person says so: %j', async (input, value) => {
    const cloud = cloudWith(TAKEN, { holder: 'target' });
    await start(machine, cloud, input).done;
    expect(JSON.stringify(called(cloud, 'RunReverse'))).toContain(
      `{"Name":"CUTOVER_ALLOW_DELETIONS","Value":"${value}"}`,
    );
  });

  it('fails where it stands when the lock itself cannot be asked', async () => {
    const cloud = cloudWith(TAKEN, {
      before: (state) => {
        if (state !== 'TakeOver') return undefined;
        throw new TaskFailure('Error', '{"errorMessage":"DynamoDB does not answer"}');
      },
    });
    expect(await start(machine, cloud, {}).done).toMatchObject({ status: 'FAILED', error: 'Error' });
  });
});
