import type { HistoryEvent } from '@aws-sdk/client-sfn';
import type { Command } from 'commander';
import { printable } from '../migrator/printable.ts';
import { endingOf } from '../report/ending.ts';
import { type ExecutionAudit, readExecution } from '../report/execution-audit.ts';
import { LiveModel } from '../report/live-state.ts';
import { statesOf } from '../report/states.ts';
import { type CloudOptions, findDeployed } from './cloud.ts';
import { cloudCommand, inCloud, printJson } from './cloud-command.ts';
import { endingLines } from './ending-lines.ts';
import { announcementLine, type Colors } from './execution-lines.ts';
import { EXECUTION_ARGUMENT, findExecution, openStepFunctions } from './find-execution.ts';
import { standardOutput } from './standard-output.ts';

export function historyCommand(program: Command): Command {
  return cloudCommand(program, 'history', {
    summary: 'the audit of an execution: every state, retry and redrive',
    description:
      'Prints what an execution has done, redrives included: when each state began and ended, how often it was tried, with which error, and how it all ended. Without an argument: the newest execution of any machine.',
    json: 'everything that Step Functions knows of it, its events included, as one JSON object',
    notes: `Exit codes: 0 printed, 1 AWS could not be asked, 2 there is no such execution

Examples:
  relay-cutover history
  relay-cutover history cutover
  relay-cutover history cutover-20261128T020000Z --json > audit.json`,
  })
    .argument('[execution]', EXECUTION_ARGUMENT)
    .action((text: string | undefined, options: CloudOptions) =>
      inCloud(options, async (cloud) => {
        const client = await openStepFunctions(cloud);
        const { arn } = await findExecution(client, cloud, await findDeployed(cloud), text);
        const audit = await readExecution(client, arn, cloud.settings.stackName);
        if (options.json) {
          const { definition: _, ...told } = audit;
          printJson({ ...told, ending: endingOf(audit), states: statesOf(audit.history) });
          return 0;
        }
        const { colors, columns } = standardOutput();
        for (const line of historyLines(audit, columns, colors)) process.stdout.write(`${line}\n`);
        return 0;
      }),
    );
}

/** The audit of one execution, a line for each state, with the time (UTC) at which it ended. */
export function historyLines(audit: ExecutionAudit, columns: number, colors: Colors): string[] {
  const { machine, name, arn, startedAt, stoppedAt, redrives, input, history } = audit;
  const model = new LiveModel(() => 0);
  const states = history.flatMap((event) =>
    model.event(event, machine).map((announcement) => {
      const line = announcementLine(announcement, { columns: columns - TIME_WIDTH, colors, beginning: 'begins' });
      return `${colors.dim(timeOf(event))}${line}`;
    }),
  );
  const ended = stoppedAt === null ? 'runs' : `ended ${moment(stoppedAt)}`;
  const redriven = redrives > 0 ? `, redriven ${redrives === 1 ? 'once' : `${redrives} times`}` : '';
  return [
    `${printable(name)} of ${printable(machine)}: began ${moment(startedAt)}, ${ended}${redriven}`,
    `  ${printable(arn)}`,
    `  input ${printable(JSON.stringify(input))}`,
    ...states,
    ...endingLines(endingOf(audit), colors),
  ];
}

/** `2026-11-28 02:00:00 UTC` */
export const moment = (iso: string): string => `${iso.slice(0, 19).replace('T', ' ')} UTC`;

const TIME_WIDTH = 8;
const timeOf = ({ timestamp }: HistoryEvent): string => (timestamp?.toISOString() ?? '').slice(11, 11 + TIME_WIDTH);
