import validate from 'asl-validator';
import { describe, expect, it } from 'vitest';
import { TaskFailure } from '../../rehearsal/interpreter/execution.ts';
import type { Json, State } from '../../statemachine/asl.ts';
import { withFunctions } from '../../statemachine/definition.ts';
import { restoreMachine } from '../../statemachine/restore/restore.ts';
import { parseSettings } from '../../statemachine/settings.ts';
import { type Cloud, called, cloudOf, failing, OLD, redriven, SAMPLE, start } from './cloud.ts';
import { brokenWays, catchersOf, statesBetween, unassignedReads } from './graph.ts';

const machine = restoreMachine(parseSettings());
const PLAN = {
  execution: 'of-the-cutover',
  cluster: 'cluster',
  service: 'service',
  family: 'relay',
  domain: 'relay.test',
  migration: { subnets: ['subnet-1'], securityGroups: ['sg-1'] },
  rollback: { taskDefinition: 'rollback:1' },
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
    const cloud = cloudWith(TAKEN, failing('AskAuthority', 'AwaitAuthority'));
    expect(await start(machine, cloud, {}).done).toMatchObject({ status: 'FAILED', error: 'Boom' });
    expect(called(cloud, 'ScaleUpOldRelay')).toEqual([]);
  });

  const uncaught = statesBetween(machine, 'TakeOver', 'Restored').filter(
    (name) => machine.States[name]?.Type === 'Task' && catchersOf(machine.States[name] as State).length === 0,
  );
  it.each(uncaught.filter((name) => name !== 'HoldOnTarget'))(
    'stays at %s when that fails, and a redrive goes on from there',
    async (state) => {
      let broken = true;
      const cloud = cloudWith(TAKEN, {
        holder: 'target',
        before: (name) => {
          if (broken && name === 'AskAuthority' && state === 'AwaitAuthority') return failing(name).before(name);
          return broken ? failing(state).before(name) : undefined;
        },
      });
      const execution = start(machine, cloud, {});
      expect(await execution.done).toMatchObject({ status: 'FAILED', error: 'Boom' });
      broken = false;
      expect(await redriven(execution)).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'Restored' } });
    },
  );

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
