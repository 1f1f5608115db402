import { join } from 'node:path';
import {
  type Deployment,
  DescribeServicesCommand,
  DescribeTasksCommand,
  ListTasksCommand,
  type Task,
} from '@aws-sdk/client-ecs';
import Database from 'better-sqlite3';
import { generateSecretKey, type NostrEvent } from 'nostr-tools/pure';
import { describe, expect, it } from 'vitest';
import type { Ecs } from '../lambdas/ecs-tasks.ts';
import { createHandler, type HealthCheckEvent, HealthCheckFailed } from '../lambdas/health-check.ts';
import { chooseSamples, fetchSamples, type SampleEvent } from '../lambdas/sample-events.ts';
import { NotYet, Refused } from '../statemachine/errors.ts';
import {
  ADMIN_KEY,
  clientOf,
  fixtureData,
  RELAY_HOST,
  startRelay,
  temporaryDirectory,
} from './support/relay-process.ts';
import { note } from './support/relay-rows.ts';

const ARN = 'arn:aws:ecs:me-central-1:000000000000:task-definition';
const NEW = `${ARN}/relay:2`;
const OLD = `${ARN}/relay:1`;
const EVENT: HealthCheckEvent = {
  cluster: 'cluster',
  service: 'service',
  taskDefinition: NEW,
  domain: RELAY_HOST,
  samples: [],
};
const DONE: Deployment = { status: 'PRIMARY', taskDefinition: NEW, rolloutState: 'COMPLETED' };
const task = (taskArn: string, taskDefinitionArn: string, lastStatus = 'RUNNING', desiredStatus = 'RUNNING'): Task => ({
  taskArn,
  taskDefinitionArn,
  lastStatus,
  desiredStatus,
});
const RUNNING = [task('t1', NEW)];

/** ECS with one service; tasks come one a page, and those whose ARN begins with "hand" belong to the family only. */
function fakeEcs(deployments: Deployment[], tasks: Task[]): Ecs {
  const answer = (command: unknown) => {
    if (command instanceof DescribeServicesCommand) {
      expect(command.input).toEqual({ cluster: 'cluster', services: ['service'] });
      return { services: [{ serviceName: 'service', desiredCount: 1, deployments }] };
    }
    if (command instanceof ListTasksCommand) {
      const { serviceName, desiredStatus = 'RUNNING', nextToken = '0' } = command.input;
      const listed = tasks
        .filter((each) => each.desiredStatus === desiredStatus)
        .filter(({ taskArn }) => serviceName === undefined || !taskArn?.startsWith('hand'));
      const page = Number(nextToken);
      return {
        taskArns: listed.slice(page, page + 1).map(({ taskArn }) => taskArn),
        ...(page + 1 < listed.length && { nextToken: String(page + 1) }),
      };
    }
    if (command instanceof DescribeTasksCommand) {
      return { tasks: tasks.filter(({ taskArn }) => command.input.tasks?.includes(taskArn ?? '')) };
    }
    throw new Error('a call that nobody expected');
  };
  return { send: async (command: unknown) => answer(command) } as Ecs;
}

async function failure(failing: Promise<unknown>): Promise<Error> {
  return failing.then(
    (result) => expect.fail(`expected a failure, got ${JSON.stringify(result)}`),
    (error: Error) => error,
  );
}

const NOBODY = { url: 'ws://127.0.0.1:1' };
const NOW = new Date('2026-01-01T12:00:00.000Z');
const now = () => NOW;

describe("the health check's look at ECS", () => {
  const lookAt = (deployments: Deployment[], tasks: Task[], event = EVENT) =>
    failure(createHandler({ ecs: fakeEcs(deployments, tasks), endpoint: () => NOBODY, now })(event));

  it('goes on to the relay when only the task definition runs', async () => {
    const stopped = [task('t0', OLD, 'STOPPED', 'STOPPED'), ...RUNNING];
    const error = await lookAt([DONE, { status: 'INACTIVE', taskDefinition: OLD }], stopped);
    expect(error).toBeInstanceOf(NotYet);
    expect(error.message).toBe(
      'The relay does not answer as it should: ws://127.0.0.1:1 could not be reached: connect ECONNREFUSED 127.0.0.1:1.',
    );
  });

  it.each<[string, Deployment[], Task[], string]>([
    ['no task runs', [DONE], [], 'No task of service service is RUNNING (desired count 1; tasks: none).'],
    [
      'the task is pending or already going',
      [DONE],
      [task('t1', NEW, 'PENDING'), task('t2', NEW, 'RUNNING', 'STOPPED')],
      'No task of service service is RUNNING (desired count 1; tasks: PENDING, RUNNING).',
    ],
    [
      'an older deployment is still active',
      [DONE, { status: 'ACTIVE', taskDefinition: OLD }],
      RUNNING,
      'Service service still has 2 active deployments; expected 1.',
    ],
    [
      'a deployment of another task definition is under way',
      [{ ...DONE, taskDefinition: OLD, rolloutState: 'IN_PROGRESS' }],
      RUNNING,
      `The PRIMARY deployment of service service uses ${OLD}; expected ${NEW}.`,
    ],
    [
      'an old task runs while the deployment is under way',
      [{ ...DONE, rolloutState: 'IN_PROGRESS' }],
      [...RUNNING, task('t0', OLD)],
      `Beside ${NEW} there runs t0 of ${OLD}.`,
    ],
    [
      'an old task has not stopped yet',
      [DONE],
      [...RUNNING, task('t0', OLD, 'DEACTIVATING', 'STOPPED')],
      `Beside ${NEW} there runs t0 of ${OLD}.`,
    ],
    ['there is no deployment', [], [], 'Service service has no PRIMARY deployment.'],
  ])('waits while %s', async (_, deployments, tasks, message) => {
    const error = await lookAt(deployments, tasks);
    expect(error).toBeInstanceOf(NotYet);
    expect(error.message).toBe(message);
  });

  it.each<[string, Deployment[], Task[], string]>([
    [
      'the service is on another task definition for good',
      [{ ...DONE, taskDefinition: OLD }],
      [task('t0', OLD)],
      `The PRIMARY deployment of service service uses ${OLD}; expected ${NEW}.`,
    ],
    [
      'a task of another revision that was started by hand runs beside it',
      [DONE],
      [...RUNNING, task('hand', OLD)],
      `Beside ${NEW} there runs hand of ${OLD}.`,
    ],
    [
      'the deployment failed',
      [{ ...DONE, rolloutState: 'FAILED', rolloutStateReason: 'tasks failed to start' }],
      [],
      'The deployment of service service failed: tasks failed to start.',
    ],
  ])('fails when %s', async (_, deployments, tasks, message) => {
    const error = await lookAt(deployments, tasks);
    expect(error).toBeInstanceOf(HealthCheckFailed);
    expect([error.name, error.message]).toEqual(['HealthCheckFailed', message]);
  });

  it('waits no longer than the write stop may last', async () => {
    expect(await lookAt([DONE], [], { ...EVENT, deadline: '2026-01-01T12:00:01.000Z' })).toBeInstanceOf(NotYet);
    const error = await lookAt([DONE], [], { ...EVENT, deadline: '2026-01-01T11:59:59.000Z' });
    expect([error.name, error.message]).toEqual([
      'DeadlineExceeded',
      'The write stop may not last longer: at its deadline, 2026-01-01T11:59:59.000Z, this was still being waited for: No task of service service is RUNNING (desired count 1; tasks: none).',
    ]);
  });

  it('fails when there is no such service', async () => {
    const ecs = { send: async () => ({ services: [], failures: [{ reason: 'MISSING' }] }) } as unknown as Ecs;
    const error = await failure(createHandler({ ecs, endpoint: () => NOBODY, now })(EVENT));
    expect(error).toBeInstanceOf(HealthCheckFailed);
    expect(error.message).toBe("Service service was not found in cluster cluster: MISSING. Check the settings' names.");
  });

  it('refuses more samples than it can ask for at once, and a task definition without a revision', async () => {
    const samples = Array.from({ length: 33 }, (_, n) => ({ id: `${n}`, sig: '' }));
    const tooMany = await lookAt([DONE], RUNNING, { ...EVENT, samples });
    expect(tooMany).toBeInstanceOf(Refused);
    expect(tooMany.message).toBe('The health check got 33 samples; expected at most 32.');
    expect(await lookAt([DONE], RUNNING, { ...EVENT, taskDefinition: 'relay' })).toBeInstanceOf(Refused);
  });
});

describe("the health check's look at the relay", () => {
  const handlerFor = (url: string, timeoutSeconds = 10) =>
    createHandler({
      ecs: fakeEcs([DONE], RUNNING),
      endpoint: (domain) => ({ url, hostHeader: domain }),
      timeoutSeconds,
      now,
    });

  /** The real relay on the real data, and samples that it gave. */
  async function sampled() {
    const directory = await fixtureData();
    const relay = await startRelay('sqlite', { DATA: directory });
    const samples = await fetchSamples(await clientOf(relay, generateSecretKey()), 32);
    const change = (sql: string, ...parameters: string[]) => {
      const database = new Database(join(directory, 'db'));
      expect(database.prepare(sql).run(...parameters).changes).toBe(1);
      database.close();
    };
    return { relay, samples, change, first: (samples[0] as SampleEvent).id };
  }

  it('finds all samples unaltered on a relay with the same rows', async () => {
    const { relay, samples } = await sampled();
    expect(samples).toHaveLength(32);
    expect(await handlerFor(relay.url)({ ...EVENT, samples })).toEqual({
      domain: RELAY_HOST,
      taskDefinition: NEW,
      checked: 32,
      missing: [],
      emptyCheck: false,
    });
  });

  it('says of a relay without samples that nothing but its answer was checked', async () => {
    const relay = await startRelay('sqlite', { DATA: await temporaryDirectory() });
    expect(await handlerFor(relay.url)(EVENT)).toEqual({
      domain: RELAY_HOST,
      taskDefinition: NEW,
      checked: 0,
      missing: [],
      emptyCheck: true,
    });
  });

  it.each([
    ['created_at', 'created_at = created_at + 1'],
    ['kind', 'kind = 2'],
    ['pubkey', `pubkey = '${'a'.repeat(64)}'`],
    ['pubkey, which is none,', `pubkey = 'nobody'`],
    ['content', `content = content || ' '`],
    ['tags', `tags = '[["t","altered"]]'`],
    ['sig', `sig = replace(substr(sig, 1, 64), 'a', 'b') || substr(sig, 1, 64)`],
  ])('fails when the %s of one event was altered', async (_, change) => {
    const { relay, samples, change: run, first } = await sampled();
    run(`UPDATE sphere_relay__events SET ${change} WHERE id = ?`, first);
    const error = await failure(handlerFor(relay.url)({ ...EVENT, samples }));
    expect(error).toBeInstanceOf(HealthCheckFailed);
    expect(error.message).toBe(`1 of 32 sampled events came back altered, first ${first}.`);
  });

  it('fails when an event is missing', async () => {
    const { relay, samples, change, first } = await sampled();
    change('DELETE FROM sphere_relay__events WHERE id = ?', first);
    const error = await failure(handlerFor(relay.url)({ ...EVENT, samples }));
    expect(error).toBeInstanceOf(HealthCheckFailed);
    expect(error.message).toBe(`1 of 32 sampled events are missing, first ${first}.`);
  });

  it('takes a missing event for deleted where that may be, but not all of them, and none that was altered', async () => {
    const { relay, samples, change, first } = await sampled();
    const check = () => handlerFor(relay.url)({ ...EVENT, samples, maySamplesBeDeleted: true });
    change('DELETE FROM sphere_relay__events WHERE id = ?', first);
    expect(await check()).toMatchObject({ checked: 31, emptyCheck: false });
    change('UPDATE sphere_relay__events SET kind = 2 WHERE id = ?', samples[5]?.id ?? '');
    expect((await failure(check())).message).toMatch(/1 of 32 sampled events came back altered/);
    for (const { id } of samples.filter((sample) => sample.id !== first))
      change('DELETE FROM sphere_relay__events WHERE id = ?', id);
    expect((await failure(check())).message).toBe(`32 of 32 sampled events are missing, first ${samples[0]?.id}.`);
  });

  it('waits for a relay that answers for another domain only', async () => {
    const { relay, samples } = await sampled();
    const error = await failure(handlerFor(relay.url)({ ...EVENT, domain: 'other.test', samples }));
    expect(error).toBeInstanceOf(NotYet);
    expect(error.message).toBe(
      `The relay does not answer as it should: ${relay.url} answered the WebSocket handshake with HTTP 404; expected 101.`,
    );
  });
});

describe('chooseSamples', () => {
  it('takes regular events that nothing may remove, spread over time, each once', () => {
    const regular = Array.from({ length: 10 }, (_, n) => note(ADMIN_KEY, { created_at: 100 + n }));
    const others = [
      ...[0, 3, 5, 10_002, 20_001, 30_023].map((kind) => note(ADMIN_KEY, { kind })),
      note(ADMIN_KEY, { tags: [['expiration', '1']] }),
      note(ADMIN_KEY, { tags: [['h', 'group']] }),
      { ...note(ADMIN_KEY), content: 'altered' },
    ];
    const chosen = chooseSamples([...others, ...regular.toReversed(), ...regular], 5);
    const expected = [0, 2, 4, 6, 8].map((n) => regular[n] as NostrEvent).map(({ id, sig }) => ({ id, sig }));
    expect(chosen).toEqual(expected);
    expect(chooseSamples(regular, 32)).toHaveLength(10);
    expect(chooseSamples(others, 5)).toEqual([]);
    expect(chooseSamples(regular, 0)).toEqual([]);
  });
});

describe('fetchSamples', () => {
  /** A relay of these events that answers as NIP-01 says. */
  const relayOf = (events: NostrEvent[]) => {
    const sorted = events.toSorted((a, b) => b.created_at - a.created_at);
    const asked: object[] = [];
    return {
      asked,
      query: async (filter: { limit?: number; until?: number }) => {
        asked.push(filter);
        return sorted.filter((event) => event.created_at <= (filter.until ?? Infinity)).slice(0, filter.limit);
      },
    };
  };

  it('asks for further pages until it has enough', async () => {
    const unusable = Array.from({ length: 150 }, (_, n) => note(ADMIN_KEY, { kind: 0, created_at: 1_000 + n }));
    const usable = [1, 2, 3].map((n) => note(ADMIN_KEY, { created_at: n }));
    const relay = relayOf([...unusable, ...usable]);
    expect(await fetchSamples(relay, 2)).toHaveLength(2);
    expect(relay.asked).toEqual([{ limit: 100 }, { limit: 100, until: 1_050 }]);
  });

  it('gets past a second that fills a page, and ends where the events end', async () => {
    const crowd = Array.from({ length: 120 }, (_, n) => note(ADMIN_KEY, { kind: 0, created_at: 500, content: `${n}` }));
    const old = note(ADMIN_KEY, { created_at: 400 });
    expect(await fetchSamples(relayOf([...crowd, old]), 5)).toEqual([{ id: old.id, sig: old.sig }]);
    expect(await fetchSamples(relayOf([]), 5)).toEqual([]);
  });

  it('takes nothing that is no event', async () => {
    const event = note(ADMIN_KEY);
    const answers = [[null, 'x', {}, { ...event, sig: 'short' }, event], []];
    expect(await fetchSamples({ query: async () => answers.shift() ?? [] }, 5)).toEqual([
      { id: event.id, sig: event.sig },
    ]);
  });
});
