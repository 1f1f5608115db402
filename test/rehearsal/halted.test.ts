import { describe, expect, it } from 'vitest';
import { relayService, withMigrator } from '../../rehearsal/fault-means.ts';
import type { Stage } from '../../rehearsal/stage.ts';
import { publishOnce, servedEvents } from '../../rehearsal/writer.ts';
import { part } from '../support/extent.ts';
import { failing } from '../support/failing.ts';
import { rehearsed } from '../support/rehearsed.ts';
import { smallSource } from '../support/small-relay.ts';

/** The operator lets the old relay serve during the halt, as docs/recovery.md allows, and it takes an event. */
async function serveMeanwhile(stage: Stage): Promise<void> {
  const { cluster, service } = relayService(stage);
  await stage.world.ecs.call('UpdateService', { cluster, service, desiredCount: 1 });
  stage.acknowledged.push(await publishOnce(stage.world.endpoint, 'during the halt', stage.options.signal));
}

async function redrive({ stepFunctions }: Stage) {
  const [cutover] = stepFunctions.ofMachine('cutover');
  if (!cutover) throw new Error('no cutover was started');
  stepFunctions.redrive(cutover.execution);
  await stepFunctions.settled();
  return cutover.execution.done;
}

async function expectAllServed({ world, acknowledged }: Stage): Promise<void> {
  expect((await servedEvents(world.endpoint, acknowledged)).size).toBe(acknowledged.length);
  expect(world.writersLog.overlaps).toEqual([]);
}

describe('a halt during which the old relay serves', () => {
  it.concurrent.each(part(['ReadManifest', 'AssertQuiet', 'ExecuteSwitch', 'ProposeSwitch'], 2))(
    'loses none of what it accepted meanwhile: %s',
    async (state) => {
      const fault = failing(state);
      await rehearsed({
        faults: [fault],
        options: { sourceDirectory: smallSource(), onFailure: 'hold' },
        whileItStands: async ({ outcome }, stage) => {
          expect(outcome).toBe('Held');
          await serveMeanwhile(stage);
          fault.repair();
          expect(await redrive(stage)).toMatchObject({ status: 'SUCCEEDED' });
          await expectAllServed(stage);
        },
      });
    },
  );

  it.concurrent('does not take the copy from before the halt for a new one when the migrator does not start', async () => {
    const fault = failing('ProposeSwitch');
    await rehearsed({
      faults: [fault],
      options: { sourceDirectory: smallSource(), onFailure: 'hold' },
      whileItStands: async (_, stage) => {
        await serveMeanwhile(stage);
        fault.repair();
        withMigrator(stage, 'missing');
        expect(await redrive(stage)).toMatchObject({
          error: 'HeldForOperator',
          cause: expect.stringContaining(
            'ReadManifest failed with MigrationFailed: The migrator left no record of a run',
          ),
        });
        expect((await stage.target.query('SELECT holder FROM cutover.authority')).rows).toEqual([{ holder: 'source' }]);
        withMigrator(stage, undefined);
        expect(await redrive(stage)).toMatchObject({ status: 'SUCCEEDED' });
        await expectAllServed(stage);
      },
    });
  });
});
