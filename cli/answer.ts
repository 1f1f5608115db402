import { userInfo } from 'node:os';
import type { SFNClient } from '@aws-sdk/client-sfn';
import type { Command } from 'commander';
import { printable } from '../migrator/printable.ts';
import { parseExecutionArn, readHistory } from '../report/execution-audit.ts';
import { StateTracker } from '../report/states.ts';
import { Refused } from '../statemachine/errors.ts';
import { answerFunctionName } from '../statemachine/functions.ts';
import { type Cloud, type CloudOptions, type DeployedStack, findDeployed } from './cloud.ts';
import { cloudCommand, inCloud, printJson } from './cloud-command.ts';
import { findExecution, newestExecutions, openStepFunctions } from './find-execution.ts';

interface AnswerOptions extends CloudOptions {
  by?: string;
  reason?: string;
}

/** The state of `cutover` that waits for a person. */
const WAITING_STATE = 'AskApproval';

/** Of so many cutovers the newest that waits is looked for. */
const EXECUTIONS_MAX = 10;

export function approveCommand(program: Command): Command {
  return answerCommand(
    program,
    'approve',
    'let a cutover begin that waits for approval',
    'Approves a cutover that was started with {"approve": true} and waits. The message that asks for the approval has the plan.',
  );
}

export function rejectCommand(program: Command): Command {
  return answerCommand(
    program,
    'reject',
    'end a cutover that waits for approval, with nothing changed',
    'Rejects a cutover that was started with {"approve": true} and waits. It ends with nothing changed, and says by whom and why.',
  );
}

function answerCommand(program: Command, answer: 'approve' | 'reject', summary: string, description: string): Command {
  const example = answer === 'reject' ? ' --reason "not today"' : '';
  const command = cloudCommand(program, answer, {
    summary,
    description,
    json: 'print the answer and what has become of it as JSON',
    notes: `Exit codes: 0 done, or so already, 1 AWS could not be asked, 2 refused (it says why)

Examples:
  relay-cutover ${answer}${example}
  relay-cutover ${answer} cutover-20261128T020000Z${example} --by "Ada"`,
  })
    .argument('[execution]', 'ARN or name of the cutover (default: the newest one that waits)')
    .option('--by <name>', 'who says so (default: the name of the user)')
    .action((text: string | undefined, { by = userInfo().username, ...options }: AnswerOptions) =>
      inCloud(options, async (asked) => {
        const cloud = inRegionOf(asked, options.region === undefined ? text : undefined);
        const execution = await executionMeant(cloud, text);
        const sentence = await giveAnswer(cloud, { execution, answer, by, reason: options.reason });
        if (options.json) printJson({ execution, answer, by, sentence });
        else process.stdout.write(`${printable(sentence)}\n`);
        return 0;
      }),
    );
  if (answer === 'reject') command.requiredOption('--reason <text>', 'why; it stands in the ending of the execution');
  else command.option('--reason <text>', 'a remark, kept with the answer');
  return command;
}

/** An ARN says where its execution is. */
function inRegionOf(cloud: Cloud, text = ''): Cloud {
  const region = parseExecutionArn(text)?.region;
  return region === undefined ? cloud : { ...cloud, client: { ...cloud.client, region } };
}

/** Nothing of an ARN needs to be asked, so that whoever may answer need not be able to read executions. */
async function executionMeant(cloud: Cloud, text: string | undefined): Promise<string> {
  if (text !== undefined && parseExecutionArn(text)) return text;
  const client = await openStepFunctions(cloud);
  const deployed = await findDeployed(cloud);
  if (text !== undefined) return (await findExecution(client, cloud, deployed, text)).arn;
  return newestThatWaits(client, cloud, deployed);
}

async function newestThatWaits(
  client: Pick<SFNClient, 'send'>,
  { settings: { stackName } }: Cloud,
  deployed: DeployedStack,
): Promise<string> {
  const newest = await newestExecutions(client, deployed, stackName, ['cutover'], EXECUTIONS_MAX);
  for (const { arn } of newest.filter(({ status }) => status === 'RUNNING')) {
    const tracker = new StateTracker();
    for (const event of await readHistory(client, arn)) tracker.add(event);
    if ([...tracker.open].some(({ record }) => record.name === WAITING_STATE)) return arn;
  }
  throw new Refused(
    `No cutover of the stack ${stackName} waits for approval. Expected one that was started with "relay-cutover start --approve" and has not been answered. "relay-cutover status" says where it stands.`,
  );
}

async function giveAnswer(
  { settings: { stackName }, client: configuration }: Cloud,
  { reason, ...answer }: { execution: string; answer: string; by: string; reason: string | undefined },
): Promise<string> {
  // Loaded on demand: no other command of the program needs it.
  const { LambdaClient, InvokeCommand } = await import('@aws-sdk/client-lambda');
  const client = new LambdaClient(configuration);
  const name = answerFunctionName(stackName);
  const Payload = JSON.stringify({ ...answer, ...(reason !== undefined && { reason }) });
  const { FunctionError, Payload: returned } = await client
    .send(new InvokeCommand({ FunctionName: name, Payload }))
    .catch((cause: Error) => {
      if (cause.name !== 'ResourceNotFoundException') throw cause;
      throw new Refused(
        `There is no function ${name} in ${configuration.region}. Expected that of the stack ${stackName}-cutover. Deploy it with "relay-cutover deploy", or correct --settings, --region and --profile.`,
        { cause },
      );
    });
  return answered(Buffer.from(returned ?? []).toString(), FunctionError !== undefined);
}

/** Source: Lambda developer guide, "Function errors": the error's class is `errorType`. */
function answered(text: string, isError: boolean): string {
  const { sentence, errorType, errorMessage } = JSON.parse(text || '{}') as Record<string, string | undefined>;
  if (!isError && sentence !== undefined) return sentence;
  const said = errorMessage ?? `The function gave no answer that is understood: ${text.slice(0, 200)}`;
  throw errorType === 'Refused' ? new Refused(said) : new Error(said);
}
