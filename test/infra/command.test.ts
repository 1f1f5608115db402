import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/relay-process.ts';

/** Runs what `npm run <name>` runs, as somebody who is not signed in to AWS. */
async function command(...args: string[]) {
  const home = await temporaryDirectory();
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'infra/command.ts', ...args], {
    encoding: 'utf8',
    env: {
      PATH: process.env.PATH,
      HOME: home,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    },
  });
  return { status, stdout, stderr };
}

describe('the command behind npm run deploy, diff, destroy and synth', () => {
  it.each(['deploy', 'destroy'])('%s says how to sign in, and changes nothing', async (name) => {
    expect(await command(name)).toEqual({
      status: 2,
      stdout: '',
      stderr:
        'Refused: AWS does not let you in (CredentialsProviderError: Could not load credentials from any providers). Expected credentials for me-central-1 that may read the relay\'s stack. Sign in, for example by "aws sso login" with AWS_PROFILE set, then repeat.\n',
    });
  });

  it('refuses settings that it does not know before it asks AWS anything', async () => {
    const file = join(await temporaryDirectory(), 'cutover.yaml');
    writeFileSync(file, 'stack: relay\n');
    expect(await command('deploy', '--settings', file)).toEqual({
      status: 2,
      stdout: '',
      stderr: `Refused: ${file}: The settings are not right:\n  (settings): Unrecognized key: "stack"\n`,
    });
  });

  it('ends with 2 where it is called wrongly', async () => {
    expect(await command('destroy', '--everything')).toMatchObject({
      status: 2,
      stderr: "error: unknown option '--everything'\n",
    });
  });
});
