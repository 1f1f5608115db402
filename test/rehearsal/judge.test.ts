import { describe, expect, it } from 'vitest';
import { faultNamed } from '../../rehearsal/faults.ts';
import { rehearsed } from '../support/rehearsed.ts';

describe('the judge of a rehearsal', () => {
  it('does not take the word of an execution for it: a lost event, and two relays at once', async () => {
    const { record } = await rehearsed({
      faults: [
        {
          ...faultNamed('second-start'),
          state: 'ProposeSettle',
          async harm(stage) {
            stage.acknowledged.push({ id: 'f'.repeat(64) });
            const old = stage.world.ecs.tasks().find(({ group }) => group.startsWith('service:'));
            const task = stage.world.ecs.runTask({
              cluster: 'cluster',
              taskDefinition: old?.taskDefinitionArn as string,
              group: 'family:by-hand',
            });
            while (task.lastStatus !== 'RUNNING') await new Promise((resolve) => setTimeout(resolve, 20));
          },
        },
      ],
    });
    expect(record).toMatchObject({ outcome: 'ChecksFailed', exitCode: 1 });
    expect(record.executions[0]?.status).toBe('SUCCEEDED');
    expect(record.sentence).toMatch(
      /^Not as it should be: of \d+ acknowledged events the relay serves only \d+; a relay on SQLite was started while a relay on PostgreSQL still ran\.$/,
    );
  });
});
