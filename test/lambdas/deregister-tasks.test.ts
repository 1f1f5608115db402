import { describe, expect, it } from 'vitest';
import { createHandler } from '../../lambdas/deregister-tasks.ts';

const arn = (revision: string) => `arn:aws:ecs:me-central-1:123456789012:task-definition/${revision}`;

describe('the tasks of the migrator', () => {
  it('are deregistered, every active revision of their families and of no other, once', async () => {
    const active = new Set(
      ['relay-migrate:1', 'relay-migrate:3', 'relay-migrate-other:1', 'relay-rollback:2'].map(arn),
    );
    const send = async (command: { constructor: { name: string }; input: Record<string, string> }) => {
      const { input } = command;
      if (command.constructor.name === 'DeregisterTaskDefinitionCommand')
        return { gone: active.delete(input.taskDefinition ?? '') };
      expect(input.status).toBe('ACTIVE');
      const found = [...active].filter((one) => one.includes(`/${input.familyPrefix}`));
      // One on each page.
      const at = Number(input.nextToken ?? 0);
      return {
        taskDefinitionArns: found.slice(at, at + 1),
        ...(at + 1 < found.length && { nextToken: String(at + 1) }),
      };
    };
    const handler = createHandler({ ecs: { send } as never });
    const families = ['relay-migrate', 'relay-rollback'];
    expect(await handler({ families })).toEqual({
      deregistered: ['relay-migrate:1', 'relay-migrate:3', 'relay-rollback:2'].map(arn),
    });
    expect([...active]).toEqual([arn('relay-migrate-other:1')]);
    expect(await handler({ families })).toEqual({ deregistered: [] });
  });
});
