import { inputFindings } from '../../statemachine/input.ts';
import { UPDATABLE } from '../change-stack/stack.ts';
import type { RelayWorld } from './relay-world.ts';

/** Something that must be true before anything is changed. */
export interface Check<World> {
  title: string;
  /** What is wrong and what to do about it, or nothing. */
  finding(world: World): string | undefined;
}

/** What must be true of stack and service before any machine changes something. */
export const SERVICE_CHECKS: Check<RelayWorld>[] = [
  {
    title: 'the input of the execution has only known keys',
    finding: ({ machine, input }) => inputFindings(machine, input),
  },
  {
    title: 'the stack can be updated',
    finding: ({ stack }) =>
      UPDATABLE.includes(stack.StackStatus ?? '')
        ? undefined
        : `The stack ${stack.StackName} is in ${stack.StackStatus}; expected one of ${UPDATABLE.join(', ')}. Let it end, or repair it.`,
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
    title: 'the relay answers',
    finding({ domain, silence, names }) {
      if (domain === '')
        return `The stack has no value for the parameter ${names.domainParameter}, so the relay cannot be asked. Correct the setting names.domainParameter.`;
      if (silence === null) return undefined;
      return `The relay at ${domain} does not answer, so nothing can be compared later: ${silence}`;
    },
  },
];

/** A write stop begins with it; the template may have to say it before any stack update is safe. */
export const DESIRED_COUNT_CHECK: Check<RelayWorld> = {
  title: 'the desired count is a parameter of the template, and is 1',
  finding({ stack, names }) {
    const parameter = stack.Parameters?.find(({ ParameterKey }) => ParameterKey === names.desiredCountParameter);
    if (!parameter)
      return `The template has no parameter ${names.desiredCountParameter}. Run prepare first: it adds it.`;
    if (parameter.ParameterValue === '1') return undefined;
    return `The parameter ${names.desiredCountParameter} is ${parameter.ParameterValue}; expected 1. Is another cutover under way, or was one left half done?`;
  },
};

/** What must be true of the relay before `rollback`, and before `finalize`. */
export const ON_POSTGRES_CHECK: Check<RelayWorld> = {
  title: 'the running relay is the one on PostgreSQL',
  finding({ relayTask, names }) {
    const container = relayTask.containerDefinitions?.find(({ name }) => name === names.container);
    if (!container)
      return `The task definition ${relayTask.taskDefinitionArn} has no container ${names.container}. Correct the setting names.container.`;
    const has = (list: { name?: string | undefined }[] | undefined, variable: string): boolean =>
      (list ?? []).some(({ name }) => name === variable);
    if (has(container.environment, names.dataVariable))
      return `The container ${names.container} has the environment variable ${names.dataVariable}: the relay serves from SQLite; expected the one on PostgreSQL, after a cutover.`;
    if (has(container.secrets, names.databaseUrlVariable) || has(container.environment, names.databaseUrlVariable))
      return undefined;
    return `The container ${names.container} has no ${names.databaseUrlVariable}: it does not look like the relay on PostgreSQL.`;
  },
};

/** What must be true of the relay before `prepare`, and before `cutover`. */
export const RELAY_CHECKS: Check<RelayWorld>[] = [
  ...SERVICE_CHECKS,
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
];

/** Every finding of the checks, in their order. */
export function findingsOf<World>(checks: Check<World>[], world: World): string[] {
  return checks.flatMap((check) => check.finding(world) ?? []);
}
