import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EC2Client } from '@aws-sdk/client-ec2';
import { RDSClient } from '@aws-sdk/client-rds';
import { SFNClient } from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { Command } from 'commander';
import { Refused } from '../statemachine/errors.ts';
import type { Settings } from '../statemachine/settings.ts';
import { readSettings } from '../statemachine/settings-file.ts';
import { runCdk } from './cdk.ts';
import { cutoverStackName } from './cutover-stack.ts';
import { deploy } from './deploy.ts';
import { destroy } from './destroy.ts';
import { asRefusal } from './resolve-relay.ts';
import { synthesize } from './synthesize.ts';

const say = (line: string): void => console.log(line);
const sleep = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1_000));

const program = new Command('npm run')
  .description('The AWS side of a cutover. What follows "--" goes on to the CDK, such as --require-approval never.')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));

/** One command: settings in, exit code out. */
function add(
  name: string,
  summary: string,
  act: (settings: Settings, cdkOptions: string[], options: { despiteLock?: boolean }) => number | Promise<number>,
): Command {
  return program
    .command(name)
    .description(summary)
    .argument('[cdk-options...]')
    .option('--settings <file>', 'YAML file with the settings (default: cutover.yaml, where there is one)')
    .option('--region <region>', 'the region (default: that of the settings)')
    .action(async (cdkOptions: string[], options: { settings?: string; region?: string; despiteLock?: boolean }) => {
      let region = 'AWS';
      try {
        const settings = {
          ...readSettings(options.settings),
          ...(options.region !== undefined && { region: options.region }),
        };
        region = settings.region;
        process.exitCode = await act(settings, cdkOptions, options);
      } catch (error) {
        const cause = asRefusal(error, region);
        if (!(cause instanceof Refused)) throw error;
        console.error(`Refused: ${cause.message}`);
        process.exitCode = 2;
      }
    });
}

add('synth', 'writes the template and the bundles of the functions to cdk.out; needs no credentials', (settings) => {
  const stack = synthesize(settings);
  say(`Synthesized ${stack.stackName} to cdk.out (${stack.templateFile})`);
  return 0;
});
add('deploy', "puts the stack beside the relay's own, or brings it up to date", (settings, cdkOptions) => {
  const { region } = settings;
  const clients = { cloudFormation: new CloudFormationClient({ region }), rds: new RDSClient({ region }) };
  return deploy({ clients, synthesize, runCdk, say }, settings, cdkOptions);
});
add('diff', 'shows what a deployment would change', (settings, cdkOptions) => {
  synthesize(settings);
  return runCdk(['diff', cutoverStackName(settings), ...cdkOptions]);
});
add(
  'destroy',
  'removes the stack, and waits until nothing of it stands in the network of the relay',
  (settings, cdkOptions, options) => {
    const { region } = settings;
    const clients = {
      cloudFormation: new CloudFormationClient({ region }),
      stepFunctions: new SFNClient({ region }),
      locks: DynamoDBDocumentClient.from(new DynamoDBClient({ region })),
      ec2: new EC2Client({ region }),
    };
    const dependencies = { clients, synthesize, runCdk, say, sleep, now: () => new Date() };
    return destroy(dependencies, settings, { despiteLock: options.despiteLock ?? false, cdkOptions });
  },
).option('--despite-lock', 'also when an execution has not given its lock back and never will');

await program.parseAsync();
