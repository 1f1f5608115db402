import type { Command } from 'commander';
import { Refused } from '../statemachine/errors.ts';
import type { Settings } from '../statemachine/settings.ts';
import { readSettings, SETTINGS_FILE } from '../statemachine/settings-file.ts';
import { awsFailure } from './aws-failure.ts';

/** What every command says that talks to AWS. */
export interface CloudOptions {
  settings?: string;
  region?: string;
  profile?: string;
  json?: true;
}

/** What a client of the SDK is made with; endpoints and credentials it finds as the AWS CLI does. */
export interface ClientConfiguration {
  region: string;
  profile?: string;
}

/** The account, as the command line names it. */
export interface Cloud {
  settings: Settings;
  client: ClientConfiguration;
}

/** @param json what the machine-readable form holds */
export function addCloudOptions(command: Command, json = 'print the result as JSON'): Command {
  return command
    .option('--settings <file>', `the settings (default: ${SETTINGS_FILE}, if there is one)`)
    .option('--region <region>', 'the region (default: that of the settings)')
    .option('--profile <name>', "the profile of the AWS CLI's configuration")
    .option('--json', json);
}

/** @throws Refused when the settings are not right */
export function openCloud({ settings: file, region, profile }: CloudOptions): Cloud {
  // Of which Node it runs on the user need not be told by the SDK, whose version is pinned.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  const settings = readSettings(file);
  return { settings, client: { region: region ?? settings.region, ...(profile !== undefined && { profile }) } };
}

/** The stack of the state machines, and what its outputs name. */
export interface DeployedStack {
  /** The bucket of the original templates, the archive and the reports. */
  artefactBucket: string;
  /** ARN of the alias by which a machine is started, by the machine's name. */
  aliases: Map<string, string>;
}

/**
 * Finds the state machines by the outputs of their stack.
 *
 * @throws Refused when there is no such stack yet
 */
export async function findDeployed({ settings, client: configuration }: Cloud): Promise<DeployedStack> {
  const StackName = `${settings.stackName}-cutover`;
  // Loaded on demand: commands without AWS need none of it.
  const { CloudFormationClient, DescribeStacksCommand } = await import('@aws-sdk/client-cloudformation');
  const client = new CloudFormationClient(configuration);
  const answer = await client.send(new DescribeStacksCommand({ StackName })).catch((error: Error) => {
    if (error.name === 'ValidationError' && /does not exist/.test(error.message)) {
      throw new Refused(
        `There is no stack ${StackName} in ${configuration.region}. Expected the stack of the state machines. Deploy it with "relay-cutover deploy", or correct --settings, --region and --profile.`,
        { cause: error },
      );
    }
    throw awsFailure(error, configuration);
  });
  const outputs = new Map(
    (answer.Stacks?.[0]?.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]),
  );
  const aliases = [...outputs].flatMap(([key, value]): [string, string][] => {
    const [, machine] = /^(\w+)StateMachine$/.exec(key) ?? [];
    return machine === undefined ? [] : [[machine.toLowerCase(), value]];
  });
  return { artefactBucket: outputs.get('Artefacts') ?? '', aliases: new Map(aliases) };
}
