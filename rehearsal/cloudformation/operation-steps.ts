import { isDeepStrictEqual } from 'node:util';
import type { JsonObject } from '../../statemachine/asl.ts';
import { resolveDynamicReferences } from './dynamic-references.ts';
import { messageOf } from './errors.ts';
import { evaluateObject } from './intrinsics.ts';
import type { ProvidedResource, ResolvedResource } from './provider.ts';
import { requiresRecreation } from './recreation.ts';
import { type ResourceRecord, record, type StackRecord, scopeOf, type World } from './stack.ts';
import type { StackTemplate } from './template.ts';

/** What one operation leads to, and what it has done so far. */
export interface Operation {
  world: World;
  stack: StackRecord;
  next: StackTemplate;
  parameters: Record<string, string>;
  signal: AbortSignal;
  /** What to do to have each finished step undone, in the order of the steps. */
  undo: { logicalId: string; act(): Promise<void> }[];
  /** Resources that the old template had and the new one has elsewhere. */
  outdated: ResourceRecord[];
  /** Resources that this operation has made. */
  created: ResourceRecord[];
  /** The step that ended the operation. */
  failed?: { logicalId: string; verb: 'create' | 'update' };
}

/** Brings one resource to what the new template says: makes it, changes it, replaces it, or leaves it. Rejects as its provider does. */
export async function bring(operation: Operation, logicalId: string): Promise<void> {
  const { world, stack, next, parameters } = operation;
  const template = next.resources[logicalId];
  if (template === undefined) return;
  const current = stack.resources.get(logicalId);
  const verb = current === undefined ? 'create' : 'update';
  const place = { logicalId, physicalId: current?.physicalId ?? '', type: template.type };
  try {
    const properties = evaluateObject(template.properties, scopeOf(world, stack, next, parameters, stack.resources));
    if (current === undefined) await add(operation, { ...place, properties });
    else if (!isDeepStrictEqual(current.properties, properties)) await change(operation, current, properties);
  } catch (error) {
    const cancelled = operation.signal.aborted;
    const status = verb === 'create' ? 'CREATE_FAILED' : 'UPDATE_FAILED';
    record(
      world,
      stack,
      place,
      status,
      cancelled ? `Resource ${verb === 'create' ? 'creation' : 'update'} cancelled` : messageOf(error),
    );
    operation.failed = { logicalId, verb };
    throw error;
  }
}

interface Wanted {
  logicalId: string;
  physicalId: string;
  type: string;
  properties: JsonObject;
}

async function add(operation: Operation, wanted: Wanted): Promise<void> {
  const { stack, world } = operation;
  record(world, stack, wanted, 'CREATE_IN_PROGRESS');
  const made = await make(operation, wanted, undefined);
  record(world, stack, made, 'CREATE_COMPLETE');
  operation.undo.push({
    logicalId: wanted.logicalId,
    act: async () => {
      stack.resources.delete(wanted.logicalId);
    },
  });
}

async function change(operation: Operation, current: ResourceRecord, properties: JsonObject): Promise<void> {
  const { world, stack } = operation;
  const names = new Set([...Object.keys(current.properties), ...Object.keys(properties)]);
  const changed = [...names].filter((name) => !isDeepStrictEqual(current.properties[name], properties[name]));
  const wanted = { ...current, properties };
  if (changed.some((name) => requiresRecreation(current.type, name) === 'Always')) {
    const reason = 'Requested update requires the creation of a new physical resource; hence creating one.';
    record(world, stack, current, 'UPDATE_IN_PROGRESS', reason);
    const made = await make(operation, wanted, current);
    operation.outdated.push(current);
    record(world, stack, made, 'UPDATE_COMPLETE');
    operation.undo.push({
      logicalId: current.logicalId,
      act: async () => void stack.resources.set(current.logicalId, current),
    });
    return;
  }
  record(world, stack, current, 'UPDATE_IN_PROGRESS');
  const given = await resolveDynamicReferences(properties, world.resolveSecret);
  // Before the call: a resource whose update has failed half way is set back too.
  operation.undo.push({ logicalId: current.logicalId, act: () => setBack(operation, current, given) });
  const provided = await untilAborted(operation, (signal) =>
    world.resources.update(resolved(stack, { ...current, given }, current), signal),
  );
  const updated = {
    ...current,
    ...provided,
    properties,
    given,
    status: 'UPDATE_COMPLETE',
    timestamp: world.clock.now(),
  };
  stack.resources.set(current.logicalId, updated);
  record(world, stack, updated, 'UPDATE_COMPLETE');
}

async function setBack({ world, stack }: Operation, old: ResourceRecord, givenMeanwhile: JsonObject): Promise<void> {
  record(world, stack, old, 'UPDATE_IN_PROGRESS');
  const from = stack.resources.get(old.logicalId) ?? old;
  const provided = await world.resources.update(resolved(stack, old, { ...from, given: givenMeanwhile }));
  stack.resources.set(old.logicalId, { ...old, ...provided, timestamp: world.clock.now() });
  record(world, stack, old, 'UPDATE_COMPLETE');
}

async function make(
  operation: Operation,
  wanted: Wanted,
  previous: ResourceRecord | undefined,
): Promise<ResourceRecord> {
  const { world, stack } = operation;
  const given = await resolveDynamicReferences(wanted.properties, world.resolveSecret);
  const provided = await untilAborted(operation, (signal) =>
    world.resources.create(resolved(stack, { ...wanted, given }, previous), signal),
  );
  const { logicalId, type, properties } = wanted;
  const made = {
    logicalId,
    type,
    properties,
    given,
    ...provided,
    status: 'CREATE_COMPLETE',
    timestamp: world.clock.now(),
  };
  stack.resources.set(logicalId, made);
  operation.created.push(made);
  return made;
}

/** A provider that does not listen to the signal must not keep a cancelled update from its rollback. */
async function untilAborted(
  { signal }: Operation,
  act: (signal: AbortSignal) => Promise<ProvidedResource>,
): Promise<ProvidedResource> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    act(signal)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** A resource as its provider gets it. */
export function resolved(
  stack: StackRecord,
  { logicalId, type, given }: Pick<ResourceRecord, 'logicalId' | 'type' | 'given'>,
  previous: ResourceRecord | undefined,
): ResolvedResource {
  const base = { stackName: stack.name, logicalId, type, properties: given };
  if (previous === undefined) return base;
  const { physicalId, attributes } = previous;
  return { ...base, previous: { physicalId, attributes, properties: previous.given } };
}
