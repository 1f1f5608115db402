import { createHash } from 'node:crypto';
import type { Json, JsonObject } from '../../statemachine/asl.ts';
import { validationError } from './errors.ts';
import { evaluateObject, type Scope } from './intrinsics.ts';
import { type GivenParameter, parameterRef } from './parameters.ts';
import type { ResourceProvider } from './provider.ts';
import type { StackTemplate } from './template.ts';

/** The part of the rehearsal's clock that is needed here; waits are in seconds of that clock. */
export interface StackClock {
  now(): Date;
  sleep(seconds: number): Promise<void>;
}

/** What the local CloudFormation stands on. */
export interface World {
  clock: StackClock;
  region: string;
  accountId: string;
  resources: ResourceProvider;
  /** The SecretString of a secret, for dynamic references; asked at deployment only, by ARN or name. */
  resolveSecret(secretId: string): Promise<string>;
}

export interface ResourceRecord {
  logicalId: string;
  type: string;
  physicalId: string;
  /** As the template gives them, intrinsics worked out, dynamic references as they are written. */
  properties: JsonObject;
  /** As the provider got them, dynamic references resolved: in memory only, never shown. */
  given: JsonObject;
  attributes: Record<string, string>;
  status: string;
  timestamp: Date;
}

/** API: StackEvent. */
export interface StackEvent {
  StackId: string;
  StackName: string;
  EventId: string;
  LogicalResourceId: string;
  PhysicalResourceId: string;
  ResourceType: string;
  Timestamp: Date;
  ResourceStatus: string;
  ResourceStatusReason?: string;
}

export interface ChangeSetRecord {
  id: string;
  name: string;
  clientToken: string;
  description: string;
  template: StackTemplate;
  parameters: Record<string, string>;
  given: GivenParameter[];
  capabilities: string[];
  roleArn?: string;
  createdAt: Date;
  status: 'CREATE_PENDING' | 'CREATE_IN_PROGRESS' | 'CREATE_COMPLETE' | 'FAILED';
  statusReason?: string;
  executionStatus:
    | 'UNAVAILABLE'
    | 'AVAILABLE'
    | 'EXECUTE_IN_PROGRESS'
    | 'EXECUTE_COMPLETE'
    | 'EXECUTE_FAILED'
    | 'OBSOLETE';
  changes: JsonObject[];
}

export interface StackRecord {
  id: string;
  name: string;
  template: StackTemplate;
  parameters: Record<string, string>;
  capabilities: string[];
  roleArn?: string;
  resources: Map<string, ResourceRecord>;
  outputs: { OutputKey: string; OutputValue: string; Description?: string; ExportName?: string }[];
  status: string;
  statusReason?: string;
  createdAt: Date;
  updatedAt?: Date;
  /** JSON; set by SetStackPolicy, and not enforced here. */
  policy?: string;
  /** The change set that was executed last. */
  changeSetId?: string;
  changeSets: ChangeSetRecord[];
  /** Oldest first. */
  events: StackEvent[];
  /** Aborted by CancelUpdateStack; present while an update may still be cancelled. */
  cancel?: AbortController;
  /** Settles, never rejects, when the running operation has come to its end. */
  operation: Promise<void>;
}

/** A UUID that is the same in every run: a rehearsal with the same input has the same ids. */
export function madeUpUuid(...origin: (string | number)[]): string {
  const hash = createHash('sha256').update(JSON.stringify(origin)).digest('hex');
  return [hash.slice(0, 8), hash.slice(8, 12), hash.slice(12, 16), hash.slice(16, 20), hash.slice(20, 32)].join('-');
}

/** Writes the status of the stack itself, and the event that says so. */
export function setStackStatus(world: World, stack: StackRecord, status: string, reason?: string): void {
  stack.status = status;
  if (reason === undefined) delete stack.statusReason;
  else stack.statusReason = reason;
  record(
    world,
    stack,
    { logicalId: stack.name, physicalId: stack.id, type: 'AWS::CloudFormation::Stack' },
    status,
    reason,
  );
}

export function record(
  { clock }: World,
  stack: StackRecord,
  resource: { logicalId: string; physicalId: string; type: string },
  status: string,
  reason?: string,
): void {
  stack.events.push({
    StackId: stack.id,
    StackName: stack.name,
    EventId: `${resource.logicalId}-${status}-${stack.events.length + 1}`,
    LogicalResourceId: resource.logicalId,
    PhysicalResourceId: resource.physicalId,
    ResourceType: resource.type,
    Timestamp: clock.now(),
    ResourceStatus: status,
    ...(reason === undefined ? {} : { ResourceStatusReason: reason }),
  });
}

/** The names of a template as they stand with these parameter values and these resources. */
export function scopeOf(
  { region, accountId }: World,
  stack: Pick<StackRecord, 'id' | 'name'>,
  template: StackTemplate,
  parameters: Record<string, string>,
  resources: Map<string, ResourceRecord>,
): Scope {
  const pseudo: Record<string, Json | undefined> = {
    'AWS::AccountId': accountId,
    'AWS::NoValue': undefined,
    'AWS::NotificationARNs': [],
    'AWS::Partition': 'aws',
    'AWS::Region': region,
    'AWS::StackId': stack.id,
    'AWS::StackName': stack.name,
    'AWS::URLSuffix': 'amazonaws.com',
  };
  return {
    region,
    ref(name) {
      if (name in pseudo) return pseudo[name];
      const value = parameters[name];
      if (value !== undefined) return parameterRef(template.parameters[name] ?? {}, value);
      const resource = resources.get(name);
      if (resource !== undefined) return resource.physicalId;
      throw validationError(`Template error: instance of Ref references ${name}, which has no value yet`);
    },
    attribute(logicalId, name) {
      const value = resources.get(logicalId)?.attributes[name];
      if (value !== undefined) return value;
      const type = resources.get(logicalId)?.type ?? '(none)';
      throw validationError(
        `Template error: resource ${logicalId} does not support attribute type ${name} in Fn::GetAtt (its type is ${type})`,
      );
    },
  };
}

/** Works out the template's outputs. */
export function outputsOf(template: StackTemplate, scope: Scope): StackRecord['outputs'] {
  return Object.entries(template.outputs).map(([name, body]) => {
    const { Value, Description, Export } = evaluateObject(body, scope);
    const exportName = typeof Export === 'object' && Export !== null && 'Name' in Export ? Export.Name : undefined;
    return {
      OutputKey: name,
      OutputValue: String(Value),
      ...(Description === undefined ? {} : { Description: String(Description) }),
      ...(exportName === undefined ? {} : { ExportName: String(exportName) }),
    };
  });
}
