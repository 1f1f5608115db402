import { setTimeout as pause } from 'node:timers/promises';
import type { Program } from './ecs/container.ts';
import type { Stage } from './stage.ts';

const POLL_MILLISECONDS = 50;
const WAIT_MILLISECONDS_MAX = 30_000;

/** The relay's service as ECS has it now. */
export function relayService({ world, options: { settings } }: Stage): {
  cluster: string;
  service: string;
  taskDefinition: string;
  /** Task definitions of its running tasks. */
  running: string[];
} {
  const resources = world.cloudFormation.stackResources(settings.stackName);
  const service = (resources[settings.names.service] as string).split('/').at(-1) as string;
  const running = world.ecs
    .tasks()
    .filter(({ group, lastStatus }) => group === `service:${service}` && lastStatus === 'RUNNING')
    .map(({ taskDefinitionArn }) => taskDefinitionArn);
  const taskDefinition = world.ecs.service(service)?.taskDefinition ?? '';
  return { cluster: resources[settings.names.cluster] as string, service, taskDefinition, running };
}

/** The task definition of the very first relay task: the one on SQLite. */
export function oldTaskDefinition(stage: Stage): string {
  const { service } = relayService(stage);
  const first = stage.world.ecs.tasks().find(({ group }) => group === `service:${service}`);
  return first?.taskDefinitionArn as string;
}

/** Waits, in real time, for what a real process has to do. @throws Error after half a minute */
export async function until({ options }: Stage, isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + WAIT_MILLISECONDS_MAX;
  while (!isSo()) {
    options.signal.throwIfAborted();
    if (Date.now() > deadline) throw new Error('The relay that the fault needs did not start.');
    await pause(POLL_MILLISECONDS);
  }
}

export function migrationTaskDefinition({ world, options: { settings } }: Stage): string {
  return world.cloudFormation.stackResources(settings.stackName)[settings.names.migrationTaskDefinition] as string;
}

/** Puts a program in the place of the migrator, `missing` for an image that cannot be pulled; undefined: the migrator again. */
export function withMigrator(stage: Stage, program: Program | 'missing' | undefined): void {
  const image = stage.world.ecs.imageOf(migrationTaskDefinition(stage)) as string;
  if (program === undefined) stage.world.programs.delete(image);
  else stage.world.programs.set(image, program);
}

/** Lets the next update of the service fail for a reason; see `NEVER_ENDS`. */
export function failService({ world }: Stage, reason: string): void {
  world.failingUpdates.set('AWS::ECS::Service', reason);
}
