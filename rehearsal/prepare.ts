import { setTimeout as pause } from 'node:timers/promises';
import { EXIT_CODES } from '../migrator/main.ts';
import { Refused } from '../statemachine/errors.ts';
import type { Stage } from './stage.ts';
import { type AcknowledgedEvent, publishNotes, servedEvents } from './writer.ts';

const RELAY_START_MILLISECONDS = 20_000;

/**
 * What `prepare` does in the cloud, as far as the data: check the source and load it into PostgreSQL while the relay is
 * live and clients publish.
 *
 * @returns the events that the relay acknowledged meanwhile
 * @throws Refused when the migrator refuses the source or the target, Error when the relay does not come up
 */
export async function prepare(stage: Stage): Promise<AcknowledgedEvent[]> {
  const { options, world } = stage;
  await untilRelayAnswers(stage);
  await runMigrator(stage, 'check');
  const texts = Array.from({ length: options.publish }, (_, index) => `published while the load ran, ${index + 1}`);
  // Once the migrator has made its copy: what is published from then on is for the reconcile to bring.
  let published: Promise<AcknowledgedEvent[]> | undefined;
  await runMigrator(stage, 'load', (moment) => {
    if (moment === 'source opened') published = publishNotes(world.endpoint, texts);
  });
  const acknowledged = (await published) ?? [];
  if (acknowledged.length > 0)
    options.observer.step(
      `${acknowledged.length} events published to the old relay while the load ran, all acknowledged`,
    );
  return acknowledged;
}

async function runMigrator(
  { options, world }: Stage,
  mode: string,
  onMoment: (name: string) => void = () => {},
): Promise<void> {
  const { names, stackName, verifierRole } = options.settings;
  const lines: string[] = [];
  const taskDefinition = world.cloudFormation.stackResources(stackName)[names.migrationTaskDefinition] as string;
  const task = world.ecs.runTask({
    cluster: world.cloudFormation.stackResources(stackName)[names.cluster] as string,
    taskDefinition,
    group: 'family:migrate',
    overrides: [
      {
        name: names.migrationContainer,
        command: [mode],
        environment: [
          { name: 'CUTOVER_RUN_ID', value: `prepare/${mode}` },
          { name: 'CUTOVER_VERIFIER_ROLE', value: verifierRole },
        ],
      },
    ],
    onLog(line) {
      lines.push(line);
      const moment = /"event":"moment","name":"([^"]*)"/.exec(line)?.[1];
      if (moment !== undefined) onMoment(moment);
    },
  });
  await task.stopped;
  const { exitCode } = task.containers[0] ?? {};
  if (exitCode === EXIT_CODES.verified) return;
  const reason = `The migrator's ${mode} did not succeed: ${reasonIn(lines) ?? task.stoppedReason}`;
  throw exitCode === EXIT_CODES.refused ? new Refused(reason) : new Error(reason);
}

/** The migrator's last JSON line says why it failed. */
function reasonIn(lines: string[]): string | undefined {
  for (const line of lines.reverse()) {
    try {
      const { event, message } = JSON.parse(line) as { event?: string; message?: string };
      if (event === 'result') return message;
    } catch {
      // Not of the migrator: Node writes warnings and stack traces as they are.
      return line;
    }
  }
  return undefined;
}

async function untilRelayAnswers({ world, domain }: Stage): Promise<void> {
  const deadline = Date.now() + RELAY_START_MILLISECONDS;
  for (;;) {
    try {
      await servedEvents(world.endpoint, []);
      return;
    } catch (error) {
      if (Date.now() > deadline) {
        throw new Error(
          `The old relay does not answer for ${domain}: ${(error as Error).message}. If the data belongs to another domain, say --parameter RelayDomainName=<domain>.`,
        );
      }
      await pause(100);
    }
  }
}
