import { isDeepStrictEqual } from 'node:util';
import { references } from '../../lambdas/template-edits/references.ts';
import type { Json, JsonObject } from '../../statemachine/asl.ts';
import { validationError } from './errors.ts';
import { evaluate, type Scope } from './intrinsics.ts';
import { type RequiresRecreation, requiresRecreation } from './recreation.ts';
import { type StackRecord, scopeOf, type World } from './stack.ts';
import { creationOrder, type StackTemplate, type TemplateResource } from './template.ts';

/** What becomes of a resource, as far as a change set can know it beforehand. */
type Fate = 'added' | 'modified' | 'replaced' | 'perhaps replaced';

interface Comparison {
  stack: StackRecord;
  next: StackTemplate;
  /** Parameters whose value is another than before. */
  changedParameters: Set<string>;
  scope: Scope;
  fates: Map<string, Fate>;
}

/**
 * Compares the stack with a new template and parameter values. Returns what DescribeChangeSet shows as Changes, in the
 * order of logical ids. Source: AWS CloudFormation API, ResourceChange, and outputs of the real service: a changed parameter
 * makes a Static detail by the parameter and a Dynamic one without a cause; Ref of a replaced resource is Static; Fn::GetAtt
 * of a resource that changes in place is Dynamic, though mostly nothing comes of it.
 */
export function computeChanges(
  world: World,
  stack: StackRecord,
  next: StackTemplate,
  parameters: Record<string, string>,
): JsonObject[] {
  assertSameTypes(stack, next);
  const names = new Set([...Object.keys(stack.parameters), ...Object.keys(parameters)]);
  const comparison: Comparison = {
    stack,
    next,
    changedParameters: new Set([...names].filter((name) => stack.parameters[name] !== parameters[name])),
    scope: withUnborn(scopeOf(world, stack, next, parameters, stack.resources), stack),
    fates: new Map(),
  };
  const changes: JsonObject[] = [];
  for (const logicalId of creationOrder(next)) {
    const resource = next.resources[logicalId];
    const change = resource === undefined ? undefined : compareResource(comparison, logicalId, resource);
    if (change !== undefined) changes.push(change);
  }
  const removed = [...stack.resources.keys()].filter((logicalId) => next.resources[logicalId] === undefined);
  changes.push(...removed.map((logicalId) => removal(stack, logicalId)));
  changes.sort((a, b) => (String(a.LogicalResourceId) < String(b.LogicalResourceId) ? -1 : 1));
  return changes.map((ResourceChange) => ({ Type: 'Resource', ResourceChange }));
}

/** Whether outputs differ: a change set may consist of them alone. */
export function outputsDiffer(stack: StackRecord, next: StackTemplate, parameters: Record<string, string>): boolean {
  const changed = Object.keys(parameters).filter((name) => stack.parameters[name] !== parameters[name]);
  const mentioned = references(Object.values(next.outputs)).map(({ name }) => name);
  return !isDeepStrictEqual(stack.template.outputs, next.outputs) || changed.some((name) => mentioned.includes(name));
}

/** What does not exist yet has neither id nor attributes: any value will do that no property has. */
function withUnborn(scope: Scope, stack: StackRecord): Scope {
  const unborn = (name: string) => `{{unknown until ${name} is created}}`;
  const isUnborn = (name: string) => !stack.resources.has(name);
  return {
    region: scope.region,
    ref: (name) => (isUnborn(name) && !isKnown(scope, name) ? unborn(name) : scope.ref(name)),
    attribute: (logicalId, name) => (isUnborn(logicalId) ? unborn(logicalId) : scope.attribute(logicalId, name)),
  };
}

function isKnown(scope: Scope, name: string): boolean {
  try {
    scope.ref(name);
    return true;
  } catch {
    return false;
  }
}

function assertSameTypes({ resources }: StackRecord, next: StackTemplate): void {
  const changed = Object.entries(next.resources).filter(([id, { type }]) => (resources.get(id)?.type ?? type) !== type);
  if (changed.length === 0) return;
  throw validationError(
    `Update of resource type is not permitted. The new template modifies resource type of the following resources: [${changed.map(([id]) => id).join(', ')}]`,
  );
}

function compareResource(
  comparison: Comparison,
  logicalId: string,
  resource: TemplateResource,
): JsonObject | undefined {
  const current = comparison.stack.resources.get(logicalId);
  if (current === undefined) {
    comparison.fates.set(logicalId, 'added');
    return { Action: 'Add', LogicalResourceId: logicalId, ResourceType: resource.type, Scope: [], Details: [] };
  }
  const names = new Set([...Object.keys(current.properties), ...Object.keys(resource.properties)]);
  const details = [
    ...[...names].flatMap((name) => propertyDetails(comparison, logicalId, resource, name)),
    ...attributeDetails(comparison, logicalId, resource),
  ];
  if (details.length === 0) return undefined;
  const replacement = replacementOf(details);
  const fates = { True: 'replaced', Conditional: 'perhaps replaced', False: 'modified' } as const;
  comparison.fates.set(logicalId, fates[replacement]);
  return {
    Action: 'Modify',
    LogicalResourceId: logicalId,
    PhysicalResourceId: current.physicalId,
    ResourceType: resource.type,
    Replacement: replacement,
    Scope: [...new Set(details.map(({ Target }) => Target.Attribute))],
    Details: details,
  };
}

type Detail = JsonObject & {
  Target: { Attribute: string; Name?: string; RequiresRecreation: RequiresRecreation };
  Evaluation: 'Static' | 'Dynamic';
};

function propertyDetails(
  { stack, changedParameters, scope, fates }: Comparison,
  logicalId: string,
  { type, properties }: TemplateResource,
  name: string,
): Detail[] {
  const written: Json | undefined = properties[name];
  const writtenBefore = stack.template.resources[logicalId]?.properties[name];
  const value = written === undefined ? undefined : evaluate(written, scope);
  const Target =
    name === 'Tags'
      ? { Attribute: 'Tags', RequiresRecreation: 'Never' as const }
      : { Attribute: 'Properties', Name: name, RequiresRecreation: requiresRecreation(type, name) };
  const detail = (Evaluation: 'Static' | 'Dynamic', ChangeSource: string, CausingEntity?: string): Detail => ({
    Target,
    Evaluation,
    ChangeSource,
    ...(CausingEntity === undefined ? {} : { CausingEntity }),
  });
  const referred = references(written);
  const byResources = referred.flatMap(({ name: cause, attribute }) => {
    const fate = fates.get(cause);
    if (fate === undefined || (fate === 'modified' && attribute === undefined)) return [];
    if (attribute !== undefined) return [detail('Dynamic', 'ResourceAttribute', `${cause}.${attribute}`)];
    return [detail(fate === 'perhaps replaced' ? 'Dynamic' : 'Static', 'ResourceReference', cause)];
  });
  if (isDeepStrictEqual(value, stack.resources.get(logicalId)?.properties[name])) return byResources;
  const causes = [...new Set(referred.map((reference) => reference.name))].filter((cause) =>
    changedParameters.has(cause),
  );
  const byParameters = causes.map((cause) => detail('Static', 'ParameterReference', cause));
  const byText = isDeepStrictEqual(written, writtenBefore) && causes.length > 0 ? 'Dynamic' : 'Static';
  return [detail(byText, 'DirectModification'), ...byParameters, ...byResources];
}

/** DependsOn is not among them: a change of it alone is no change to CloudFormation. */
function attributeDetails({ stack }: Comparison, logicalId: string, { body }: TemplateResource): Detail[] {
  const attributes = ['CreationPolicy', 'DeletionPolicy', 'Metadata', 'UpdatePolicy', 'UpdateReplacePolicy'];
  const before = stack.template.resources[logicalId]?.body ?? {};
  return attributes
    .filter((name) => !isDeepStrictEqual(body[name], before[name]))
    .map((Attribute) => ({
      Target: { Attribute, RequiresRecreation: 'Never' },
      Evaluation: 'Static',
      ChangeSource: 'DirectModification',
    }));
}

function replacementOf(details: Detail[]): 'True' | 'False' | 'Conditional' {
  const recreating = details.filter(({ Target }) => Target.RequiresRecreation === 'Always');
  if (recreating.some(({ Evaluation }) => Evaluation === 'Static')) return 'True';
  return recreating.length > 0 ? 'Conditional' : 'False';
}

function removal(stack: StackRecord, logicalId: string): JsonObject {
  const resource = stack.resources.get(logicalId);
  const policy = stack.template.resources[logicalId]?.body.DeletionPolicy;
  return {
    Action: 'Remove',
    PolicyAction: typeof policy === 'string' ? policy : 'Delete',
    LogicalResourceId: logicalId,
    PhysicalResourceId: resource?.physicalId ?? '',
    ResourceType: resource?.type ?? '',
    Scope: [],
    Details: [],
  };
}
