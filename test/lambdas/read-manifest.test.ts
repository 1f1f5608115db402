import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHandler } from '../../lambdas/read-manifest.ts';
import type { SampleEvent } from '../../lambdas/sample-events.ts';
import { beginRun, endRun } from '../../migrator/control-schema.ts';
import type { Manifest } from '../../migrator/manifest.ts';
import { copyOfDatabase } from '../support/postgres.ts';
import { connectTo, migrated, onTarget, type SignedPlace, signedPlace, TABLES } from '../support/signed-target.ts';
import { withClient } from '../support/table-bytes.ts';

let place: SignedPlace;
let samples: SampleEvent[];

beforeAll(async () => {
  place = await signedPlace();
  await migrated(place, 'load', 'prepare/load');
  await migrated(place, 'reconcile', 'run-1/0/0');
  samples = await withClient(
    place.url,
    async (client) => (await client.query(`SELECT id, sig FROM ${TABLES.events}`)).rows,
  );
});
afterAll(() => place.remove());

/** Reads from a copy of the target after something was done to it. */
async function readAfter(
  work: (url: string) => Promise<unknown>,
  event: Partial<Parameters<ReturnType<typeof createHandler>>[0]> = {},
) {
  const url = await copyOfDatabase(place.url);
  await work(url);
  const handler = onTarget(createHandler({ connect: connectTo(url) }));
  return handler({ runIdPrefix: 'run-1/', mode: 'reconcile', samples: [], taskFailure: null, ...event });
}
const read = (event: Parameters<typeof readAfter>[1] = {}) => readAfter(async () => {}, event);

const failure = (failing: Promise<unknown>) =>
  failing.then(
    (result) => expect.fail(`expected a failure, got ${JSON.stringify(result)}`),
    ({ name, message }: Error) => ({ name, message }),
  );

const manifestOf = (runId: string): Manifest => ({
  runId,
  mode: 'reconcile',
  source: { path: '/app/data/db', files: [] },
  tables: [],
  seconds: {},
});

describe('read-manifest', () => {
  it("gives the source's figures of the execution's run, and no more of the manifest than is needed", async () => {
    const [digest, bytes] = [expect.stringMatching(/^[0-9a-f]{64}$/), expect.any(Number)];
    expect(await read()).toEqual({
      runId: 'run-1/0/0',
      seconds: expect.any(Number),
      tables: expect.arrayContaining([
        { table: TABLES.events, kind: 'events', rows: 30, digest, bytes },
        { table: TABLES.tags, kind: 'event_tags', rows: 90, digest, bytes },
        { table: TABLES.kv, kind: 'kv', rows: 3, digest, bytes },
      ]),
      samples: [],
    });
  });

  it('keeps the samples that stand in the target with their signature, in their order', async () => {
    const [deleted, forged, ...kept] = samples as [SampleEvent, SampleEvent, ...SampleEvent[]];
    const asked = [...kept, deleted, { ...forged, sig: '0'.repeat(128) }, { id: 'f'.repeat(64), sig: forged.sig }];
    const result = await readAfter(
      (url) => withClient(url, (client) => client.query(`DELETE FROM ${TABLES.events} WHERE id = $1`, [deleted.id])),
      { samples: asked },
    );
    expect(result.samples).toEqual(kept);
  });

  it('takes the newest of the runs, not the one with the highest name', async () => {
    const result = await readAfter((url) =>
      withClient(url, async (client) => {
        await beginRun(client, 'run-1/0/9', 'reconcile');
        await endRun(client, 'run-1/0/9', { status: 'verified', manifest: manifestOf('run-1/0/9') });
        await beginRun(client, 'run-1/0/10', 'reconcile');
        await endRun(client, 'run-1/0/10', { status: 'verified', manifest: manifestOf('run-1/0/10') });
      }),
    );
    expect(result.runId).toBe('run-1/0/10');
  });

  it("does not take another execution's run, a load's, or one whose name only looks alike", async () => {
    const none = (prefix: string) => ({
      name: 'MigrationFailed',
      message: `The migrator left no record of a run ${prefix}*: its task ended before it reached the target. Its log, prefix "migrate", says more.`,
    });
    for (const runIdPrefix of ['run-2/', 'run-/', 'run_1/', '%', 'prepare/', 'run-1/0/0/']) {
      expect(await failure(read({ runIdPrefix }))).toEqual(none(runIdPrefix));
    }
  });

  it('says what ECS said about a task that left no record', async () => {
    expect(
      await failure(read({ runIdPrefix: 'run-2/', taskFailure: 'States.TaskFailed: CannotPullContainerError' })),
    ).toEqual({
      name: 'MigrationFailed',
      message:
        'The migrator left no record of a run run-2/*: its task ended before it reached the target (States.TaskFailed: CannotPullContainerError). Its log, prefix "migrate", says more.',
    });
  });

  it.each([
    ['failed', 'MigrationInterrupted'],
    ['refused', 'MigrationFailed'],
  ] as const)('fails with the words of a run that ended as "%s", as %s', async (status, name) => {
    const reading = readAfter(
      (url) =>
        withClient(url, async (client) => {
          await beginRun(client, 'run-1/1/0', 'reconcile');
          await endRun(client, 'run-1/1/0', { status, message: 'The disk is full.' });
        }),
      { taskFailure: 'States.TaskFailed: Essential container in task exited' },
    );
    expect(await failure(reading)).toEqual({
      name,
      message: `The migrator's run run-1/1/0 ended as "${status}": The disk is full.`,
    });
  });

  it.each([
    [null, 'it was ended from outside'],
    ['States.Timeout: no cause was given', 'it was ended from outside (States.Timeout: no cause was given)'],
  ])('does not take a run that never ended for complete (ECS says: %s)', async (taskFailure, words) => {
    const reading = readAfter((url) => withClient(url, (client) => beginRun(client, 'run-1/1/0', 'reconcile')), {
      taskFailure,
    });
    expect(await failure(reading)).toEqual({
      name: 'MigrationInterrupted',
      message: `The migrator's run run-1/1/0 ended as "running": ${words}`,
    });
  });

  it('reads of the runs of one mode only, and gives of a reverse no table that the target has not', async () => {
    const table = { quarantinedRows: 0, copied: 0, inserted: 0, deleted: 0, digest: '0'.repeat(64) };
    const [sample] = samples as [SampleEvent];
    const both = async (url: string, status: 'verified' | 'failed') =>
      withClient(url, async (client) => {
        await beginRun(client, 'run-1/0/1', 'reverse');
        const tables = [
          { ...table, table: TABLES.events, kind: 'events', rows: 30 },
          { ...table, table: 'other__events', kind: 'events', rows: 0, kept: 3, onlyInSource: true as const },
        ];
        const manifest = { ...manifestOf('run-1/0/1'), mode: 'reverse' as const, tables };
        const end = status === 'verified' ? { status, manifest } : { status, message: 'The disk is full.' };
        await endRun(client, 'run-1/0/1', end);
      });
    expect(await readAfter((url) => both(url, 'verified'), { mode: 'reverse', samples: [sample] })).toEqual({
      runId: 'run-1/0/1',
      seconds: expect.any(Number),
      tables: [{ table: TABLES.events, kind: 'events', rows: 30, digest: table.digest }],
      samples: [sample],
    });
    expect(await readAfter((url) => both(url, 'failed'))).toMatchObject({ runId: 'run-1/0/0' });
    expect(await failure(readAfter((url) => both(url, 'failed'), { mode: 'reverse' }))).toEqual({
      name: 'MigrationInterrupted',
      message: `The migrator's run run-1/0/1 ended as "failed": The disk is full.`,
    });
  });
});
