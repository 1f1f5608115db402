import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { printable, printableJson } from '../migrator/printable.ts';
import type { JsonObject } from '../statemachine/asl.ts';
import { Refused } from '../statemachine/errors.ts';
import type { MachineName } from '../statemachine/machine-names.ts';
import { type Cloud, type CloudOptions, type DeployedStack, findDeployed } from './cloud.ts';
import { cloudCommand, inCloud, printJson } from './cloud-command.ts';
import { type FoundExecution, newestExecutions, openStepFunctions } from './find-execution.ts';
import { addWatchOptions, type WatchOptions, watchExecution } from './watch.ts';

interface StartCommand {
  command: string;
  machine: MachineName;
  summary: string;
  description: string;
  /** What is said before somebody types the stack's name. */
  consequence: string;
  example: string;
  /** What the execution is started with whatever is asked for. */
  input?: JsonObject;
  choices: Choice[];
}

/** An option without a value, and what it puts into the input of the execution. */
interface Choice {
  flag: `--${string}`;
  text: string;
  input: JsonObject;
}

const HOLD: Choice = {
  flag: '--hold',
  text: 'on a failure stand still until a redrive',
  input: { onFailure: 'hold' },
};

const ALLOW_DELETIONS: Choice = {
  flag: '--allow-deletions',
  text: 'more rows of SQLite than usual may be deleted',
  input: { allowDeletions: true },
};

const STARTS: StartCommand[] = [
  {
    command: 'prepare',
    machine: 'prepare',
    summary: 'add PostgreSQL to the stack and load it, while the relay is live',
    description:
      'Starts the machine prepare: a change set adds the database to the stack of the relay, and the migrator loads it while the relay serves from SQLite as before. May be repeated.',
    consequence: 'The stack gets a database, which costs money from then on. The relay goes on serving from SQLite.',
    example: 'relay-cutover prepare --yes',
    choices: [HOLD],
  },
  {
    command: 'start',
    machine: 'cutover',
    summary: 'start the cutover: write stop, last difference, verification, switch',
    description:
      'Starts the machine cutover: the relay stops, the last difference is brought over, every row is compared, and the relay comes back on PostgreSQL; or, when anything is wrong, on SQLite.',
    consequence:
      'The relay stops, and serves again after the write stop, from PostgreSQL or, if anything is wrong, from SQLite.',
    example: 'relay-cutover start --approve --comment "change 4711"',
    choices: [HOLD, { flag: '--approve', text: 'wait until a person has approved the plan', input: { approve: true } }],
  },
  {
    command: 'rollback',
    machine: 'rollback',
    summary: 'go back to SQLite, with all that PostgreSQL has accepted',
    description:
      'Starts the machine rollback: what PostgreSQL has accepted since the cutover is brought to SQLite and compared, and the old relay serves again. Possible until finalize has run.',
    consequence: 'The relay stops, and serves again from SQLite, with everything that PostgreSQL has accepted.',
    example: 'relay-cutover rollback --hold',
    choices: [HOLD, ALLOW_DELETIONS],
  },
  {
    command: 'finalize',
    machine: 'finalize',
    summary: "archive SQLite's files and take their file system out of the stack",
    description:
      'Starts the machine finalize, some days after the cutover: every file of SQLite goes to the archive and is read back, then the file system leaves the stack. After that there is no rollback.',
    consequence: 'The file system leaves the stack of the relay, and there is no rollback any more.',
    example: 'relay-cutover finalize --delete-file-system',
    choices: [
      HOLD,
      {
        flag: '--delete-file-system',
        text: 'delete the file system, once it is archived',
        input: { deleteFileSystem: true },
      },
    ],
  },
  {
    command: 'restore',
    machine: 'restore',
    summary: 'give up an execution that is held, and bring the old relay back',
    description:
      'Starts the machine restore in place of a cutover or rollback that is held for an operator: it takes the lock over and brings the old relay back, with every row. An execution that failed otherwise has started it already.',
    consequence: 'The execution that is held cannot go on any more. Restore sees to it that a relay serves.',
    example: 'relay-cutover restore',
    input: { takeOver: true },
    choices: [ALLOW_DELETIONS],
  },
];

interface StartOptions extends CloudOptions, WatchOptions {
  name?: string;
  yes?: true;
  detach?: true;
  dryRun?: true;
  comment?: string;
  /** The choices of the command, by their names without dashes. */
  [choice: string]: unknown;
}

/** The commands that start an execution. */
export function startCommands(program: Command): Command[] {
  return STARTS.map((start) => startCommand(program, start));
}

function startCommand(program: Command, start: StartCommand): Command {
  const { command: name, summary, description, example, choices } = start;
  const command = cloudCommand(program, name, {
    summary,
    description: `${description} Then it watches; Ctrl-C leaves the execution running.`,
    json: 'one JSON object a line: the execution, its states, its ending',
    notes: `Exit codes: 0 done, 1 it failed or is held, 2 refused before anything was changed

Example:
  ${example}`,
  })
    .option('--yes', "do not ask for the stack's name")
    .option('--dry-run', 'say what would be started, and start nothing')
    .option('--name <name>', 'the name of the execution: started again by the same name, it is the same execution')
    .option('--comment <text>', 'a remark for the audit');
  for (const { flag, text } of choices) command.option(flag, text);
  command.option('--detach', 'do not watch');
  return addWatchOptions(command).action((options: StartOptions) =>
    inCloud(options, (cloud) => begin(cloud, start, options)),
  );
}

async function begin(cloud: Cloud, start: StartCommand, options: StartOptions): Promise<number> {
  const { stackName } = cloud.settings;
  const input = inputOf(start, options);
  const deployed = await findDeployed(cloud);
  const alias = aliasOf(deployed, start.machine, stackName);
  const client = await openStepFunctions(cloud);
  if (options.dryRun) {
    const planned = { stateMachine: alias, name: options.name ?? null, input, region: cloud.client.region };
    if (options.json) printJson(planned);
    else process.stdout.write(`Would start ${alias} with ${printableJson(input)}. ${start.consequence}\n`);
    return 0;
  }
  const newest = await newestExecutions(client, deployed, stackName);
  const running = newest.find(({ status }) => status === 'RUNNING');
  if (running && running.name !== options.name) throw alreadyRunning(running);
  if (!running) await confirm(cloud, start, options);
  const name = options.name ?? `${start.machine}-${new Date().toISOString().replace(/[-:]|\.\d+/g, '')}`;
  const { StartExecutionCommand } = await import('@aws-sdk/client-sfn');
  const { executionArn: arn = '' } = await client
    .send(new StartExecutionCommand({ stateMachineArn: alias, name, input: JSON.stringify(input) }))
    .catch((cause: Error) => {
      throw cause.name === 'ExecutionAlreadyExists' ? nameTaken(name, start, cause) : cause;
    });
  if (options.json) process.stdout.write(`${printableJson({ event: 'started', machine: start.machine, name, arn })}\n`);
  else process.stdout.write(`Started ${name} of ${start.machine}\n  ${arn}\n  ${consoleUrl(cloud, arn)}\n`);
  if (options.detach) return 0;
  return watchExecution(cloud, client, arn, options);
}

function inputOf({ input, choices }: StartCommand, options: StartOptions): JsonObject {
  const chosen = choices.filter(({ flag }) => options[camelCase(flag)] === true);
  const comment: JsonObject = options.comment === undefined ? {} : { comment: options.comment };
  return Object.assign({}, input, ...chosen.map((choice) => choice.input), comment) as JsonObject;
}

/** As commander names an option. */
const camelCase = (flag: string): string =>
  flag.slice(2).replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

function aliasOf({ aliases }: DeployedStack, machine: MachineName, stackName: string): string {
  const alias = aliases.get(machine);
  if (alias !== undefined) return alias;
  throw new Refused(
    `The stack ${stackName}-cutover has no machine ${machine}. Expected its output ${machine.charAt(0).toUpperCase()}${machine.slice(1)}StateMachine. Deploy it anew with "relay-cutover deploy".`,
  );
}

function alreadyRunning({ machine, name }: FoundExecution): Refused {
  return new Refused(
    `The execution ${name} of ${machine} is under way, and one at a time may change the relay. Nothing was started. Follow it: relay-cutover watch ${name}`,
  );
}

function nameTaken(name: string, { machine, command }: StartCommand, cause: Error): Refused {
  return new Refused(
    `There is an execution ${name} of ${machine} already; it has ended, or was started with another input. Nothing was started. Look at it: relay-cutover history ${name}; or choose another --name for "relay-cutover ${command}".`,
    { cause },
  );
}

/** Whoever starts it types which stack it is for. */
async function confirm(cloud: Cloud, { machine, consequence }: StartCommand, { yes }: StartOptions): Promise<void> {
  if (yes) return;
  const { stackName } = cloud.settings;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new Refused(
      `Nobody is here to confirm the start of ${machine} for the stack ${stackName}. Nothing was started. Say --yes where no one can be asked.`,
    );
  }
  // Standard error, so that the standard output holds nothing but the result; and the terminal's own line, which needs no
  // control sequences and which Ctrl-C ends.
  const terminal = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
  process.stderr.write(`This starts ${machine} for ${stackName} in ${cloud.client.region}. ${consequence}\n`);
  try {
    const answer = await terminal.question(`Type the stack's name to go on: `);
    if (answer.trim() === stackName) return;
    throw new Refused(`"${printable(answer)}" is not ${stackName}. Nothing was started.`);
  } finally {
    terminal.close();
  }
}

function consoleUrl({ client: { region } }: Cloud, arn: string): string {
  return `https://${region}.console.aws.amazon.com/states/home?region=${region}#/v2/executions/details/${arn}`;
}
