import type { SFNClient } from '@aws-sdk/client-sfn';
import { type Command, InvalidArgumentError } from 'commander';
import { printableJson } from '../migrator/printable.ts';
import { endingOf } from '../report/ending.ts';
import { machineOf } from '../report/execution-audit.ts';
import { MIGRATOR_CONTAINER } from '../report/migrator-log.ts';
import { type Cloud, type CloudOptions, findDeployed } from './cloud.ts';
import { cloudCommand, inCloud } from './cloud-command.ts';
import { endingLines } from './ending-lines.ts';
import { EXECUTION_ARGUMENT, findExecution, openStepFunctions } from './find-execution.ts';
import { followExecution } from './follow-execution.ts';
import { createJsonView } from './json-view.ts';
import { createLiveView } from './live-view.ts';
import { createMigratorTail } from './migrator-tail.ts';

export interface WatchOptions {
  json?: true;
  /** Seconds. */
  interval: number;
}

const INTERVAL_SECONDS = 2;
const INTERRUPTED = 130;

export function addWatchOptions(command: Command): Command {
  return command.option('--interval <seconds>', 'how often AWS is asked', seconds, INTERVAL_SECONDS);
}

export function watchCommand(program: Command): Command {
  const command = cloudCommand(program, 'watch', {
    summary: 'follow an execution live: states, rows, the write stop',
    description:
      'Follows an execution: the states that have ended, what runs now and for how long, the rows that the migrator moves, and the clock of the write stop. Without an argument it follows the one that runs, or tells how the newest ended. Ctrl-C leaves the execution running.',
    json: 'one JSON object a line: states, lines of the migrator, the ending',
    notes: `Exit codes: 0 it ended well, 1 it failed or is held, 2 it was refused before anything was changed

Examples:
  relay-cutover watch
  relay-cutover watch restore
  relay-cutover watch arn:aws:states:me-central-1:123456789012:execution:sphere-zooid-relay-cutover:one --json`,
  }).argument('[execution]', EXECUTION_ARGUMENT);
  return addWatchOptions(command).action((text: string | undefined, options: CloudOptions & WatchOptions) =>
    inCloud(options, async (cloud) => {
      const client = await openStepFunctions(cloud);
      const { arn } = await findExecution(client, cloud, await findDeployed(cloud), text);
      return watchExecution(cloud, client, arn, options);
    }),
  );
}

/**
 * Shows an execution until it has ended, or until Ctrl-C, which ends the showing only.
 *
 * @returns the exit code
 */
export async function watchExecution(
  cloud: Cloud,
  client: Pick<SFNClient, 'send'>,
  arn: string,
  { json, interval }: WatchOptions,
): Promise<number> {
  const { stackName } = cloud.settings;
  const machine = machineOf(arn, stackName);
  const name = arn.split(':').at(-1) ?? arn;
  const view = json
    ? createJsonView((line) => process.stdout.write(`${line}\n`))
    : createLiveView(process.stdout, process.env, { beginning: 'begins', clock: Date.now });
  const tail = createMigratorTail(cloud.client);
  let isTailed = true;
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  /** The states matter more than the migrator's words: whoever may not read these still sees those. */
  const readTail = async (): Promise<void> => {
    if (!isTailed) return;
    try {
      for (const line of await tail.read()) view.log(MIGRATOR_CONTAINER, line);
    } catch (error) {
      isTailed = false;
      view.step(`The migrator's log cannot be read and is left out: ${(error as Error).message}`);
    }
  };
  try {
    const end = await followExecution({
      ...{ client, arn, stackName, intervalSeconds: interval, signal: interrupted.signal },
      async onLook(events) {
        tail.see(events);
        // What the migrator has said while its state ran is shown before the end of the state.
        const submitted = events.findLastIndex(({ type }) => type === 'TaskSubmitted');
        for (const event of events.slice(0, submitted + 1)) view.event(event, machine);
        await readTail();
        for (const event of events.slice(submitted + 1)) view.event(event, machine);
      },
      onTrouble: (error) => view.step(`AWS could not be asked and is asked again: ${error.message}`),
    });
    view.end();
    const ending = endingOf(end);
    if (json) process.stdout.write(`${printableJson({ event: 'ended', machine, name, ...ending })}\n`);
    else
      process.stdout.write(
        endingLines(ending, view.colors)
          .map((line) => `${line}\n`)
          .join(''),
      );
    return ending.exitCode ?? 1;
  } catch (error) {
    view.end();
    if (!interrupted.signal.aborted) throw error;
    process.stderr.write(`The execution ${name} goes on. Follow it: relay-cutover watch ${name}\n`);
    return INTERRUPTED;
  } finally {
    view.end();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

function seconds(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError(`"${text}" is not a number of seconds above 0.`);
}
