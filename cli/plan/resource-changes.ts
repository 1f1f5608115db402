import { isDeepStrictEqual } from 'node:util';
import { isObject, type TemplateModel } from '../../lambdas/template-edits/document.ts';
import { references } from '../../lambdas/template-edits/references.ts';
import { requiresRecreation } from '../../rehearsal/cloudformation/recreation.ts';
import type { Json, JsonObject } from '../../statemachine/asl.ts';

/** What a change set will have of one resource, as far as the two templates say it. */
export interface ResourceChange {
  action: 'Add' | 'Modify' | 'Remove';
  logicalId: string;
  type: string;
  /** Where the texts differ, below the resource: `Properties.ContainerDefinitions[zooid-relay].Secrets`. */
  paths: string[];
  /** A new resource comes in place of the old one, as a task definition gets a new revision. */
  replacement: boolean;
  /** Removed from the stack, but not deleted. */
  kept: boolean;
}

/** A template, and the values that its parameters have. */
export interface ValuedTemplate {
  text: string;
  model: TemplateModel;
  values: Map<string, string>;
}

/** Of these CloudFormation makes no change. */
const NO_CHANGE = ['Type', 'DependsOn'];

/**
 * Compares two templates as CloudFormation does, in the order of logical ids: by what properties are once the parameters have
 * their values, and by what becomes of the resources that they refer to. What only echoes a change (an attribute of a resource
 * that changes in place) is left out.
 */
export function resourceChanges(before: ValuedTemplate, after: ValuedTemplate): ResourceChange[] {
  const changed = new Set(
    [...after.values].filter(([name, value]) => before.values.get(name) !== value).map(([name]) => name),
  );
  const [old, next] = [withValues(before), withValues(after)];
  const replaced = new Set<string>();
  for (;;) {
    const seen = replaced.size;
    const isTouched = (name: string): boolean => replaced.has(name) || changed.has(name);
    const ids = [...new Set([...Object.keys(old), ...Object.keys(next)])].sort();
    const changes = ids.flatMap((id) => changeOf(id, old[id], next[id], isTouched) ?? []);
    for (const { logicalId, replacement } of changes) if (replacement) replaced.add(logicalId);
    // A resource that is replaced gives those that refer to it another id.
    if (replaced.size === seen) return changes;
  }
}

function changeOf(
  logicalId: string,
  before: JsonObject | undefined,
  after: JsonObject | undefined,
  isTouched: (name: string) => boolean,
): ResourceChange | undefined {
  const type = String((after ?? before)?.Type);
  const same = { logicalId, type, paths: [], replacement: false, kept: false };
  if (after === undefined) return { ...same, action: 'Remove', kept: before?.DeletionPolicy === 'Retain' };
  if (before === undefined) return { ...same, action: 'Add' };
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((key) => !NO_CHANGE.includes(key));
  const paths = keys.flatMap((key) => changedPaths(before[key], after[key], isTouched, key));
  if (paths.length === 0) return undefined;
  const properties = paths.flatMap((path) => /^Properties\.([A-Za-z0-9]+)/.exec(path)?.[1] ?? []);
  const replacement = properties.some((property) => requiresRecreation(type, property) === 'Always');
  return { ...same, action: 'Modify', paths, replacement };
}

function changedPaths(
  before: Json | undefined,
  after: Json | undefined,
  isTouched: (name: string) => boolean,
  path: string,
): string[] {
  const [old, next] = [entriesOf(before), entriesOf(after)];
  if (old === undefined || next === undefined) {
    const isChanged = !isDeepStrictEqual(before, after) || references(after).some(({ name }) => isTouched(name));
    return isChanged ? [path] : [];
  }
  return [...new Set([...old.keys(), ...next.keys()])].flatMap((key) =>
    changedPaths(old.get(key), next.get(key), isTouched, `${path}${key}`),
  );
}

/** What a path can go down into: a mapping, and a list of mappings that have names of their own. */
function entriesOf(value: Json | undefined): Map<string, Json> | undefined {
  if (Array.isArray(value)) {
    const names = value.map((item) => (isObject(item) ? (item.Name ?? item.Key) : undefined));
    if (!names.every((name) => typeof name === 'string') || new Set(names).size < names.length) return undefined;
    return new Map(value.map((item, index) => [`[${names[index]}]`, item]));
  }
  if (!isObject(value) || isIntrinsic(value)) return undefined;
  return new Map(Object.entries(value).map(([key, inner]) => [`.${key}`, inner as Json]));
}

function isIntrinsic(value: JsonObject): boolean {
  const [key, ...others] = Object.keys(value);
  return others.length === 0 && key !== undefined && (key === 'Ref' || key === 'Condition' || key.startsWith('Fn::'));
}

/** The resources, with the values of parameters in place of `Ref`; numbers as text, since a value of a parameter is one. */
function withValues({ model, values }: ValuedTemplate): Record<string, JsonObject> {
  const put = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(put);
    if (!isObject(value)) return typeof value === 'number' ? String(value) : value;
    if (isIntrinsic(value) && typeof value.Ref === 'string') return values.get(value.Ref) ?? value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, put(inner as Json)]));
  };
  return Object.fromEntries(Object.entries(model.Resources).map(([id, body]) => [id, put(body) as JsonObject]));
}
