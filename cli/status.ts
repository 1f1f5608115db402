import type { SFNClient } from '@aws-sdk/client-sfn';
import type { Command } from 'commander';
import stringWidth from 'string-width';
import { printable } from '../migrator/printable.ts';
import { type Ending, endingOf } from '../report/ending.ts';
import { describeExecution, readHistory } from '../report/execution-audit.ts';
import { StateTracker } from '../report/states.ts';
import { MACHINE_NAMES } from '../statemachine/machine-names.ts';
import { type Cloud, type CloudOptions, findDeployed } from './cloud.ts';
import { cloudCommand, inCloud, printJson } from './cloud-command.ts';
import { endingLines } from './ending-lines.ts';
import { type Colors, padded } from './execution-lines.ts';
import { type FoundExecution, newestExecutions, openStepFunctions } from './find-execution.ts';
import { moment } from './history.ts';
import { standardOutput } from './standard-output.ts';

/** Where one machine stands: its newest execution. */
export interface MachineStatus extends Omit<FoundExecution, 'startedAt' | 'stoppedAt'> {
  /** ISO 8601. */
  startedAt: string;
  stoppedAt: string | null;
  /** Names of the states in which it is now; empty when it has ended. */
  states: string[];
  ending: Ending;
}

export function statusCommand(program: Command): Command {
  return cloudCommand(program, 'status', {
    summary: 'where every machine stands, and what is to be done next',
    description:
      'Lists the newest execution of each machine: how it ended, or in which state it is, and what is to be done next.',
    notes: `Exit codes: 0 told, 1 AWS could not be asked, 2 nothing is deployed yet

Example:
  relay-cutover status --profile production`,
  }).action((options: CloudOptions) =>
    inCloud(options, async (cloud) => {
      const machines = await statusOf(cloud, await openStepFunctions(cloud));
      if (options.json) printJson({ stack: cloud.settings.stackName, region: cloud.client.region, machines });
      else {
        const { colors } = standardOutput();
        process.stdout.write(`Stack ${cloud.settings.stackName} in ${cloud.client.region}\n`);
        for (const line of statusLines(machines, colors)) process.stdout.write(`${line}\n`);
      }
      return 0;
    }),
  );
}

/** The newest execution of each machine, the newest of all first. */
async function statusOf(cloud: Cloud, client: Pick<SFNClient, 'send'>): Promise<MachineStatus[]> {
  const { stackName } = cloud.settings;
  const newest = await newestExecutions(client, await findDeployed(cloud), stackName);
  return Promise.all(
    newest.map(async ({ startedAt, stoppedAt, ...one }) => {
      const standing = await describeExecution(client, one.arn, stackName);
      const tracker = new StateTracker();
      if (one.status === 'RUNNING') for (const event of await readHistory(client, one.arn)) tracker.add(event);
      return {
        ...one,
        startedAt: startedAt.toISOString(),
        stoppedAt: stoppedAt?.toISOString() ?? null,
        states: [...new Set([...tracker.open].map(({ record }) => record.name))],
        ending: endingOf(standing),
      };
    }),
  );
}

/** A table of the machines, and the words of the newest execution. */
export function statusLines(machines: MachineStatus[], colors: Colors): string[] {
  const [newest] = machines;
  const rows = MACHINE_NAMES.map((name) => {
    const one = machines.find(({ machine }) => machine === name);
    if (!one) return [name, 'never started'];
    const at = one.states.length > 0 ? `running: ${one.states.join(', ')}` : one.ending.outcome;
    const redriven = one.redrives > 0 ? `, redriven ${one.redrives}x` : '';
    return [name, `${at}${redriven}`, moment(one.startedAt), one.name];
  });
  const widths = [0, 1, 2].map((place) => Math.max(...rows.map((row) => stringWidth(printable(row[place] ?? '')))));
  return [
    ...rows.map(
      (row) =>
        `  ${row
          .map((text, place) => padded(printable(text), widths[place] ?? 0))
          .join('  ')
          .trimEnd()}`,
    ),
    ...(newest ? endingLines(newest.ending, colors) : ['Nothing was started yet. Begin with: relay-cutover plan']),
  ];
}
