import { Command } from 'commander';
import { printableJson } from '../migrator/printable.ts';
import { awsFailure } from './aws-failure.ts';
import { addCloudOptions, type Cloud, type CloudOptions, openCloud } from './cloud.ts';
import { sayFailure } from './failure.ts';
import { wrapped } from './wrapped.ts';

export interface CloudCommandTexts {
  summary: string;
  description: string;
  /** What `--json` prints. */
  json?: string;
  /** What follows the options in the help: exit codes, examples. */
  notes: string;
}

/** As wide as a terminal mostly is; commander leaves what follows the options as it is. */
const HELP_COLUMNS = 80;

/** Sentences are broken into lines, what is set in stays as it is. */
function inColumns(notes: string): string {
  const lines = notes.split('\n');
  return lines.flatMap((line) => (line.startsWith(' ') ? [line] : wrapped(line, HELP_COLUMNS))).join('\n');
}

/** A command that talks to AWS, with the options that all of them have. */
export function cloudCommand(program: Command, name: string, texts: CloudCommandTexts): Command {
  const command = new Command(name)
    .copyInheritedSettings(program)
    .summary(texts.summary)
    .description(texts.description)
    .addHelpText('after', `\n${inColumns(texts.notes)}`);
  return addCloudOptions(command, texts.json);
}

/** Does the work of such a command and sets the exit code; a failure of AWS becomes one sentence. */
export async function inCloud(
  options: CloudOptions,
  work: (cloud: Cloud) => Promise<number | undefined>,
): Promise<void> {
  let cloud: Cloud | undefined;
  try {
    cloud = openCloud(options);
    process.exitCode = (await work(cloud)) ?? 0;
  } catch (error) {
    process.exitCode = sayFailure(cloud ? awsFailure(error, cloud.client) : error);
  }
}

/** One JSON document on the standard output. */
export function printJson(value: unknown): void {
  process.stdout.write(`${printableJson(value, 2)}\n`);
}
