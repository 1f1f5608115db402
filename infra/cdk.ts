import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { CLOUD_ASSEMBLY } from './synthesize.ts';

const require = createRequire(import.meta.url);

/** Runs one command of the CDK; resolves with its exit code. */
export type RunCdk = (args: string[]) => Promise<number>;

/** The CDK command line of this project, on what was synthesized, at this terminal. It asks before it widens a permission. */
export const runCdk: RunCdk = async (args) => {
  const child = spawn(process.execPath, [require.resolve('aws-cdk/bin/cdk'), ...args, '--app', CLOUD_ASSEMBLY], {
    stdio: 'inherit',
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return code ?? 1;
};

/** `--parameters Name=value` for each. */
export function parameterOptions(parameters: Record<string, string>): string[] {
  return Object.entries(parameters).flatMap(([name, value]) => ['--parameters', `${name}=${value}`]);
}
