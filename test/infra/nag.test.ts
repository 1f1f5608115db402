import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Validations } from 'aws-cdk-lib';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { synthesize } from '../../infra/synthesize.ts';
import { parseSettings } from '../../statemachine/settings.ts';

/** Synthesizes as the command does, but deaf to acknowledgements: gives the rules that are broken then. */
function brokenRules(): string[] {
  const outdir = mkdtempSync(join(tmpdir(), 'cutover-nag-'));
  const acknowledged = vi.spyOn(Validations.prototype, 'acknowledge').mockImplementation(() => {});
  // What the command line of CDK says with --exclusively: the functions' bundles take longer than all the rest, and no rule looks at them.
  vi.stubEnv('CDK_CONTEXT_JSON', JSON.stringify({ 'aws:cdk:bundling-stacks': [] }));
  onTestFinished(() => {
    vi.unstubAllEnvs();
    acknowledged.mockRestore();
    rmSync(outdir, { recursive: true, force: true });
  });
  expect(() => synthesize(parseSettings(), outdir)).toThrow(/A copy of this report/);
  const report = readFileSync(join(outdir, 'validation-report.json'), 'utf8');
  return [...new Set(report.match(/AwsSolutions-[A-Z]+[0-9]+/g))].sort();
}

describe('cdk-nag', () => {
  it('looks at what is synthesized: only acknowledgements with a reason stand between it and an error', () => {
    expect(brokenRules()).toEqual(['AwsSolutions-IAM5', 'AwsSolutions-S1', 'AwsSolutions-SQS3']);
  });
});
