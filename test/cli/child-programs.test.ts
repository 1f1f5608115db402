import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/relay-process.ts';

interface Said {
  code: number;
  output: string;
  errors: string;
  /** Whether the profile "nobody" was asked for credentials; it has none. */
  asked: boolean;
}

/** The real program, as somebody who is not signed in to AWS. */
async function program(...args: string[]): Promise<Said> {
  const cwd = await temporaryDirectory();
  mkdirSync(join(cwd, '.aws'));
  writeFileSync(join(cwd, '.aws', 'config'), `[profile nobody]\ncredential_process = touch ${join(cwd, 'asked')}\n`);
  const env = {
    PATH: process.env.PATH,
    HOME: cwd,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(process.cwd(), 'cli/relay-cutover.mjs'), ...args],
      { cwd, env },
      (error, output, errors) =>
        resolve({ code: Number(error?.code ?? 0), output, errors, asked: existsSync(join(cwd, 'asked')) }),
    );
  });
}

describe('relay-cutover deploy', () => {
  it('says what the program behind it says, of the region and the profile that are given, and ends as it ends', async () => {
    expect(await program('deploy', '--region', 'eu-west-1', '--profile', 'nobody')).toEqual({
      code: 2,
      output: '',
      asked: true,
      errors: `Refused: AWS does not let you in (CredentialsProviderError: Could not load credentials from any providers). Expected credentials for eu-west-1 that may read the relay's stack. Sign in, for example by "aws sso login" with AWS_PROFILE set, then repeat.\n`,
    });
  });

  it('refuses settings that it does not know before anything is started', async () => {
    const file = join(await temporaryDirectory(), 'cutover.yaml');
    writeFileSync(file, 'stack: relay\n');
    expect(await program('deploy', '--settings', file)).toEqual({
      code: 2,
      output: '',
      asked: false,
      errors: `Refused: ${file}: The settings are not right:\n  (settings): Unrecognized key: "stack"\n`,
    });
  });
});

describe('relay-cutover bench', () => {
  it('hands its options over to the program that measures, which refuses what cannot be', async () => {
    expect(await program('bench', 'migrator', '--events', '10')).toMatchObject({
      code: 2,
      output: '',
      errors: expect.stringMatching(
        /^error: option '--events <count>' argument '10' is invalid\. Expected a whole number of at least 1000, without separators\.\n/,
      ),
    });
  });

  it('knows its parts, and which of them has options', async () => {
    expect(await program('bench', 'rollback', '--seed', '2')).toMatchObject({
      code: 2,
      errors: expect.stringMatching(/^error: --seed is an option of the part migrator, not of rollback\n/),
    });
    expect(await program('bench', 'everything')).toMatchObject({
      code: 2,
      errors: expect.stringMatching(
        /^error: command-argument value 'everything' is invalid for argument 'part'\. Allowed choices are all, migrator, rehearsal, rollback\.\n/,
      ),
    });
  });
});
