import { DeregisterTaskDefinitionCommand, ECSClient, ListTaskDefinitionsCommand } from '@aws-sdk/client-ecs';
import { type Ecs, familyOf } from './ecs-tasks.ts';

export interface DeregisterTasksEvent {
  families: string[];
}

/**
 * Makes the handler that deregisters every active revision of some families of task definitions (runbook step 6). CloudFormation
 * has deregistered its own; what was registered by hand, as the runbook did it, belongs to no stack. It may run twice.
 *
 * @returns the ARNs of what was still active
 */
export function createHandler(dependencies: {
  ecs: Ecs;
}): (event: DeregisterTasksEvent) => Promise<{ deregistered: string[] }> {
  const { ecs } = dependencies;
  return async ({ families }) => {
    const deregistered: string[] = [];
    for (const family of families) {
      for (const taskDefinition of await activeRevisions(ecs, family)) {
        await ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition }));
        deregistered.push(taskDefinition);
      }
    }
    return { deregistered };
  };
}

export const handler = createHandler({ ecs: new ECSClient({}) });

async function activeRevisions(ecs: Ecs, family: string): Promise<string[]> {
  const found: string[] = [];
  let nextToken: string | undefined;
  do {
    const page = await ecs.send(
      new ListTaskDefinitionsCommand({ familyPrefix: family, status: 'ACTIVE', ...(nextToken && { nextToken }) }),
    );
    found.push(...(page.taskDefinitionArns ?? []));
    nextToken = page.nextToken;
  } while (nextToken);
  // A prefix, by its name: whatever else begins like it stays.
  return found.filter((arn) => familyOf(arn) === family);
}
