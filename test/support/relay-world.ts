import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { expect } from 'vitest';
import type { Ecs } from '../../lambdas/ecs-tasks.ts';
import { connect } from '../../lambdas/nostr-client.ts';
import { createClock } from '../../rehearsal/clock.ts';
import { unpackBundledData } from '../../rehearsal/source-data.ts';
import type { RehearsalTarget } from '../../rehearsal/target-database.ts';
import { templateParameters } from '../../rehearsal/template-parameters.ts';
import { createWorld, type World } from '../../rehearsal/world.ts';
import { parseSettings } from '../../statemachine/settings.ts';

export const DOMAIN = 'relay.test';
export const SECRET_KEY = '5ec4e7'.padEnd(64, '0');
export const PASSWORD = 'Password0Of0The0Database';
export const TARGET = { host: '127.0.0.1', port: 1, database: 'zooid' };

export interface RelayWorld {
  world: World;
  remove(): Promise<void>;
}

/** The relay's stack from a template, in the local cloud, with a relay that answers; nobody reaches its database. */
export async function relayWorld(template: string): Promise<RelayWorld> {
  const settings = parseSettings();
  const directory = await mkdtemp(join(tmpdir(), 'relay-cutover-test-'));
  const efsDirectory = join(directory, 'efs');
  await unpackBundledData(efsDirectory);
  const world = await createWorld({
    clock: createClock({ speed: Number.POSITIVE_INFINITY }),
    settings,
    // A preflight does not ask the target; only its URL stands in a secret.
    target: { url: `postgres://zooid:${PASSWORD}@127.0.0.1:1/zooid`, address: TARGET } as RehearsalTarget,
    efsDirectory,
    scratchDirectory: directory,
    domain: DOMAIN,
    onLog: () => {},
  });
  const parameters = { RelaySecretKey: SECRET_KEY, [settings.names.domainParameter]: DOMAIN };
  await world.cloudFormation.deploy(settings.stackName, template, templateParameters(settings, parameters, template));
  await untilRelayAnswers(world);
  return {
    world,
    async remove() {
      await world.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function untilRelayAnswers(world: World): Promise<void> {
  for (;;) {
    try {
      const client = await connect({ ...world.endpoint, timeoutSeconds: 5, maxPayloadBytes: 1_048_576 });
      return await client.close();
    } catch {
      await pause(50);
    }
  }
}

/** What an API call answers instead; it may change the answer that it gets. */
export type Changes = Record<string, (answer: never) => unknown>;

/** The clients of a handler, with some of their answers changed on the way. */
export function clientsOf(world: World, changes: Changes): { ecs: Ecs; cloudFormation: CloudFormationClient } {
  const clientOf = (call: (action: string, input: never) => Promise<object>) => ({
    send: async (command: { constructor: { name: string }; input: object }) => {
      const action = command.constructor.name.replace(/Command$/, '');
      const answer = structuredClone(await call(action, structuredClone(command.input) as never));
      return changes[action]?.(answer as never) ?? answer;
    },
  });
  return {
    ecs: clientOf((action, input) => world.ecs.call(action, input)) as unknown as Ecs,
    cloudFormation: clientOf((action, input) =>
      world.cloudFormation.call(action, input),
    ) as unknown as CloudFormationClient,
  };
}

export const refusal = (running: Promise<unknown>): Promise<string> =>
  running.then(
    (result) => expect.fail(`expected a refusal, got ${JSON.stringify(result)}`),
    ({ name, message }: Error) => {
      expect(name).toBe('Refused');
      return message;
    },
  );
