import { describe, expect, it } from 'vitest';
import { publishOnce, servedEvents } from '../../rehearsal/writer.ts';
import { part } from '../support/extent.ts';
import { failing } from '../support/failing.ts';
import { rehearsed } from '../support/rehearsed.ts';
import { smallSource } from '../support/small-relay.ts';

describe('an execution that was stopped and is redriven after restore has brought the old relay back', () => {
  it.concurrent.each(
    part(
      [
        ...[
          'ScaleDown',
          'RunMigrator',
          'AwaitSwitch',
          'TakeAuthority',
          'ScaleUp',
          'HealthCheckNewRelay',
          'ExecuteSettle',
        ],
        // The way back is undone by a failure, and each of its states may be where somebody stops it.
        ...['StopRelays', 'AwaitRelaysStopped', 'ExecuteRestore', 'ScaleUpOldRelay'],
      ],
      3,
    ),
  )('changes nothing more: %s', async (state) => {
    const { record } = await rehearsed({
      faults: [
        ...(/Relay|Restore/.test(state) && !/New/.test(state) ? [failing('VerifyTable')] : []),
        {
          ...{
            name: 'stopped',
            title: `stopped at ${state}`,
            state,
            when: 'before' as const,
            outcome: 'Restored' as const,
          },
          harm: ({ stepFunctions }) =>
            stepFunctions.ofMachine('cutover')[0]?.execution.stop('StoppedByHand', 'pressed Stop'),
        },
      ],
      options: { sourceDirectory: smallSource() },
      whileItStands: async (judged, stage) => {
        expect(judged.outcome).toBe('Restored');
        const { world, stepFunctions, acknowledged, target } = stage;
        // What only the old relay has: whoever takes the stale copy for the truth loses it.
        acknowledged.push(await publishOnce(world.endpoint, 'after the way back', stage.options.signal));
        const [cutover] = stepFunctions.ofMachine('cutover');
        if (!cutover) throw new Error('no cutover was started');
        stepFunctions.redrive(cutover.execution);
        await stepFunctions.settled();
        expect(await cutover.execution.done).toMatchObject({ status: 'FAILED', error: 'Superseded' });

        const served = await servedEvents(world.endpoint, acknowledged);
        expect(served.size).toBe(acknowledged.length);
        expect((await target.query('SELECT holder FROM cutover.authority')).rows).toEqual([{ holder: 'source' }]);
        expect(world.writersLog.overlaps).toEqual([]);
      },
    });
    expect(record.sentence).toContain('ended as ABORTED (StoppedByHand: pressed Stop), with its work half done.');
  });
});
