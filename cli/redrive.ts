import type { SFNClient } from '@aws-sdk/client-sfn';
import type { Command } from 'commander';
import { printableJson } from '../migrator/printable.ts';
import { Refused } from '../statemachine/errors.ts';
import { type CloudOptions, findDeployed } from './cloud.ts';
import { cloudCommand, inCloud } from './cloud-command.ts';
import { EXECUTION_ARGUMENT, type FoundExecution, findExecution, openStepFunctions } from './find-execution.ts';
import { addWatchOptions, type WatchOptions, watchExecution } from './watch.ts';

interface RedriveOptions extends CloudOptions, WatchOptions {
  detach?: true;
}

export function redriveCommand(program: Command): Command {
  const command = cloudCommand(program, 'redrive', {
    summary: 'let an execution go on where it failed or is held',
    description:
      'Redrives an execution that failed or is held for an operator, once the cause is removed: it goes on where it stopped. Possible for 14 days. Without an argument: the newest one of any machine. docs/recovery.md says for every state what a redrive does there.',
    json: 'one JSON object a line: the redrive, the states, the ending',
    notes: `Exit codes: 0 it ended well, 1 it failed again or is held, 2 it cannot be redriven

Examples:
  relay-cutover redrive
  relay-cutover redrive restore --detach`,
  })
    .argument('[execution]', EXECUTION_ARGUMENT)
    .option('--detach', 'do not watch');
  return addWatchOptions(command).action((text: string | undefined, options: RedriveOptions) =>
    inCloud(options, async (cloud) => {
      const client = await openStepFunctions(cloud);
      const found = await findExecution(client, cloud, await findDeployed(cloud), text);
      await redrive(client, found);
      const { name, machine, arn } = found;
      if (options.json) process.stdout.write(`${printableJson({ event: 'redriven', machine, name, arn })}\n`);
      else process.stdout.write(`Redrove ${name} of ${machine}\n`);
      return options.detach ? 0 : watchExecution(cloud, client, arn, options);
    }),
  );
}

/** @throws Refused with the reason that Step Functions gives */
async function redrive(client: Pick<SFNClient, 'send'>, { arn, name, machine }: FoundExecution): Promise<void> {
  const { DescribeExecutionCommand, RedriveExecutionCommand } = await import('@aws-sdk/client-sfn');
  const { status, redriveStatus, redriveStatusReason } = await client.send(
    new DescribeExecutionCommand({ executionArn: arn }),
  );
  if (status === 'RUNNING')
    throw new Refused(
      `The execution ${name} of ${machine} is under way. There is nothing to redrive. Follow it: relay-cutover watch ${name}`,
    );
  if (status === 'SUCCEEDED')
    throw new Refused(`The execution ${name} of ${machine} ended well. There is nothing to redrive.`);
  if (redriveStatus === 'NOT_REDRIVABLE')
    throw new Refused(
      `The execution ${name} of ${machine} cannot be redriven any more: ${redriveStatusReason ?? 'Step Functions gives no reason'}. Start a new one, or, where no relay serves, restore; docs/recovery.md says which.`,
    );
  await client.send(new RedriveExecutionCommand({ executionArn: arn }));
}
