import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CloudFormationClient, type Stack } from '@aws-sdk/client-cloudformation';
import { RDSClient } from '@aws-sdk/client-rds';
import { S3Client } from '@aws-sdk/client-s3';
import { resolveRelay } from '../../infra/resolve-relay.ts';
import { synthesize } from '../../infra/synthesize.ts';
import type { Settings } from '../../statemachine/settings.ts';
import { BOOTSTRAP_TEMPLATE, publishAssets } from './assets.ts';
import type { Emulator } from './emulator.ts';
import { createStack } from './stacks.ts';
import { templateForEmulator } from './template-for-emulator.ts';

/**
 * Synthesizes the stack of the cutover and deploys it on the emulator, by a change set and with its assets in S3.
 * What it has to know of the relay's stack is looked up as `npm run deploy` does.
 */
export async function deployCutover(settings: Settings, emulator: Emulator, directory: string): Promise<Stack> {
  const { stackName, templateFile } = synthesize(settings, directory);
  const cloudFormation = new CloudFormationClient(emulator.client);
  await createStack(cloudFormation, 'CDKToolkit', { TemplateBody: BOOTSTRAP_TEMPLATE }, {});
  const template = templateForEmulator(await readFile(join(directory, templateFile), 'utf8'));
  const s3 = new S3Client({ ...emulator.client, forcePathStyle: true });
  const TemplateURL = await publishAssets(s3, directory, stackName, template);
  const parameters = await resolveRelay({ cloudFormation, rds: new RDSClient(emulator.client) }, settings);
  return createStack(cloudFormation, stackName, { TemplateURL }, parameters);
}
