import { resolve } from 'node:path';
import type { Command } from 'commander';
import { runChild } from './child-program.ts';
import { type CloudOptions, findDeployed } from './cloud.ts';
import { cloudCommand, inCloud, printJson } from './cloud-command.ts';

export function deployCommand(program: Command): Command {
  return cloudCommand(program, 'deploy', {
    summary: 'put the state machines beside the stack of the relay, or bring them up to date',
    description:
      'Deploys the stack <stackName>-cutover with the CDK: the state machines, their functions, alarms and the bucket of the artefacts. The stack of the relay is only read. The CDK asks before it widens a permission; what follows "--" goes on to it.',
    json: 'print what the stack has as one JSON object; all else goes to the standard error',
    notes: `Exit codes: 0 deployed, 1 the CDK failed (it says why), 2 refused: settings, credentials, or a stack of the relay that is not as the settings say

"npm run diff" shows what a deployment would change; "npm run destroy" removes the stack.

Examples:
  relay-cutover deploy
  relay-cutover deploy --settings staging.yaml --profile relay-admin
  relay-cutover deploy -- --require-approval never`,
  })
    .argument('[cdk-options...]', 'behind "--": options of "cdk deploy"')
    .action((cdkOptions: string[], options: CloudOptions) =>
      inCloud(options, async (cloud) => {
        const { region, profile } = cloud.client;
        const exitCode = await runChild({
          script: 'infra/command.ts',
          args: [
            'deploy',
            ...(options.settings === undefined ? [] : ['--settings', resolve(options.settings)]),
            ...['--region', region, '--', ...cdkOptions],
          ],
          environment: { AWS_REGION: region, ...(profile !== undefined && { AWS_PROFILE: profile }) },
          output: options.json ? 'stderr' : 'stdout',
        });
        if (exitCode !== 0 || !options.json) return exitCode;
        const { artefactBucket, aliases } = await findDeployed(cloud);
        printJson({
          stackName: `${cloud.settings.stackName}-cutover`,
          region,
          artefactBucket,
          aliases: Object.fromEntries(aliases),
        });
        return exitCode;
      }),
    );
}
