import { fileURLToPath } from 'node:url';
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { Settings } from '../statemachine/settings.ts';
import { CutoverStack } from './cutover-stack.ts';

/** Where the CDK command line finds what was synthesized. */
export const CLOUD_ASSEMBLY = fileURLToPath(new URL('../cdk.out', import.meta.url));

/**
 * Writes the stack's template and the bundles of its functions; needs no credentials.
 *
 * @throws Error with every finding of cdk-nag (AwsSolutions) that no acknowledgement answers
 */
export function synthesize(settings: Settings, outdir = CLOUD_ASSEMBLY): CutoverStack {
  const app = new App({ outdir });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  const stack = new CutoverStack(app, settings);
  app.synth();
  return stack;
}
