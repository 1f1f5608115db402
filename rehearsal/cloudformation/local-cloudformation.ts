import type { JsonObject } from '../../statemachine/asl.ts';
import type { ApiOutput } from './api.ts';
import { changeSetActions } from './change-set-actions.ts';
import { awsError, validationError } from './errors.ts';
import { runOperation } from './operation.ts';
import { parameterValues } from './parameters.ts';
import type { ResourceProvider } from './provider.ts';
import { madeUpUuid, type StackClock, type StackRecord, type World } from './stack.ts';
import { stackActions } from './stack-actions.ts';
import { readTemplate } from './template.ts';

export interface LocalCloudFormation {
  /** Answers an API action as the SDK's client does, dates as Date. Rejects with errors that carry AWS's names. */
  call(action: string, input: JsonObject): Promise<ApiOutput>;
  /** Creates a stack and waits for it. Rejects, naming the first cause, when it was rolled back. */
  deploy(stackName: string, templateText: string, parameters: Record<string, string>): Promise<void>;
  stackOutputs(stackName: string): Record<string, string>;
  /** Physical ids by logical id. */
  stackResources(stackName: string): Record<string, string>;
  /** Waits for the end of an update that was started by ExecuteChangeSet. */
  settled(stackName: string): Promise<void>;
}

export interface LocalCloudFormationOptions {
  clock: StackClock;
  region: string;
  accountId: string;
  resources: ResourceProvider;
  /** Gives a secret's SecretString by ARN or name; needed where a template has dynamic references. */
  resolveSecret?(secretId: string): Promise<string>;
  /** Items in one answer of the actions that have pages. */
  pageSize?: number;
}

/**
 * Makes a CloudFormation of this process: stacks are in memory, resources are made by the providers, and everything that a
 * caller sees (statuses, change sets, events, error names) has the form of the real service's API.
 */
export function createCloudFormation(options: LocalCloudFormationOptions): LocalCloudFormation {
  const world: World = { resolveSecret: noSecrets, ...options };
  const stacks = new Map<string, StackRecord>();
  const find = (nameOrId: unknown): StackRecord => {
    const stack = [...stacks.values()].find(({ id, name }) => name === nameOrId || id === nameOrId);
    if (stack === undefined) throw validationError(`Stack with id ${String(nameOrId)} does not exist`);
    return stack;
  };
  const pageSize = options.pageSize ?? 100;
  const actions = { ...stackActions(find, pageSize), ...changeSetActions(world, find, pageSize) };
  return {
    async call(action, input) {
      const perform = actions[action.charAt(0).toUpperCase() + action.slice(1)];
      if (perform === undefined) {
        throw awsError(
          'InvalidAction',
          `The local CloudFormation does not know ${action}. It knows ${Object.keys(actions).join(', ')}`,
        );
      }
      return perform(input);
    },
    async deploy(stackName, templateText, parameters) {
      if (stacks.has(stackName)) throw awsError('AlreadyExistsException', `Stack [${stackName}] already exists`);
      const stack = newStack(world, stackName, templateText, parameters);
      stacks.set(stackName, stack);
      const done = await runOperation(world, stack, 'CREATE', stack.template, stack.parameters);
      if (!done) throw creationFailed(stack);
    },
    stackOutputs: (stackName) =>
      Object.fromEntries(find(stackName).outputs.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue])),
    stackResources: (stackName) =>
      Object.fromEntries([...find(stackName).resources].map(([logicalId, { physicalId }]) => [logicalId, physicalId])),
    settled: (stackName) => find(stackName).operation,
  };
}

async function noSecrets(secretId: string): Promise<string> {
  throw validationError(`Secrets Manager can't find the specified secret: ${secretId}`);
}

function newStack(world: World, name: string, text: string, parameters: Record<string, string>): StackRecord {
  const template = readTemplate(text);
  const given = Object.entries(parameters).map(([ParameterKey, ParameterValue]) => ({ ParameterKey, ParameterValue }));
  return {
    id: `arn:aws:cloudformation:${world.region}:${world.accountId}:stack/${name}/${madeUpUuid(name)}`,
    name,
    template,
    parameters: parameterValues(template.parameters, given, {}),
    capabilities: ['CAPABILITY_IAM'],
    resources: new Map(),
    outputs: [],
    status: 'REVIEW_IN_PROGRESS',
    createdAt: world.clock.now(),
    changeSets: [],
    events: [],
    operation: Promise.resolve(),
  };
}

function creationFailed({ name, status, events }: StackRecord): Error {
  const cause = events.find(({ ResourceStatus }) => ResourceStatus.endsWith('_FAILED'));
  return new Error(
    `The stack ${name} could not be created and is in ${status}: ${cause?.LogicalResourceId ?? 'the stack'}: ${cause?.ResourceStatusReason ?? 'no resource is named'}. Expected CREATE_COMPLETE. Correct the template or its parameters.`,
  );
}
