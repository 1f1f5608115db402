import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Stack } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { buildSync } from 'esbuild';
import {
  FUNCTIONS,
  type FunctionName,
  STANDING_FUNCTIONS,
  type StandingFunctionName,
} from '../statemachine/functions.ts';

let directory: string | undefined;

/**
 * The bundle of a function. All of them are made at once, once in a process: CDK would start a program for each, which takes
 * twenty seconds of a processor for all.
 */
export function bundleOf(stack: Stack, name: FunctionName | StandingFunctionName): Code {
  if (!stack.bundlingRequired) return Code.fromInline('// Nobody asked for bundles.');
  directory ??= bundleAll();
  return Code.fromAsset(join(directory, name));
}

function bundleAll(): string {
  const outdir = mkdtempSync(join(tmpdir(), 'relay-cutover-functions-'));
  // Until the end: CDK copies what it deploys when it synthesizes.
  process.once('exit', () => rmSync(outdir, { recursive: true, force: true }));
  const names = [...Object.keys(FUNCTIONS), ...Object.keys(STANDING_FUNCTIONS)];
  buildSync({
    // The names of sources stand in the bundle, and with them in its hash: it must not depend on where one works.
    absWorkingDir: fileURLToPath(new URL('../', import.meta.url)),
    entryPoints: names.map((name) => ({ in: `lambdas/${name}.ts`, out: `${name}/index` })),
    outdir,
    bundle: true,
    platform: 'node',
    target: 'node24',
    sourcemap: true,
    // pg loads pg-native where it is installed; it is not.
    external: ['pg-native'],
    logLevel: 'error',
  });
  return outdir;
}
