import type { Change, ResourceChange, ResourceChangeDetail } from '@aws-sdk/client-cloudformation';
import type { ChangePurpose } from '../statemachine/change-set-states.ts';
import type { Names } from '../statemachine/settings.ts';
import { defaultTemplateNames } from './template-edits/names.ts';

/** What a change set may do to one resource; `properties` are names of properties, or of other attributes such as Tags. */
export interface AllowedChange {
  logicalId: string;
  action: 'Add' | 'Modify' | 'Remove';
  properties: string[];
  /** Of the file system's own list alone: what holds data may be removed, when it is part of a file system. */
  mayHoldData?: true;
  /** Set only where a replacement is how the resource changes at all: a task definition gets a new revision. */
  mayReplace?: true;
}

/**
 * Resources that hold what cannot be had back. They are never replaced, whatever a list allows, and never removed but for the
 * parts of a file system, by a list that says so.
 */
export const statefulTypes: ReadonlySet<string> = new Set([
  'AWS::RDS::DBInstance',
  'AWS::RDS::DBCluster',
  'AWS::RDS::DBSubnetGroup',
  'AWS::EFS::FileSystem',
  'AWS::EFS::AccessPoint',
  'AWS::EFS::MountTarget',
  'AWS::SecretsManager::Secret',
  'AWS::Logs::LogGroup',
  'AWS::S3::Bucket',
  'AWS::DynamoDB::Table',
  'AWS::KMS::Key',
]);

/** What `finalize` may remove, once it is archived; the file system itself only where CloudFormation keeps it. */
const fileSystemTypes: ReadonlySet<string> = new Set([
  'AWS::EFS::FileSystem',
  'AWS::EFS::AccessPoint',
  'AWS::EFS::MountTarget',
]);

/** A change here generates another password, which the database URL would not follow. */
const frozenProperties: ReadonlySet<string> = new Set(['GenerateSecretString']);

/** What the change set of each purpose may do, with the logical names of this stack. */
export function allowedChanges(purpose: ChangePurpose, names: Names = defaultTemplateNames): AllowedChange[] {
  const count: AllowedChange = { logicalId: names.service, action: 'Modify', properties: ['DesiredCount'] };
  const otherRelay: AllowedChange[] = [
    {
      logicalId: names.taskDefinition,
      action: 'Modify',
      properties: ['ContainerDefinitions', 'Volumes'],
      mayReplace: true,
    },
    { logicalId: names.service, action: 'Modify', properties: ['TaskDefinition', 'DesiredCount'] },
  ];
  const lists: Record<ChangePurpose, AllowedChange[]> = {
    prepare: [...addedByPrepare(names), count],
    'hold-at-zero': [count],
    switch: otherRelay,
    settle: [count],
    restore: otherRelay,
    'settle-restored': [count],
    'remove-efs': removedByFinalize(names),
  };
  return lists[purpose];
}

/** What `prepare` adds, and what it changes on the way: also when it is made again, or after a person has made runbook step 3. */
function addedByPrepare(names: Names): AllowedChange[] {
  const added = [
    ...[names.databaseSubnetGroup, names.databaseSecurityGroup, names.databasePassword, names.databaseInstance],
    ...[names.databaseUrlSecret, names.databaseUrlAccess],
    ...[names.migrationTaskDefinition, names.rollbackTaskDefinition],
  ].map((logicalId): AllowedChange => ({ logicalId, action: 'Add', properties: [] }));
  const migrator = [names.migrationTaskDefinition, names.rollbackTaskDefinition].map(
    (logicalId): AllowedChange => ({
      logicalId,
      action: 'Modify',
      properties: ['ContainerDefinitions'],
      mayReplace: true,
    }),
  );
  return [
    ...added,
    ...migrator,
    { logicalId: names.databaseInstance, action: 'Modify', properties: ['EnableIAMDatabaseAuthentication'] },
    { logicalId: names.targetGroup, action: 'Modify', properties: ['TargetGroupAttributes'] },
    { logicalId: names.fileSystem, action: 'Modify', properties: ['DeletionPolicy', 'UpdateReplacePolicy'] },
  ];
}

/** SQLite's home, and what can only be with it. The count is not on the list: the relay is not touched. */
function removedByFinalize(names: Names): AllowedChange[] {
  const remove = (logicalId: string): AllowedChange => ({ logicalId, action: 'Remove', properties: [] });
  return [
    ...[names.fileSystem, names.accessPoint, ...names.mountTargets].map(
      (logicalId): AllowedChange => ({ ...remove(logicalId), mayHoldData: true }),
    ),
    ...[names.fileSystemSecurityGroup, names.migrationTaskDefinition, names.rollbackTaskDefinition].map(remove),
    { logicalId: names.taskRole, action: 'Modify', properties: ['Policies'] },
  ];
}

/**
 * Compares the changes of a change set with the list of what is allowed and returns one finding for each that is not;
 * an empty list means: may be executed. Source: AWS CloudFormation API, ResourceChange and ResourceChangeDetail.
 *
 * A resource that is not on the list passes only as an echo: CloudFormation announces a change, of evaluation Dynamic, of
 * whatever asks a changed resource for an attribute (an alarm for the service's name), and then finds nothing to do. An echo
 * has echoes of its own: a role that asks a file system for its ARN, the task definition that asks the role, the service.
 */
export function guardChanges(changes: Change[], allowed: AllowedChange[]): string[] {
  const echoes = echoesAmong(changes, allowed);
  return changes.flatMap(({ Type, ResourceChange }) => {
    if (Type !== 'Resource' || ResourceChange === undefined) {
      return [`a change of type ${Type ?? '(none)'}; expected changes of resources only`];
    }
    const named = (finding: string) =>
      `${ResourceChange.LogicalResourceId} (${ResourceChange.ResourceType}): ${finding}`;
    return [...statefulFindings(ResourceChange, allowed), ...listFindings(ResourceChange, allowed, echoes)].map(named);
  });
}

function statefulFindings(change: ResourceChange, allowed: AllowedChange[]): string[] {
  const frozen = (change.Details ?? []).filter(({ Target }) => frozenProperties.has(Target?.Name ?? ''));
  const findings = frozen.map(({ Target }) => `changes ${Target?.Name}, which would generate another password`);
  if (!statefulTypes.has(change.ResourceType ?? '')) return findings;
  if (change.Action === 'Remove') return [...findings, ...removalFindings(change, allowed)];
  const replaced = change.Replacement === 'True' || change.Replacement === 'Conditional';
  return replaced ? [...findings, `replacement ${change.Replacement} of a resource that holds data`] : findings;
}

/** A file system is only let go by the stack; nobody but the step that looks at the archive first deletes it. */
function removalFindings(change: ResourceChange, allowed: AllowedChange[]): string[] {
  const isOnList = allowed.some(
    ({ logicalId, action, mayHoldData }) =>
      mayHoldData === true && action === 'Remove' && logicalId === change.LogicalResourceId,
  );
  if (!isOnList || !fileSystemTypes.has(change.ResourceType ?? '')) return ['Remove of a resource that holds data'];
  if (change.ResourceType !== 'AWS::EFS::FileSystem') return [];
  const { PolicyAction = 'Retain' } = change;
  return PolicyAction === 'Retain'
    ? []
    : [`Remove with the policy ${PolicyAction}, which deletes its data; expected Retain`];
}

function listFindings(change: ResourceChange, allowed: AllowedChange[], echoes: ReadonlySet<string>): string[] {
  const entries = allowed.filter(({ logicalId }) => logicalId === change.LogicalResourceId);
  if (entries.length === 0) {
    return echoes.has(change.LogicalResourceId ?? '') || isEcho(change, allowed)
      ? []
      : [`${change.Action} of a resource that is not on the list`];
  }
  const entry = entries.find(({ action }) => action === change.Action);
  if (entry === undefined)
    return [`${change.Action}, where the list allows ${entries.map((e) => e.action).join(', ')}`];
  const findings: string[] = [];
  if (change.Action === 'Modify' && change.Replacement !== 'False' && entry.mayReplace !== true) {
    findings.push(`replacement ${change.Replacement ?? '(not said)'}, where the list allows a change in place only`);
  }
  if (change.Action === 'Modify' && (change.Details ?? []).length === 0) {
    findings.push('Modify without a word about what changes');
  }
  const details = (change.Details ?? []).filter((detail) => !comesOf(detail, echoes));
  return [...findings, ...details.flatMap((detail) => detailFindings(detail, entry, allowed))];
}

function detailFindings(detail: ResourceChangeDetail, entry: AllowedChange, allowed: AllowedChange[]): string[] {
  const target = targetName(detail);
  if (!entry.properties.includes(target)) {
    return [`changes ${target}, where the list allows ${entry.properties.join(', ') || 'no property'}`];
  }
  if (detail.Evaluation !== 'Dynamic' || causedByList(detail, allowed)) return [];
  return [`${target} may change because of ${detail.CausingEntity ?? '(not said)'}, which is not on the list`];
}

/** Properties have names of their own; Tags, Metadata, DeletionPolicy and the like are attributes of the resource. */
function targetName({ Target }: ResourceChangeDetail): string {
  const own = Target?.Attribute === 'Properties' ? Target.Name : Target?.Attribute;
  return own ?? '(not said)';
}

/**
 * Where a parameter's value changes, CloudFormation names the property twice: Static by the parameter, and Dynamic as a
 * direct modification without a cause. That second form is the property's own, and the property is on the list.
 */
function causedByList(detail: ResourceChangeDetail, allowed: AllowedChange[]): boolean {
  return detail.ChangeSource === 'DirectModification' || isCausedBy(detail, idsOf(allowed));
}

function isCausedBy({ ChangeSource, CausingEntity = '' }: ResourceChangeDetail, ids: ReadonlySet<string>): boolean {
  const isByResource = ChangeSource === 'ResourceReference' || ChangeSource === 'ResourceAttribute';
  return isByResource && ids.has(CausingEntity.split('.')[0] ?? '');
}

function idsOf(allowed: AllowedChange[]): Set<string> {
  return new Set(allowed.map(({ logicalId }) => logicalId));
}

/**
 * Resources that are announced only because others are: those change in place, so that nothing which can be asked of them
 * becomes another, or are such resources themselves.
 */
function echoesAmong(changes: Change[], allowed: AllowedChange[]): Set<string> {
  const resources = changes.flatMap(({ ResourceChange }) => ResourceChange ?? []);
  const onList = idsOf(allowed);
  const inPlace = resources
    .filter(({ Action, Replacement }) => Action === 'Modify' && Replacement === 'False')
    .map(({ LogicalResourceId: id = '' }) => id)
    .filter((id) => onList.has(id));
  const echoes = new Set<string>();
  for (let known = -1; known < echoes.size; ) {
    known = echoes.size;
    const sources = new Set([...inPlace, ...echoes]);
    for (const { LogicalResourceId: id = '', ResourceType = '', Action, Details = [] } of resources) {
      const isOne = Action === 'Modify' && !statefulTypes.has(ResourceType) && !onList.has(id);
      if (isOne && Details.length > 0 && Details.every((detail) => comesOf(detail, sources))) echoes.add(id);
    }
  }
  return echoes;
}

/** Whether a detail says only that one of these resources changes, and by that perhaps this property. */
function comesOf(detail: ResourceChangeDetail, ids: ReadonlySet<string>): boolean {
  return detail.Evaluation === 'Dynamic' && isCausedBy(detail, ids);
}

function isEcho(change: ResourceChange, allowed: AllowedChange[]): boolean {
  const details = change.Details ?? [];
  return (
    change.Action === 'Modify' &&
    change.Replacement === 'False' &&
    !statefulTypes.has(change.ResourceType ?? '') &&
    details.length > 0 &&
    details.every((detail) => comesOf(detail, idsOf(allowed)))
  );
}
