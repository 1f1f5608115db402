import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { createTwoFilesPatch } from 'diff';
import pc from 'picocolors';
import { EDIT_LISTS } from '../lambdas/template-edits/lists.ts';
import { Refused } from '../statemachine/errors.ts';
import { readSettings, SETTINGS_FILE } from '../statemachine/settings-file.ts';
import { sayFailure } from './failure.ts';

interface EditOptions {
  in: string;
  diff?: true;
  settings?: string;
  image?: string;
}

interface PullOptions {
  out?: string;
  settings?: string;
  region?: string;
  profile?: string;
  force?: true;
}

const STANDARD_INPUT = 0;

/** @param program gives its settings to the commands below, such as the exit code of wrong usage */
export function templateCommand(program: Command): Command {
  const command = new Command('template')
    .copyInheritedSettings(program)
    .summary("edit the relay's CloudFormation template as the state machines do, or fetch the deployed one")
    .description(
      "Edits the relay's CloudFormation template (YAML or JSON) as the state machines do, without AWS: the edited text goes to the standard output, the titles of the edits to the standard error. Lines that no edit names stay as they are, and an edit that was made already changes nothing.",
    )
    .addHelpText(
      'after',
      `
Exit codes: 0 edited (or nothing to edit), 1 AWS could not be asked, 2 refused (the message says what to do)

Examples:
  relay-cutover template add-rds --in relay.yaml --diff
  relay-cutover template switch --in relay.yaml > relay-on-postgres.yaml
  relay-cutover template pull --out relay.yaml`,
    );
  const settingsText = `the settings (default: ${SETTINGS_FILE}, if there is one)`;
  for (const { name, purpose } of EDIT_LISTS) {
    const list = new Command(name)
      .description(`${purpose.charAt(0).toUpperCase()}${purpose.slice(1)}.`)
      .summary(purpose)
      .requiredOption('--in <file>', 'the template; - for the standard input')
      .option('--diff', 'print the difference in place of the edited text')
      .option('--settings <file>', settingsText)
      .action((options: EditOptions) => settle(() => edit(name, options)));
    if (name === 'switch') list.option('--image <image>', 'the new relay image (default: newImage of the settings)');
    command.addCommand(list.copyInheritedSettings(command));
  }
  const pull = new Command('pull')
    .description('Fetches the template that is deployed, to be committed after a cutover.')
    .summary('fetch the template that is deployed, to be committed')
    .option('--out <file>', 'where it goes (default: the standard output)')
    .option('--force', 'overwrite a file that differs')
    .option('--settings <file>', settingsText)
    .option('--region <region>', 'the region (default: that of the settings)')
    .option('--profile <name>', "the profile of the AWS CLI's configuration")
    .action((options: PullOptions) => settle(() => pullTemplate(options)));
  return command.addCommand(pull.copyInheritedSettings(command));
}

async function settle(work: () => Promise<void> | void): Promise<void> {
  try {
    await work();
  } catch (error) {
    process.exitCode = sayFailure(error);
  }
}

function edit(name: string, options: EditOptions): void {
  const settings = readSettings(options.settings);
  const list = EDIT_LISTS.find((one) => one.name === name);
  const text = readTemplate(options.in);
  const wanted = { ...settings, ...(options.image !== undefined && { newImage: options.image }) };
  const { text: edited, applied } = list?.apply(text, wanted) ?? { text, applied: [] };
  process.stdout.write(options.diff ? difference(options.in, text, edited) : edited);
  const said = applied.length > 0 ? applied.map((title) => `- ${title}`) : ['- Nothing to edit: it is so already'];
  console.error(said.join('\n'));
}

function readTemplate(path: string): string {
  try {
    return readFileSync(path === '-' ? STANDARD_INPUT : path, 'utf8');
  } catch (cause) {
    throw new Refused(`The template ${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/** A unified diff, coloured on a terminal. */
function difference(path: string, before: string, after: string): string {
  if (before === after) return '';
  const colors = pc.createColors(process.stdout.isTTY === true && !process.env.NO_COLOR);
  const paint = (line: string): string => {
    if (line.startsWith('+')) return colors.green(line);
    return line.startsWith('-') ? colors.red(line) : line;
  };
  const patch = createTwoFilesPatch(path, `${path} (edited)`, before, after, '', '', { context: 3 });
  return patch
    .split('\n')
    .filter((line) => !/^=+$/.test(line))
    .map(paint)
    .join('\n');
}

async function pullTemplate({ out, force, ...options }: PullOptions): Promise<void> {
  const { stackName, ...settings } = readSettings(options.settings);
  const region = options.region ?? settings.region;
  // Of which Node it runs on the user need not be told by the SDK, whose version is pinned.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  // Loaded on demand: no other command of the program needs it.
  const { CloudFormationClient, GetTemplateCommand } = await import('@aws-sdk/client-cloudformation');
  const client = new CloudFormationClient({
    region,
    ...(options.profile !== undefined && { profile: options.profile }),
  });
  let text: string;
  try {
    const { TemplateBody } = await client.send(
      new GetTemplateCommand({ StackName: stackName, TemplateStage: 'Original' }),
    );
    text = TemplateBody ?? '';
  } catch (cause) {
    throw new Error(
      `The template of the stack ${stackName} in ${region} could not be fetched: ${(cause as Error).message}. It takes credentials that may call cloudformation:GetTemplate; check --profile, --region and the settings.`,
      { cause },
    );
  }
  if (out === undefined) {
    process.stdout.write(text);
    return;
  }
  if (!force && existsSync(out) && readFileSync(out, 'utf8') !== text) {
    throw new Refused(
      `The file ${out} is there and differs from the deployed template. Nothing was written. Look at the difference, or say --force.`,
    );
  }
  writeFileSync(out, text);
  console.error(`- The deployed template of ${stackName} is in ${out}; commit it`);
}
