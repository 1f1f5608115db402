import { setTimeout as pause } from 'node:timers/promises';
import { EXIT_CODES } from '../migrator/main.ts';
import { Refused } from '../statemachine/errors.ts';
import type { Stage } from './stage.ts';
import { servedEvents } from './writer.ts';

const RELAY_START_MILLISECONDS = 20_000;

/**
 * What `prepare` does in the cloud, as far as the data: check the source and load it into PostgreSQL while the relay is
 * live and clients publish.
 *
 * @throws Refused when the migrator refuses the source or the target, Error when the relay does not come up
 */
export async function prepare(stage: Stage): Promise<void> {
  await runMigrator(stage, 'check');
  await runMigrator(stage, 'load');
}

async function runMigrator({ options, world }: Stage, mode: string): Promise<void> {
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
    onLog: (line) => void lines.push(line),
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

/** @throws Error when the relay does not come up, or does not answer for this domain */
export async function untilRelayAnswers({ world, domain, options }: Stage): Promise<void> {
  const deadline = Date.now() + RELAY_START_MILLISECONDS;
  for (;;) {
    try {
      await servedEvents(world.endpoint, []);
      return;
    } catch (error) {
      options.signal.throwIfAborted();
      if (Date.now() > deadline) {
        throw new Error(
          `The old relay does not answer for ${domain}: ${(error as Error).message}. If the data belongs to another domain, say --parameter RelayDomainName=<domain>.`,
        );
      }
      await pause(100);
    }
  }
}
