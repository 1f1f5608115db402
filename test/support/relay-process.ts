import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { hexToBytes } from 'nostr-tools/utils';
import { onTestFinished } from 'vitest';
import { connect, type NostrClient } from '../../lambdas/nostr-client.ts';
import { relayProgram } from '../../rehearsal/relay/program.ts';
import type { StoreKind } from '../../rehearsal/relay/settings.ts';
import { unpackBundledData } from '../../rehearsal/source-data.ts';

export const RELAY_SECRET = '01'.repeat(32);
export const RELAY_PUBKEY = '1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f';
export const ADMIN_KEY = hexToBytes('11'.repeat(32));
export const ADMIN_PUBKEY = '4f355bdcb7cc0af728ef3cceb9615d90684bb5b2ca5f859ab0f0b704075871aa';
export const RELAY_HOST = 'relay.test';

export interface RelayProcess {
  port: number;
  url: string;
  /** Sends the signal and gives the exit code once the program has ended. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** A new directory that goes with the test. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'relay-cutover-test-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A copy of the real relay's data directory that goes with the test. */
export async function fixtureData(): Promise<string> {
  const directory = await temporaryDirectory();
  await unpackBundledData(directory);
  return directory;
}

/** Starts the real program and waits until it serves; it is killed with the test at the latest. */
export async function startRelay(store: StoreKind, environment: Record<string, string>): Promise<RelayProcess> {
  const child = spawnRelay(store, {
    PORT: '0',
    RELAY_HOST,
    RELAY_SECRET,
    ADMIN_PUBKEYS: ADMIN_PUBKEY,
    ...environment,
  });
  const ended = once(child, 'exit') as Promise<[number | null]>;
  let errors = '';
  child.stderr.on('data', (data) => {
    errors += data;
  });
  const ready = new Promise<number>((resolve) => {
    createInterface(child.stdout).on('line', (line) => {
      const port = /^listening on (\d+)$/.exec(line)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
  });
  const failed = ended.then(([code]) => Promise.reject(new Error(`The relay ended with exit code ${code}: ${errors}`)));
  failed.catch(() => undefined);
  const port = await Promise.race([ready, failed]);
  return {
    port,
    url: `ws://127.0.0.1:${port}`,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      return (await ended)[0];
    },
  };
}

/** Runs the program with exactly this environment until it ends by itself. */
export async function runRelay(args: string[], environment: Record<string, string>) {
  const child = spawnRelay(undefined, environment, args);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => {
    stdout += data;
  });
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

function spawnRelay(store: StoreKind | undefined, environment: Record<string, string>, args: string[] = []) {
  const program = relayProgram(store ?? 'sqlite');
  const argv = store === undefined ? [...program.args.slice(0, -2), ...args] : program.args;
  // From the root directory, since the rehearsal may be started from anywhere.
  const child = spawn(program.command, argv, { cwd: '/', env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** A client that goes with the test, signed in with the key if one is given. */
export async function clientOf(relay: { url: string }, secretKey?: Uint8Array): Promise<NostrClient> {
  const client = await connect({
    url: relay.url,
    hostHeader: RELAY_HOST,
    timeoutSeconds: 10,
    maxPayloadBytes: 1_048_576,
  });
  onTestFinished(() => client.close());
  if (secretKey !== undefined) await client.authenticate(secretKey);
  return client;
}
