import { messageOf } from './errors.ts';
import { bring, type Operation, resolved } from './operation-steps.ts';
import {
  outputsOf,
  type ResourceRecord,
  record,
  type StackRecord,
  scopeOf,
  setStackStatus,
  type World,
} from './stack.ts';
import { creationOrder, type StackTemplate } from './template.ts';

/** How long a stack shows a status between two steps, in seconds of the rehearsal's clock. */
const pauseSeconds = 1;

/** Brings a stack to a template and parameter values; gives true, or undoes what it did and gives false. Rejects only when the clock does. */
export async function runOperation(
  world: World,
  stack: StackRecord,
  kind: 'CREATE' | 'UPDATE',
  next: StackTemplate,
  parameters: Record<string, string>,
): Promise<boolean> {
  stack.cancel = new AbortController();
  const { signal } = stack.cancel;
  const operation: Operation = { world, stack, next, parameters, signal, undo: [], outdated: [], created: [] };
  setStackStatus(world, stack, `${kind}_IN_PROGRESS`, 'User Initiated');
  try {
    await world.clock.sleep(pauseSeconds);
    for (const logicalId of creationOrder(next)) {
      signal.throwIfAborted();
      await bring(operation, logicalId);
    }
    signal.throwIfAborted();
    stack.outputs = outputsOf(next, scopeOf(world, stack, next, parameters, stack.resources));
  } catch (error) {
    delete stack.cancel;
    await rollBack(operation, kind, error);
    return false;
  }
  // From here on the update stands: AWS too refuses to cancel it during the cleanup.
  delete stack.cancel;
  if (kind === 'UPDATE') await cleanUp(operation);
  Object.assign(stack, { template: next, parameters });
  setStackStatus(world, stack, `${kind}_COMPLETE`);
  return true;
}

/** What the new template no longer has goes last, in the reverse of its creation, unless its policy keeps it. */
async function cleanUp(operation: Operation): Promise<void> {
  const { world, stack, next } = operation;
  setStackStatus(world, stack, 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS');
  await world.clock.sleep(pauseSeconds);
  const removed = creationOrder(stack.template).filter((logicalId) => next.resources[logicalId] === undefined);
  for (const old of operation.outdated.reverse()) await discard(operation, old, 'UpdateReplacePolicy');
  for (const logicalId of removed.reverse()) {
    const old = stack.resources.get(logicalId);
    stack.resources.delete(logicalId);
    if (old !== undefined) await discard(operation, old, 'DeletionPolicy');
  }
}

/** A resource that cannot be deleted stays behind; as with CloudFormation, the operation's result stands all the same. */
async function discard({ world, stack }: Operation, old: ResourceRecord, policy: string): Promise<void> {
  // RetainExceptOnCreate too: what is discarded here has stood before this operation.
  if (String(stack.template.resources[old.logicalId]?.body[policy]).startsWith('Retain')) {
    record(world, stack, old, 'DELETE_SKIPPED');
    return;
  }
  record(world, stack, old, 'DELETE_IN_PROGRESS');
  try {
    await world.resources.delete(resolved(stack, old, old));
    record(world, stack, old, 'DELETE_COMPLETE');
  } catch (error) {
    record(world, stack, old, 'DELETE_FAILED', messageOf(error));
  }
}

async function rollBack(operation: Operation, kind: 'CREATE' | 'UPDATE', error: unknown): Promise<void> {
  const { world, stack, signal, undo, created, failed } = operation;
  const prefix = kind === 'CREATE' ? 'ROLLBACK' : 'UPDATE_ROLLBACK';
  const reason =
    failed === undefined
      ? messageOf(error)
      : `The following resource(s) failed to ${failed.verb}: [${failed.logicalId}]. `;
  setStackStatus(world, stack, `${prefix}_IN_PROGRESS`, signal.aborted ? 'User Initiated' : reason);
  for (const step of undo.reverse()) {
    try {
      await step.act();
    } catch (undoError) {
      const place = stack.resources.get(step.logicalId);
      if (place !== undefined) record(world, stack, place, 'UPDATE_FAILED', messageOf(undoError));
      const undoReason = `The following resource(s) failed to update: [${step.logicalId}]. `;
      setStackStatus(world, stack, `${prefix}_FAILED`, undoReason);
      return;
    }
  }
  if (kind === 'UPDATE') setStackStatus(world, stack, 'UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS');
  await world.clock.sleep(pauseSeconds);
  for (const made of created.reverse()) await discard(operation, made, 'none');
  setStackStatus(world, stack, `${prefix}_COMPLETE`);
}
