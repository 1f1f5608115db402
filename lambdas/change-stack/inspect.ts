import { type Change, type CloudFormationClient, DeleteChangeSetCommand } from '@aws-sdk/client-cloudformation';
import { NotYet, Refused } from '../../statemachine/errors.ts';
import { allowedChanges, guardChanges } from '../change-set-guard.ts';
import { ChangeSetObsolete } from './errors.ts';
import type { ChangeStackDependencies, ChangeStackEvent } from './event.ts';
import { describeChangeSet, withoutSecrets } from './stack.ts';

export interface InspectedChange {
  logicalId: string;
  action: string;
  /** `True`, `False` or `Conditional`; empty for an added or removed resource. */
  replacement: string;
  /** Names of the properties that change; no values. */
  properties: string[];
}

export interface Inspection {
  /** `empty`: CloudFormation found nothing to change, which is as good as done. */
  outcome: 'ready' | 'empty';
  changes: InspectedChange[];
}

/**
 * Looks at a change set before anything is executed. Throws NotYet while it is being made, Refused with every finding when
 * it would do more than the list of its purpose allows (and deletes it), ChangeSetObsolete when the stack has moved on.
 */
export async function inspect(
  { cloudFormation }: ChangeStackDependencies,
  event: ChangeStackEvent,
  changeSet: string,
): Promise<Inspection> {
  const found = await describeChangeSet(cloudFormation, event.stackName, changeSet);
  const status = found.Status ?? 'CREATE_PENDING';
  const reason = withoutSecrets(found.StatusReason ?? 'no reason given');
  if (status === 'CREATE_PENDING' || status === 'CREATE_IN_PROGRESS') {
    throw new NotYet(`The change set ${found.ChangeSetName} is in ${status}. Expected CREATE_COMPLETE; asking again.`);
  }
  if (status === 'FAILED') {
    await remove(cloudFormation, event.stackName, changeSet);
    if (/didn't contain changes|No updates are to be performed/.test(reason)) return { outcome: 'empty', changes: [] };
    throw new Refused(
      `CloudFormation could not make the change set for "${event.purpose}": ${reason} Expected a change set that can be executed. Repair what it names, then redrive.`,
    );
  }
  if (status !== 'CREATE_COMPLETE' || found.ExecutionStatus === 'OBSOLETE') {
    throw new ChangeSetObsolete(
      `The change set ${found.ChangeSetName} is in ${status}, execution status ${found.ExecutionStatus}. Expected CREATE_COMPLETE and AVAILABLE. The stack has changed since: begin again with a new change set.`,
    );
  }
  const changes = found.Changes ?? [];
  const findings = guardChanges(changes, allowedChanges(event.purpose, event.names));
  if (findings.length === 0) return { outcome: 'ready', changes: changes.map(inspected) };
  await remove(cloudFormation, event.stackName, changeSet);
  throw new Refused(
    `ChangeSetRefused: the change set for "${event.purpose}" would do what its list does not allow:\n${findings.map((finding) => `- ${finding}`).join('\n')}\nExpected the changes of this step alone; nothing was executed. Bring the stack and its template in line (a drift or a foreign edit shows here), then start again.`,
  );
}

function inspected({ ResourceChange: change = {} }: Change): InspectedChange {
  const targets = (change.Details ?? []).map(({ Target }) => Target?.Name ?? Target?.Attribute ?? '');
  return {
    logicalId: change.LogicalResourceId ?? '',
    action: change.Action ?? '',
    replacement: change.Replacement ?? '',
    properties: [...new Set(targets)],
  };
}

async function remove(client: CloudFormationClient, stackName: string, changeSet: string): Promise<void> {
  await client.send(new DeleteChangeSetCommand({ StackName: stackName, ChangeSetName: changeSet }));
}
