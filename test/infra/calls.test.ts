import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { ALL_FUNCTION_NAMES, mayOf } from '../support/synthesized.ts';

/** IAM's prefix of the actions of a client. */
const PREFIXES: Record<string, string> = {
  'client-application-auto-scaling': 'application-autoscaling',
  'client-cloudformation': 'cloudformation',
  'client-ec2': 'ec2',
  'client-ecs': 'ecs',
  'client-efs': 'elasticfilesystem',
  'client-elastic-load-balancing-v2': 'elasticloadbalancing',
  'client-rds': 'rds',
  'client-s3': 's3',
  'client-sfn': 'states',
  'client-sns': 'sns',
  'lib-dynamodb': 'dynamodb',
};

/** Where the action has another name than the call. */
const RENAMED: Record<string, string> = { 'dynamodb:Get': 'dynamodb:GetItem', 'dynamodb:Put': 'dynamodb:PutItem' };

/** Every call of AWS in what a handler's bundle has of our own code, as IAM's actions; what nobody uses is shaken off. */
async function callsOf(name: string): Promise<string[]> {
  const { outputFiles } = await build({
    entryPoints: [`lambdas/${name}.ts`],
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    write: false,
  });
  return [...new Set(callsIn(outputFiles[0]?.text ?? ''))].sort();
}

function callsIn(source: string): string[] {
  const imports = [...source.matchAll(/import \{([^}]*)\} from "@aws-sdk\/([\w-]+)"/g)];
  return [...source.matchAll(/new (\w+)Command\(/g)].map(([, call]) => {
    const from = imports.find(([, names]) => names?.includes(`${call}Command`))?.[2] ?? 'nowhere';
    const action = `${PREFIXES[from] ?? from}:${call}`;
    return RENAMED[action] ?? action;
  });
}

/** Calls that are in the code and that a function never makes: it shares them with the one that does. */
const NEVER_MADE: Record<string, string[]> = {
  'assert-quiet': ['dynamodb:PutItem'],
  'change-stack': ['cloudformation:GetStackPolicy', 'cloudformation:SetStackPolicy', 'dynamodb:PutItem'],
  'delete-file-system': ['dynamodb:PutItem'],
  'finalize-stack': ['cloudformation:GetStackPolicy', 'cloudformation:SetStackPolicy', 'dynamodb:PutItem'],
  'preflight-finalize': [
    'elasticfilesystem:DeleteFileSystem',
    'elasticfilesystem:DeleteMountTarget',
    'elasticfilesystem:DescribeMountTargets',
  ],
  'prepare-stack': ['dynamodb:PutItem'],
  remind: ['dynamodb:PutItem'],
  'scale-service': ['dynamodb:PutItem'],
};

describe('the functions', () => {
  it.each(ALL_FUNCTION_NAMES)('may do every call of AWS that the code of %s makes', async (name) => {
    const calls = await callsOf(name);
    const missing = calls.filter((action) => mayOf(name)[action] === undefined);
    expect(missing).toEqual(NEVER_MADE[name] ?? []);
  });

  it('are looked into: their calls are found', async () => {
    expect(await callsOf('scale-service')).toEqual(['dynamodb:GetItem', 'dynamodb:PutItem', 'ecs:UpdateService']);
    expect((await callsOf('change-stack')).length).toBeGreaterThan(8);
  });
});
