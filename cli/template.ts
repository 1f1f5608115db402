import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { EDIT_LISTS } from '../lambdas/template-edits/lists.ts';
import { Refused } from '../statemachine/errors.ts';
import { readSettings, SETTINGS_FILE } from '../statemachine/settings-file.ts';
import { addCloudOptions, type Cloud, type CloudOptions } from './cloud.ts';
import { inCloud, printJson } from './cloud-command.ts';
import { painted, unifiedDiff } from './difference.ts';
import { sayFailure } from './failure.ts';
import { standardOutput } from './standard-output.ts';

interface EditOptions {
  in: string;
  diff?: true;
  settings?: string;
  image?: string;
  json?: true;
}

interface PullOptions extends CloudOptions {
  out?: string;
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
Exit codes: 0 edited (or nothing to edit), 1 AWS could not be asked, 2 refused
(the message says what to do)

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
      .option('--json', 'print the titles of the edits, the edited text and the difference as JSON')
      .addHelpText(
        'after',
        `\nExit codes: 0 edited (or nothing to edit), 2 refused (it says why)\n\nExamples:\n  relay-cutover template ${name} --in relay.yaml --diff\n  relay-cutover template ${name} --in - < relay.yaml > edited.yaml`,
      )
      .action((options: EditOptions) => settle(() => edit(name, options)));
    if (name === 'switch') list.option('--image <image>', 'the new relay image (default: newImage of the settings)');
    command.addCommand(list.copyInheritedSettings(command));
  }
  const pull = addCloudOptions(new Command('pull'), 'print the text, or where it has gone, as JSON')
    .description('Fetches the template that is deployed, to be committed after a cutover.')
    .summary('fetch the template that is deployed, to be committed')
    .option('--out <file>', 'where it goes (default: the standard output)')
    .option('--force', 'overwrite a file that differs')
    .addHelpText(
      'after',
      '\nExit codes: 0 fetched, 1 AWS could not be asked, 2 refused (it says why)\n\nExample:\n  relay-cutover template pull --out relay.yaml',
    )
    .action((options: PullOptions) => inCloud(options, (cloud) => pullTemplate(cloud, options)));
  return command.addCommand(pull.copyInheritedSettings(command));
}

function settle(work: () => void): void {
  try {
    work();
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
  const difference = unifiedDiff(options.in, text, edited);
  if (options.json) {
    printJson({ edits: applied, template: edited, difference });
    return;
  }
  const { colors } = standardOutput();
  process.stdout.write(options.diff ? painted(difference, colors) : edited);
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

async function pullTemplate({ settings, client: configuration }: Cloud, options: PullOptions): Promise<number> {
  const { out, force, json } = options;
  const { stackName } = settings;
  // Loaded on demand: no other command of the program needs it.
  const { CloudFormationClient, GetTemplateCommand } = await import('@aws-sdk/client-cloudformation');
  const client = new CloudFormationClient(configuration);
  const asked = new GetTemplateCommand({ StackName: stackName, TemplateStage: 'Original' });
  const { TemplateBody: text = '' } = await client.send(asked).catch((cause: Error) => {
    if (cause.name !== 'ValidationError' || !/does not exist/.test(cause.message)) throw cause;
    throw new Refused(
      `There is no stack ${stackName} in ${configuration.region}. Expected the stack that runs the relay. Correct --settings, --region and --profile.`,
      { cause },
    );
  });
  if (out === undefined) {
    if (json) printJson({ stackName, template: text });
    else process.stdout.write(text);
    return 0;
  }
  if (!force && existsSync(out) && readFileSync(out, 'utf8') !== text) {
    throw new Refused(
      `The file ${out} is there and differs from the deployed template. Nothing was written. Look at the difference, or say --force.`,
    );
  }
  writeFileSync(out, text);
  if (json) printJson({ stackName, file: out });
  else console.error(`- The deployed template of ${stackName} is in ${out}; commit it`);
  return 0;
}
