import { isDeepStrictEqual } from 'node:util';
import type { JsonObject } from '../../statemachine/asl.ts';
import { type ApiAction, type ApiOutput, page } from './api.ts';
import { computeChanges, outputsDiffer } from './changes.ts';
import { awsError, messageOf, validationError } from './errors.ts';
import { runOperation } from './operation.ts';
import { type GivenParameter, parameterValues, shownParameters } from './parameters.ts';
import { type ChangeSetRecord, madeUpUuid, type StackRecord, type World } from './stack.ts';
import { readTemplate, type StackTemplate } from './template.ts';

/** How long CloudFormation takes to compute a change set, in seconds of the rehearsal's clock. */
const computeSeconds = 3;

/** AWS: "CloudFormation quotas". */
const templateBytesMax = 51_200;

/** The actions on change sets, and GetTemplate, which may ask for a change set's. Source: AWS CloudFormation API reference. */
export function changeSetActions(
  world: World,
  find: (nameOrId: unknown) => StackRecord,
  pageSize: number,
): Record<string, ApiAction> {
  const ofStack = (input: JsonObject) => {
    const id = String(input.ChangeSetName);
    if (input.StackName === undefined) {
      throw validationError(
        'The local CloudFormation finds a change set by StackName and ChangeSetName; StackName is missing',
      );
    }
    const stack = find(input.StackName);
    const changeSet = stack.changeSets.find((entry) => entry.id === id || entry.name === id);
    if (changeSet === undefined) throw awsError('ChangeSetNotFoundException', `ChangeSet [${id}] does not exist`);
    return { stack, changeSet };
  };
  return {
    GetTemplate: async (input) => {
      const template =
        input.ChangeSetName === undefined ? find(input.StackName).template : ofStack(input).changeSet.template;
      return { TemplateBody: template.text, StagesAvailable: ['Original', 'Processed'] };
    },
    CreateChangeSet: async (input) => createChangeSet(world, find(input.StackName), input),
    DescribeChangeSet: async (input) => {
      const { stack, changeSet } = ofStack(input);
      return shownChangeSet(stack, changeSet, input.NextToken, pageSize);
    },
    ListChangeSets: async ({ StackName, NextToken }) => {
      const stack = find(StackName);
      const { items, token } = page(stack.changeSets, NextToken, pageSize);
      return { Summaries: items.map((changeSet) => summaryOf(stack, changeSet)), ...token };
    },
    DeleteChangeSet: async (input) => {
      const { stack, changeSet } = ofStack(input);
      if (changeSet.executionStatus === 'EXECUTE_IN_PROGRESS') {
        throw invalidStatus(changeSet, `cannot be deleted in its current execution status of [EXECUTE_IN_PROGRESS]`);
      }
      stack.changeSets = stack.changeSets.filter((entry) => entry !== changeSet);
      return {};
    },
    ExecuteChangeSet: async (input) => {
      const { stack, changeSet } = ofStack(input);
      executeChangeSet(world, stack, changeSet);
      return {};
    },
  };
}

function createChangeSet(world: World, stack: StackRecord, input: JsonObject): ApiOutput {
  const name = String(input.ChangeSetName);
  if (!/^[a-zA-Z][-a-zA-Z0-9]{0,127}$/.test(name)) {
    throw validationError(
      `Value '${name}' at 'changeSetName' failed to satisfy constraint: [a-zA-Z][-a-zA-Z0-9]*, at most 128`,
    );
  }
  if ((input.ChangeSetType ?? 'UPDATE') !== 'UPDATE') {
    throw validationError('The local CloudFormation makes change sets of the type UPDATE only');
  }
  const template = templateOf(stack, input);
  const given = (input.Parameters ?? []) as GivenParameter[];
  const capabilities = ((input.Capabilities ?? []) as string[]).map(String);
  const existing = stack.changeSets.find((entry) => entry.name === name);
  if (existing !== undefined) return repeated(stack, existing, template, given);
  assertUpdatable(stack);
  assertCapabilities(template, capabilities);
  const parameters = parameterValues(template.parameters, given, stack.parameters);
  const changes = computeChanges(world, stack, template, parameters);
  const number = stack.events.length + stack.changeSets.length;
  const changeSet: ChangeSetRecord = {
    id: `arn:aws:cloudformation:${world.region}:${world.accountId}:changeSet/${name}/${madeUpUuid(stack.id, name, number)}`,
    name,
    clientToken: String(input.ClientToken ?? ''),
    description: String(input.Description ?? ''),
    template,
    parameters,
    given,
    capabilities,
    ...(input.RoleARN === undefined ? {} : { roleArn: String(input.RoleARN) }),
    createdAt: world.clock.now(),
    status: 'CREATE_IN_PROGRESS',
    executionStatus: 'UNAVAILABLE',
    changes,
  };
  stack.changeSets.push(changeSet);
  const empty = changes.length === 0 && !outputsDiffer(stack, template, parameters);
  // A clock that is stopped rejects; the change set then stays in the making, and nobody is left to ask.
  void world.clock.sleep(computeSeconds).then(
    () => complete(changeSet, empty),
    () => {},
  );
  return { Id: changeSet.id, StackId: stack.id };
}

function templateOf(stack: StackRecord, input: JsonObject): StackTemplate {
  if (input.UsePreviousTemplate === true) return stack.template;
  const text = String(input.TemplateBody ?? '');
  if (Buffer.byteLength(text) > templateBytesMax) {
    throw validationError(
      `1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to ${templateBytesMax}`,
    );
  }
  // A stack that goes there and back has few texts and many change sets, which stay known.
  const known = [stack.template, ...stack.changeSets.map(({ template }) => template)];
  return known.find((template) => template.text === text) ?? readTemplate(text);
}

/** The same request again gets the same answer; another one under the same name does not. */
function repeated(
  stack: StackRecord,
  existing: ChangeSetRecord,
  template: StackTemplate,
  given: GivenParameter[],
): ApiOutput {
  const mismatch =
    existing.template.text !== template.text
      ? 'Template'
      : isDeepStrictEqual(existing.given, given)
        ? undefined
        : 'Parameters';
  if (mismatch === undefined) return { Id: existing.id, StackId: stack.id };
  throw awsError(
    'AlreadyExistsException',
    `ChangeSet ${existing.name} cannot be created due to a mismatch with existing attribute ${mismatch}`,
  );
}

function assertUpdatable({ id, status }: StackRecord): void {
  const updatable = ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'UPDATE_ROLLBACK_COMPLETE'];
  if (!updatable.includes(status)) throw validationError(`Stack:${id} is in ${status} state and can not be updated.`);
}

function assertCapabilities({ resources }: StackTemplate, capabilities: string[]): void {
  const iam = Object.values(resources).filter(({ type }) => type.startsWith('AWS::IAM::'));
  const naming = ['RoleName', 'UserName', 'GroupName', 'ManagedPolicyName', 'InstanceProfileName'];
  const isNamed = iam.some(({ properties }) => naming.some((property) => property in properties));
  const wanted = isNamed ? ['CAPABILITY_NAMED_IAM'] : ['CAPABILITY_IAM', 'CAPABILITY_NAMED_IAM'];
  if (iam.length === 0 || wanted.some((capability) => capabilities.includes(capability))) return;
  throw awsError('InsufficientCapabilitiesException', `Requires capabilities : [${wanted[0]}]`);
}

function complete(changeSet: ChangeSetRecord, empty: boolean): void {
  if (!empty) {
    changeSet.status = 'CREATE_COMPLETE';
    // A change set may have become obsolete while it was being made.
    if (changeSet.executionStatus === 'UNAVAILABLE') changeSet.executionStatus = 'AVAILABLE';
    return;
  }
  changeSet.status = 'FAILED';
  changeSet.statusReason =
    "The submitted information didn't contain changes. Submit different information to create a change set.";
}

function executeChangeSet(world: World, stack: StackRecord, changeSet: ChangeSetRecord): void {
  if (changeSet.status !== 'CREATE_COMPLETE') {
    throw invalidStatus(changeSet, `cannot be executed in its current status of [${changeSet.status}]`);
  }
  if (changeSet.executionStatus !== 'AVAILABLE') {
    throw invalidStatus(
      changeSet,
      `cannot be executed in its current execution status of [${changeSet.executionStatus}]`,
    );
  }
  assertUpdatable(stack);
  for (const other of stack.changeSets) {
    const unused = other.executionStatus === 'AVAILABLE' || other.executionStatus === 'UNAVAILABLE';
    if (other !== changeSet && unused) other.executionStatus = 'OBSOLETE';
  }
  changeSet.executionStatus = 'EXECUTE_IN_PROGRESS';
  stack.changeSetId = changeSet.id;
  stack.updatedAt = world.clock.now();
  stack.capabilities = changeSet.capabilities;
  if (changeSet.roleArn !== undefined) stack.roleArn = changeSet.roleArn;
  stack.operation = runOperation(world, stack, 'UPDATE', changeSet.template, changeSet.parameters).then(
    (done) => {
      changeSet.executionStatus = done ? 'EXECUTE_COMPLETE' : 'EXECUTE_FAILED';
    },
    (error) => {
      // The clock was stopped, say: the stack stands where it stood, and says why.
      changeSet.executionStatus = 'EXECUTE_FAILED';
      stack.statusReason = messageOf(error);
    },
  );
}

function invalidStatus({ id }: ChangeSetRecord, what: string): Error {
  return awsError('InvalidChangeSetStatusException', `ChangeSet [${id}] ${what}`);
}

function summaryOf(stack: StackRecord, changeSet: ChangeSetRecord): ApiOutput {
  return {
    ChangeSetName: changeSet.name,
    ChangeSetId: changeSet.id,
    StackId: stack.id,
    StackName: stack.name,
    Description: changeSet.description,
    CreationTime: changeSet.createdAt,
    ExecutionStatus: changeSet.executionStatus,
    Status: changeSet.status,
    ...(changeSet.statusReason === undefined ? {} : { StatusReason: changeSet.statusReason }),
    IncludeNestedStacks: false,
  };
}

function shownChangeSet(
  stack: StackRecord,
  changeSet: ChangeSetRecord,
  nextToken: JsonObject[string] | undefined,
  pageSize: number,
): ApiOutput {
  const { items, token } = page(changeSet.status === 'CREATE_COMPLETE' ? changeSet.changes : [], nextToken, pageSize);
  return {
    ...summaryOf(stack, changeSet),
    Parameters: shownParameters(changeSet.template.parameters, changeSet.parameters),
    NotificationARNs: [],
    RollbackConfiguration: {},
    Capabilities: changeSet.capabilities,
    Tags: [],
    Changes: items,
    ...token,
  };
}
