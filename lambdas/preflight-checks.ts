import type { Stack } from '@aws-sdk/client-cloudformation';
import type { Service, TaskDefinition } from '@aws-sdk/client-ecs';
import { inputFindings } from '../statemachine/input.ts';
import type { Names } from '../statemachine/settings.ts';
import { UPDATABLE } from './change-stack/stack.ts';
import { applyEdits } from './template-edits/apply.ts';
import { switchEdits } from './template-edits/switch.ts';

/** What preflight has read; every check looks at this and at nothing else. */
export interface Findable {
  input: unknown;
  names: Names;
  newImage: string;
  stack: Stack;
  template: string;
  /** Physical ids by logical id. */
  resources: Map<string, string>;
  service: Service;
  relayTask: TaskDefinition;
  migrationTask: TaskDefinition;
  rollbackTask: TaskDefinition;
  /** What the old relay said to a client; the reason when it did not answer. */
  relayAnswer: { domain: string } | { domain: string; reason: string };
}

interface PreflightCheck {
  title: string;
  /** What is wrong and what to do about it, or nothing. */
  finding(world: Findable): string | undefined;
}

/** What must be true before anything is changed. All of it is looked at, and all findings are told at once. */
export const PREFLIGHT_CHECKS: PreflightCheck[] = [
  {
    title: 'the input of the execution has only known keys',
    finding: ({ input }) => inputFindings(input),
  },
  {
    title: 'the stack can be updated',
    finding: ({ stack }) =>
      UPDATABLE.includes(stack.StackStatus ?? '')
        ? undefined
        : `The stack ${stack.StackName} is in ${stack.StackStatus}; expected one of ${UPDATABLE.join(', ')}. Let it end, or repair it.`,
  },
  {
    title: 'the desired count is a parameter of the template, and is 1',
    finding({ stack, names }) {
      const parameter = stack.Parameters?.find(({ ParameterKey }) => ParameterKey === names.desiredCountParameter);
      if (!parameter)
        return `The template has no parameter ${names.desiredCountParameter}. Run prepare first: it adds it.`;
      if (parameter.ParameterValue === '1') return undefined;
      return `The parameter ${names.desiredCountParameter} is ${parameter.ParameterValue}; expected 1. Is another cutover under way, or was one left half done?`;
    },
  },
  {
    title: 'the service runs one task and is at rest',
    finding({ service }) {
      const { desiredCount, runningCount, pendingCount, deployments = [] } = service;
      if (desiredCount === 1 && runningCount === 1 && pendingCount === 0 && deployments.length === 1) return undefined;
      return `The service ${service.serviceName} has ${runningCount} running and ${pendingCount} pending tasks of ${desiredCount} desired, and ${deployments.length} deployment(s); expected 1, 0, 1 and 1. Wait until it is stable.`;
    },
  },
  {
    title: 'the running relay is the one on SQLite',
    finding({ relayTask, names, newImage }) {
      const container = relayTask.containerDefinitions?.find(({ name }) => name === names.container);
      if (!container)
        return `The task definition ${relayTask.taskDefinitionArn} has no container ${names.container}. Correct the setting names.container.`;
      if (container.image === newImage) return `The service runs ${newImage} already: the cutover has been made.`;
      if (container.environment?.some(({ name }) => name === names.dataVariable)) return undefined;
      return `The container ${names.container} has no environment variable ${names.dataVariable}: it does not look like the relay on SQLite.`;
    },
  },
  {
    title: 'the template takes the six edits of the switch',
    finding({ template, names, newImage }) {
      try {
        applyEdits(template, switchEdits(names, newImage));
        return undefined;
      } catch (error) {
        return `The template cannot be switched to PostgreSQL: ${(error as Error).message}`;
      }
    },
  },
  {
    title: 'the migrator reads EFS and has its database URL from a secret',
    finding: ({ migrationTask, names }) => migratorFinding('migration', migrationTask, names, { readOnly: true }),
  },
  {
    title: 'the way back may write to EFS, and has its database URL from a secret',
    finding: ({ rollbackTask, names }) => migratorFinding('rollback', rollbackTask, names, { readOnly: false }),
  },
  {
    title: 'the old relay answers',
    finding({ relayAnswer, names }) {
      if (relayAnswer.domain === '')
        return `The stack has no value for the parameter ${names.domainParameter}, so the relay cannot be asked. Correct the setting names.domainParameter.`;
      if (!('reason' in relayAnswer)) return undefined;
      return `The relay at ${relayAnswer.domain} does not answer, so nothing can be compared later: ${relayAnswer.reason}`;
    },
  },
];

/** What is wrong with a task definition that runs the migrator, or nothing. */
function migratorFinding(
  what: string,
  task: TaskDefinition,
  names: Names,
  mount: { readOnly: boolean },
): string | undefined {
  const container = task.containerDefinitions?.find(({ name }) => name === names.migrationContainer);
  if (!container)
    return `The task definition ${task.taskDefinitionArn} has no container ${names.migrationContainer}. Run prepare again.`;
  const plain = container.environment?.some(({ name }) => name === names.databaseUrlVariable);
  if (plain)
    return `The ${what} task definition holds ${names.databaseUrlVariable} as plain text, so everybody who may read it has the password. Run prepare again: it takes it from a secret.`;
  if (!container.secrets?.some(({ name }) => name === names.databaseUrlVariable))
    return `The ${what} task definition has no secret ${names.databaseUrlVariable}. Run prepare again.`;
  const mounts = (container.mountPoints ?? []).filter(({ sourceVolume }) => sourceVolume === names.volume);
  if (mounts.length === 0)
    return `The ${what} task definition does not mount the volume ${names.volume}, where the SQLite file is. Run prepare again.`;
  const wanted = ({ readOnly = false }: { readOnly?: boolean | undefined }): boolean => readOnly === mount.readOnly;
  if (mounts.every(wanted)) return undefined;
  return mount.readOnly
    ? `The ${what} task definition mounts EFS for writing; expected readOnly. Run prepare again.`
    : `The ${what} task definition mounts EFS for reading only, so the way back could not write to it. Run prepare again.`;
}
