import type { JsonObject } from '../../statemachine/asl.ts';
import { type ApiAction, type ApiOutput, page } from './api.ts';
import { validationError } from './errors.ts';
import { shownParameters } from './parameters.ts';
import type { ResourceRecord, StackRecord } from './stack.ts';

/** The actions on a stack itself. Source of the shapes: AWS CloudFormation API reference. */
export function stackActions(find: (nameOrId: unknown) => StackRecord, pageSize: number): Record<string, ApiAction> {
  return {
    DescribeStacks: async ({ StackName }) => ({ Stacks: [shownStack(find(StackName))] }),
    DescribeStackResources: async ({ StackName, LogicalResourceId }) => {
      const stack = find(StackName);
      return {
        StackResources: chosenResources(stack, LogicalResourceId).map((resource) => shownResource(stack, resource)),
      };
    },
    DescribeStackEvents: async ({ StackName, NextToken }) => {
      const newestFirst = [...find(StackName).events].reverse();
      const { items, token } = page(newestFirst, NextToken, pageSize);
      return { StackEvents: items, ...token };
    },
    GetStackPolicy: async ({ StackName }) => {
      const { policy } = find(StackName);
      return policy === undefined ? {} : { StackPolicyBody: policy };
    },
    SetStackPolicy: async ({ StackName, StackPolicyBody }) => {
      find(StackName).policy = String(StackPolicyBody);
      return {};
    },
    CancelUpdateStack: async ({ StackName }) => {
      const stack = find(StackName);
      if (stack.status !== 'UPDATE_IN_PROGRESS' || stack.cancel === undefined) {
        throw validationError(
          `CancelUpdateStack cannot be called from current stack status (${stack.status}); expected UPDATE_IN_PROGRESS`,
        );
      }
      stack.cancel.abort(new Error('Resource update cancelled'));
      return {};
    },
  };
}

function shownStack(stack: StackRecord): ApiOutput {
  return {
    StackId: stack.id,
    StackName: stack.name,
    ...(stack.changeSetId === undefined ? {} : { ChangeSetId: stack.changeSetId }),
    Description: stack.template.description,
    Parameters: shownParameters(stack.template.parameters, stack.parameters),
    CreationTime: stack.createdAt,
    ...(stack.updatedAt === undefined ? {} : { LastUpdatedTime: stack.updatedAt }),
    RollbackConfiguration: {},
    StackStatus: stack.status,
    ...(stack.statusReason === undefined ? {} : { StackStatusReason: stack.statusReason }),
    DisableRollback: false,
    NotificationARNs: [],
    Capabilities: stack.capabilities,
    Outputs: stack.outputs,
    ...(stack.roleArn === undefined ? {} : { RoleARN: stack.roleArn }),
    Tags: [],
    EnableTerminationProtection: false,
  };
}

function chosenResources(stack: StackRecord, logicalId: JsonObject[string] | undefined): ResourceRecord[] {
  if (logicalId === undefined) return [...stack.resources.values()];
  const resource = stack.resources.get(String(logicalId));
  if (resource !== undefined) return [resource];
  throw validationError(`Resource ${String(logicalId)} does not exist for stack ${stack.name}`);
}

function shownResource(stack: StackRecord, resource: ResourceRecord): ApiOutput {
  return {
    StackName: stack.name,
    StackId: stack.id,
    LogicalResourceId: resource.logicalId,
    PhysicalResourceId: resource.physicalId,
    ResourceType: resource.type,
    Timestamp: resource.timestamp,
    ResourceStatus: resource.status,
  };
}
