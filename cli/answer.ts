import { userInfo } from 'node:os';
import { Command } from 'commander';
import { Refused } from '../statemachine/errors.ts';
import { answerFunctionName } from '../statemachine/functions.ts';
import { readSettings, SETTINGS_FILE } from '../statemachine/settings-file.ts';
import { sayFailure } from './failure.ts';
import { printable } from './printable.ts';

interface AnswerOptions {
  by: string;
  reason?: string;
  settings?: string;
  region?: string;
  profile?: string;
}

const EXIT_CODES =
  '\nExit codes: 0 done, or so already; 1 the function could not be reached; 2 refused (the message says what to do)';

export function approveCommand(program: Command): Command {
  return answerCommand(
    program,
    'approve',
    'let a cutover begin that waits for approval',
    'Approves a cutover that was started with {"approve": true} and waits. The message that asks for the approval has the plan and the ARN.',
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
  const command = new Command(answer)
    .copyInheritedSettings(program)
    .summary(summary)
    .description(description)
    .argument('<execution>', 'the ARN of the execution of cutover')
    .option('--by <name>', 'who says so (default: the name of the user)')
    .option('--settings <file>', `the settings (default: ${SETTINGS_FILE}, if there is one)`)
    .option('--region <region>', "the region (default: that of the execution's ARN)")
    .option('--profile <name>', "the profile of the AWS CLI's configuration")
    .addHelpText('after', EXIT_CODES)
    .action(async (execution: string, options: Omit<AnswerOptions, 'by'> & { by?: string }) => {
      try {
        const by = options.by ?? userInfo().username;
        process.stdout.write(`${printable(await giveAnswer(answer, execution, { ...options, by }))}\n`);
      } catch (error) {
        process.exitCode = sayFailure(error);
      }
    });
  if (answer === 'reject') command.requiredOption('--reason <text>', 'why; it stands in the ending of the execution');
  else command.option('--reason <text>', 'a remark, kept with the answer');
  return command;
}

async function giveAnswer(
  answer: 'approve' | 'reject',
  execution: string,
  { by, reason, ...options }: AnswerOptions,
): Promise<string> {
  const { stackName } = readSettings(options.settings);
  const arnRegion = regionOf(execution);
  const region = options.region ?? arnRegion;
  // Of which Node it runs on the user need not be told by the SDK, whose version is pinned.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  // Loaded on demand: no other command of the program needs it.
  const { LambdaClient, InvokeCommand } = await import('@aws-sdk/client-lambda');
  const client = new LambdaClient({ region, ...(options.profile !== undefined && { profile: options.profile }) });
  const name = answerFunctionName(stackName);
  const Payload = JSON.stringify({ execution, answer, by, ...(reason !== undefined && { reason }) });
  const { FunctionError, Payload: returned } = await client
    .send(new InvokeCommand({ FunctionName: name, Payload }))
    .catch((cause: Error) => {
      throw new Error(
        `The function ${name} in ${region} could not be called: ${cause.message}. It takes credentials that may call lambda:InvokeFunction; check --profile, --region and the settings.`,
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

/** @throws Refused for anything but the ARN of an execution: its name alone says neither region nor account */
function regionOf(execution: string): string {
  const region = /^arn:[^:]+:states:([^:]+):\d+:execution:[^:]+:[^:]+$/.exec(execution)?.[1];
  if (region !== undefined) return region;
  throw new Refused(
    `"${execution}" is not the ARN of an execution. Expected arn:aws:states:<region>:<account>:execution:<machine>:<name>; the message that asks for the approval has it, and the console too.`,
  );
}
