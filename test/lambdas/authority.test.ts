import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { createHandler } from '../../lambdas/authority.ts';
import { connectByIam } from '../../lambdas/target-database.ts';
import { assertAuthoritySource, beginRun, endRun, lockTarget } from '../../migrator/control-schema.ts';
import type { Manifest } from '../../migrator/manifest.ts';
import { environmentOf, migrateHere, migratePlace } from '../support/migrator.ts';
import { copyOfDatabase, freshDatabase } from '../support/postgres.ts';
import { connectTo, migrated, onTarget, type SignedPlace, signedPlace, TABLES } from '../support/signed-target.ts';
import { databaseObjects, withClient } from '../support/table-bytes.ts';

async function newPlace(): Promise<SignedPlace> {
  const place = await signedPlace();
  onTestFinished(() => place.remove());
  return place;
}

const ISO_TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
/** Of the newest load or reconcile. */
const LOADED = {
  changedAt: ISO_TIME,
  loadedAt: ISO_TIME,
  loadedRows: expect.any(Number),
  loadSeconds: expect.any(Number),
};

let base: SignedPlace;
beforeAll(async () => {
  base = await signedPlace();
  await migrated(base, 'load', 'prepare/load');
  await migrated(base, 'reconcile', 'run/0/0');
});
afterAll(() => base.remove());

/** A target with a load and a verified reconcile, and the handler of its owner. */
async function reconciled() {
  const place = { ...base, url: await copyOfDatabase(base.url) };
  return { place, handler: onTarget(createHandler({ connect: connectTo(place.url) })) };
}

async function openClient(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

const authorityRow = (url: string) =>
  withClient(url, async (client) => (await client.query('SELECT * FROM cutover.authority')).rows);

const failure = (failing: Promise<unknown>) =>
  failing.then(
    (result) => expect.fail(`expected a failure, got ${JSON.stringify(result)}`),
    ({ name, message }: Error) => ({ name, message }),
  );

const notTaken = (holder: string, by: string, runId: string) => ({
  name: 'Refused',
  message: `Authority was not taken: it is with the ${holder} by run ${by}, and the newest run must be the verified reconcile ${runId}. Nothing was changed.`,
});

describe('reading authority', () => {
  it('is with the source, and nothing is loaded, where no migrator has been', async () => {
    const { url } = await freshDatabase();
    const handler = onTarget(createHandler({ connect: connectTo(url) }));
    expect(await handler({ action: 'read' })).toEqual({
      holder: 'source',
      runId: null,
      changedAt: null,
      loadedAt: null,
      loadedRows: 0,
      loadSeconds: 0,
    });
  });

  it('knows of a load, but only of a verified one', async () => {
    const place = await newPlace();
    await migrated(place, 'load', 'prepare/load');
    const handler = onTarget(createHandler({ connect: connectTo(place.url) }));
    expect(await handler({ action: 'read' })).toEqual({ holder: 'source', runId: 'prepare/load', ...LOADED });
    const { loadedRows, loadSeconds } = await handler({ action: 'read' });
    const rowsOf = (table: string) =>
      withClient(place.url, async (client) =>
        Number((await client.query(`SELECT count(*) FROM "${table}"`)).rows[0].count),
      );
    const counts = await Promise.all(Object.values(TABLES).map(rowsOf));
    expect(loadedRows).toBe(counts.reduce((sum, count) => sum + count, 0));
    expect(loadSeconds).toBeGreaterThan(0);
    for (const status of ['failed', 'refused', 'running']) {
      await withClient(place.url, (client) => client.query('UPDATE cutover.run SET status = $1', [status]));
      expect(await handler({ action: 'read' })).toMatchObject({ loadedAt: null });
    }
  });

  it('refuses a target whose authority has gone', async () => {
    const { place, handler } = await reconciled();
    await withClient(place.url, (client) => client.query('DELETE FROM cutover.authority'));
    expect(await failure(handler({ action: 'read' }))).toEqual({
      name: 'Refused',
      message:
        'The table cutover.authority is empty: expected one row. Restore the target from a backup, or load it anew.',
    });
  });
});

describe('taking authority', () => {
  it('makes the target the truth, twice as well as once, and then keeps migrators away', async () => {
    const { place, handler } = await reconciled();
    const taken = { holder: 'target', runId: 'run/0/0', ...LOADED };
    expect(await handler({ action: 'take', runId: 'run/0/0' })).toEqual(taken);
    const row = await authorityRow(place.url);
    expect(await handler({ action: 'take', runId: 'run/0/0' })).toEqual(taken);
    expect(await handler({ action: 'read' })).toEqual(taken);
    expect(await authorityRow(place.url)).toEqual(row);
    for (const mode of ['load', 'reconcile']) {
      expect(await migratePlace(mode, place)).toMatchObject({
        code: 2,
        message: expect.stringMatching(/^Authority is with the target since .* \(run run\/0\/0\)/),
      });
    }
  });

  it('is refused for a run that is not there, and for another when it was taken', async () => {
    const { handler } = await reconciled();
    expect(await failure(handler({ action: 'take', runId: 'run/0/1' }))).toEqual(
      notTaken('source', 'prepare/load', 'run/0/1'),
    );
    await handler({ action: 'take', runId: 'run/0/0' });
    expect(await failure(handler({ action: 'take', runId: 'prepare/load' }))).toEqual(
      notTaken('target', 'run/0/0', 'prepare/load'),
    );
    expect(await handler({ action: 'read' })).toMatchObject({ holder: 'target', runId: 'run/0/0' });
  });

  it('is refused after a load alone, which may be behind the source', async () => {
    const place = await newPlace();
    await migrated(place, 'load', 'run/0/0');
    const handler = onTarget(createHandler({ connect: connectTo(place.url) }));
    expect(await failure(handler({ action: 'take', runId: 'run/0/0' }))).toEqual(
      notTaken('source', 'run/0/0', 'run/0/0'),
    );
    expect(await handler({ action: 'read' })).toMatchObject({ holder: 'source' });
  });

  it('is refused when a newer run has touched the target, whatever became of it', async () => {
    const { place, handler } = await reconciled();
    await withClient(place.url, (client) => beginRun(client, 'other/0/0', 'reconcile'));
    const refusal = notTaken('source', 'prepare/load', 'run/0/0');
    expect(await failure(handler({ action: 'take', runId: 'run/0/0' }))).toEqual(refusal);
    await withClient(place.url, (client) =>
      endRun(client, 'other/0/0', { status: 'verified', manifest: {} as unknown as Manifest }),
    );
    expect(await failure(handler({ action: 'take', runId: 'run/0/0' }))).toEqual(refusal);
  });

  it.each(['running', 'failed', 'refused'])('is refused for a run that ended as "%s"', async (status) => {
    const { place, handler } = await reconciled();
    await withClient(place.url, (client) =>
      client.query("UPDATE cutover.run SET status = $1 WHERE run_id = 'run/0/0'", [status]),
    );
    expect(await failure(handler({ action: 'take', runId: 'run/0/0' }))).toEqual(
      notTaken('source', 'prepare/load', 'run/0/0'),
    );
  });

  it('waits while a migrator holds the target, and leaves it free for the next', async () => {
    const { place, handler } = await reconciled();
    const migrator = await openClient(place.url);
    await lockTarget(migrator);
    expect(await failure(handler({ action: 'take', runId: 'run/0/0' }))).toEqual({
      name: 'NotYet',
      message: 'A migrator is still at work on the target; authority can be taken when it has ended.',
    });
    expect(await handler({ action: 'read' })).toMatchObject({ holder: 'source' });
    await migrator.query('SELECT pg_advisory_unlock_all()');
    expect(await handler({ action: 'take', runId: 'run/0/0' })).toMatchObject({ holder: 'target' });
    await lockTarget(migrator);
  });
});

describe('returning authority', () => {
  /** A target that holds authority, with a run of the way back that ended as it is said. */
  async function gone(mode = 'reverse', status = 'verified') {
    const scene = await reconciled();
    await scene.handler({ action: 'take', runId: 'run/0/0' });
    await withClient(scene.place.url, async (client) => {
      await beginRun(client, 'run/0/1', mode);
      await client.query("UPDATE cutover.run SET status = $1 WHERE run_id = 'run/0/1'", [status]);
    });
    return scene;
  }
  const notReturned = (holder: string, by: string, runId: string) => ({
    name: 'Refused',
    message: `Authority was not returned: it is with the ${holder} by run ${by}, and the newest run must be the verified reverse ${runId}. Nothing was changed.`,
  });

  it('makes the source the truth again, twice as well as once, and no earlier run can take it then', async () => {
    const { place, handler } = await gone();
    const returned = { holder: 'source', runId: 'run/0/1', ...LOADED };
    expect(await handler({ action: 'return', runId: 'run/0/1' })).toEqual(returned);
    const row = await authorityRow(place.url);
    expect(await handler({ action: 'return', runId: 'run/0/1' })).toEqual(returned);
    expect(await authorityRow(place.url)).toEqual(row);
    expect(await failure(handler({ action: 'take', runId: 'run/0/0' }))).toEqual(
      notTaken('source', 'run/0/1', 'run/0/0'),
    );
  });

  it.each([
    ['reverse', 'running'],
    ['reverse', 'failed'],
    ['reverse', 'refused'],
    ['reconcile', 'verified'],
    ['withdrawn', 'withdrawn'],
  ])('is refused for a run of mode "%s" that is "%s"', async (mode, status) => {
    const { handler } = await gone(mode, status);
    expect(await failure(handler({ action: 'return', runId: 'run/0/1' }))).toEqual(
      notReturned('target', 'run/0/0', 'run/0/1'),
    );
    expect(await handler({ action: 'read' })).toMatchObject({ holder: 'target', runId: 'run/0/0' });
  });

  it('is refused for a run that is not the newest, and where the source holds it by another run', async () => {
    const { place, handler } = await gone();
    await withClient(place.url, (client) => beginRun(client, 'run/0/2', 'reverse'));
    expect(await failure(handler({ action: 'return', runId: 'run/0/1' }))).toEqual(
      notReturned('target', 'run/0/0', 'run/0/1'),
    );
    const other = await reconciled();
    expect(await failure(other.handler({ action: 'return', runId: 'run/0/1' }))).toEqual(
      notReturned('source', 'prepare/load', 'run/0/1'),
    );
  });

  it('waits while a migrator holds the target', async () => {
    const { place, handler } = await gone();
    await lockTarget(await openClient(place.url));
    expect(await failure(handler({ action: 'return', runId: 'run/0/1' }))).toEqual({
      name: 'NotYet',
      message: 'A migrator is still at work on the target; authority can be returned when it has ended.',
    });
  });
});

describe('withdrawing the runs', () => {
  const runs = (url: string) =>
    withClient(url, async (client) => (await client.query('SELECT * FROM cutover.run ORDER BY started_at')).rows);

  it('keeps authority with the source for good, as far as any run there is may take it, and once is enough', async () => {
    const { place, handler } = await reconciled();
    const state = { holder: 'source', runId: 'prepare/load', ...LOADED };
    expect(await handler({ action: 'withdraw', runId: 'run/back' })).toEqual(state);
    const after = await runs(place.url);
    expect(after.at(-1)).toMatchObject({ run_id: 'run/back', mode: 'withdrawn', status: 'withdrawn', manifest: null });
    expect(await handler({ action: 'withdraw', runId: 'run/back' })).toEqual(state);
    expect(await handler({ action: 'withdraw', runId: 'other/back' })).toEqual(state);
    expect(await runs(place.url)).toEqual(after);
    for (const runId of ['run/0/0', 'run/back']) {
      expect(await failure(handler({ action: 'take', runId }))).toEqual(notTaken('source', 'prepare/load', runId));
    }
  });

  it('holds for a later run too when it is done again, and where a run has that name already', async () => {
    const { place, handler } = await reconciled();
    await handler({ action: 'withdraw', runId: 'run/back' });
    await migrated(place, 'reconcile', 'run/1/0');
    await handler({ action: 'withdraw', runId: 'run/back' });
    expect(await failure(handler({ action: 'take', runId: 'run/1/0' }))).toMatchObject({ name: 'Refused' });
    await migrated(place, 'reconcile', 'run/2/0');
    await handler({ action: 'withdraw', runId: 'run/2/0' });
    expect(await failure(handler({ action: 'take', runId: 'run/2/0' }))).toMatchObject({ name: 'Refused' });
    expect((await runs(place.url)).map(({ run_id, mode }) => [run_id, mode])).toEqual([
      ['prepare/load', 'load'],
      ['run/0/0', 'reconcile'],
      ['run/back', 'withdrawn'],
      ['run/1/0', 'reconcile'],
      ['run/back/4', 'withdrawn'],
      ['run/2/0', 'reconcile'],
      ['run/2/0/6', 'withdrawn'],
    ]);
    await migrated(place, 'reconcile', 'run/3/0');
    expect(await handler({ action: 'take', runId: 'run/3/0' })).toMatchObject({ holder: 'target' });
  });

  it('changes nothing where the target holds authority, or no migrator has been', async () => {
    const { place, handler } = await reconciled();
    const taken = await handler({ action: 'take', runId: 'run/0/0' });
    const before = await runs(place.url);
    expect(await handler({ action: 'withdraw', runId: 'run/back' })).toEqual(taken);
    expect(await runs(place.url)).toEqual(before);

    const { url } = await freshDatabase();
    const fresh = onTarget(createHandler({ connect: connectTo(url) }));
    expect(await fresh({ action: 'withdraw', runId: 'run/back' })).toEqual({
      holder: 'source',
      runId: null,
      changedAt: null,
      loadedAt: null,
      loadedRows: 0,
      loadSeconds: 0,
    });
    expect(await databaseObjects(url)).toEqual([]);
  });

  it('is not taken for a load, and neither is a reverse', async () => {
    const { place, handler } = await reconciled();
    await withClient(place.url, (client) => client.query('DELETE FROM cutover.run'));
    expect(await handler({ action: 'withdraw', runId: 'run/back' })).toMatchObject({ loadedAt: null });
    expect(await runs(place.url)).toHaveLength(1);
    await withClient(place.url, (client) =>
      client.query("UPDATE cutover.run SET mode = 'reverse', status = 'verified'"),
    );
    expect(await handler({ action: 'read' })).toMatchObject({ loadedAt: null });
  });

  it('and taking at the same moment do not both succeed', async () => {
    const { place, handler } = await reconciled();
    const client = await openClient(place.url);
    await client.query('BEGIN');
    await client.query('SELECT FROM cutover.authority FOR SHARE');
    const taking = handler({ action: 'take', runId: 'run/0/0' });
    const failing = failure(taking);
    const waiting = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`;
    await withClient(place.url, async (watcher) => {
      while ((await watcher.query(waiting)).rowCount === 0) await new Promise(setImmediate);
    });
    await client.query("INSERT INTO cutover.run (run_id) VALUES ('run/back')");
    await client.query('COMMIT');
    expect(await failing).toEqual(notTaken('source', 'prepare/load', 'run/0/0'));
  });

  it('does not wait for a migrator that is in the middle of a write', async () => {
    const { place, handler } = await reconciled();
    const migrator = await openClient(place.url);
    await lockTarget(migrator);
    await migrator.query('BEGIN');
    await assertAuthoritySource(migrator);
    expect(await handler({ action: 'withdraw', runId: 'run/back' })).toMatchObject({ holder: 'source' });
    expect((await runs(place.url)).at(-1)).toMatchObject({ run_id: 'run/back' });
  });
});

describe('the role of the verifying functions', () => {
  /** A reconciled target with a role of its own, which goes with the test. */
  async function withRole() {
    const place = await newPlace();
    const role = `verifier_${randomBytes(5).toString('hex')}`;
    const password = randomBytes(8).toString('hex');
    await migrated(place, 'load', 'prepare/load', role);
    await migrated(place, 'reconcile', 'run/0/0', role);
    onTestFinished(async () => {
      const admin = new URL(inject('postgresAdminUrl'));
      admin.pathname = new URL(place.url).pathname;
      await withClient(admin.href, (client) => client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`));
    });
    await withClient(place.url, (client) => client.query(`ALTER ROLE ${role} PASSWORD '${password}'`));
    return { place, role, password, connect: connectTo(place.url, { user: role, password }) };
  }

  it('reads authority, withdraws runs, takes authority and returns it', async () => {
    const { connect, place } = await withRole();
    const handler = onTarget(createHandler({ connect }));
    expect(await handler({ action: 'read' })).toEqual({ holder: 'source', runId: 'prepare/load', ...LOADED });
    expect(await handler({ action: 'withdraw', runId: 'run/back' })).toMatchObject({ holder: 'source' });
    await migrated(place, 'reconcile', 'run/1/0');
    expect(await handler({ action: 'take', runId: 'run/1/0' })).toMatchObject({ holder: 'target' });
    expect(await migrateHere('reverse', { ...environmentOf(place), CUTOVER_RUN_ID: 'run/2/0' })).toMatchObject({
      code: 0,
    });
    expect(await handler({ action: 'return', runId: 'run/2/0' })).toMatchObject({ holder: 'source' });
  });

  it('reads every table and changes nothing but who holds authority', async () => {
    const { connect, place } = await withRole();
    const before = await everything(place.url);
    const client = await connect({ host: '127.0.0.1', port: 1, database: 'none' });
    onTestFinished(() => client.end());
    for (const table of [...Object.values(TABLES), 'cutover.run', 'cutover.authority', 'cutover.table_progress']) {
      expect((await client.query(`SELECT count(*) FROM ${table}`)).rowCount, table).toBe(1);
      const [column] = (await client.query(`SELECT * FROM ${table} LIMIT 0`)).fields.map(({ name }) => name);
      const forbidden = [
        `INSERT INTO ${table} SELECT * FROM ${table}`,
        `DELETE FROM ${table}`,
        `TRUNCATE ${table}`,
        `DROP TABLE ${table}`,
        `ALTER TABLE ${table} ADD COLUMN mine int`,
        ...(table === 'cutover.authority' ? [] : [`UPDATE ${table} SET ${column} = ${column}`]),
      ];
      for (const statement of forbidden) {
        await expect(client.query(statement), statement).rejects.toMatchObject({ code: '42501' });
      }
    }
    for (const statement of [
      'CREATE TABLE mine ()',
      'CREATE TABLE cutover.mine ()',
      'CREATE SCHEMA mine',
      'CREATE ROLE mine',
    ]) {
      await expect(client.query(statement), statement).rejects.toMatchObject({ code: '42501' });
    }
    expect(await everything(place.url)).toEqual(before);
  });

  it('may not sign in with a wrong password, nor where it was never made', async () => {
    const { place, role } = await withRole();
    const handler = onTarget(createHandler({ connect: connectTo(place.url, { user: role, password: 'wrong' }) }));
    const refusal = (user: string) => ({
      name: 'Refused',
      message: `The role ${user} may not sign in to the target: password authentication failed for user "${user}". The first load creates it; run prepare first, and check that IAM database authentication is on.`,
    });
    expect(await failure(handler({ action: 'read' }))).toEqual(refusal(role));
    const nobody = onTarget(createHandler({ connect: connectTo(place.url, { user: 'nobody' }) }));
    expect(await failure(nobody({ action: 'read' }))).toEqual(refusal('nobody'));
  });

  async function everything(url: string): Promise<unknown[]> {
    return withClient(url, async (client) => {
      const names = [...Object.values(TABLES), 'cutover.run', 'cutover.authority', 'cutover.table_progress'];
      const contents = [];
      for (const name of names) contents.push((await client.query(`SELECT t::text FROM ${name} t ORDER BY 1`)).rows);
      return contents;
    });
  }
});

describe('the connection of the verifying functions', () => {
  const NOWHERE = { host: '127.0.0.1', port: 1, database: 'none' };

  it('says where the target was sought when it cannot be reached', async () => {
    const handler = onTarget(createHandler({ connect: connectTo('postgres://user:secret@127.0.0.1:1/zooid') }));
    expect(await failure(handler({ action: 'read' }))).toEqual({
      name: 'Error',
      message: 'The target at 127.0.0.1:1 could not be reached: connect ECONNREFUSED 127.0.0.1:1',
    });
    const manyAddresses = onTarget(createHandler({ connect: connectTo('postgres://user:secret@localhost:1/zooid') }));
    expect((await failure(manyAddresses({ action: 'read' }))).message).toMatch(
      /^The target at localhost:1 could not be reached: .*ECONNREFUSED/,
    );
  });

  it('refuses an environment without its settings', async () => {
    expect(await failure(connectByIam({})(NOWHERE))).toEqual({
      name: 'Refused',
      message: 'The environment variable VERIFIER_ROLE of the function is not set; deploy the stack again.',
    });
  });

  it('insists on TLS, and shows no token', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'example');
    onTestFinished(() => void vi.unstubAllEnvs());
    const { host, port, database } = await freshDatabase().then(({ url, name }) => ({
      host: new URL(url).hostname,
      port: new URL(url).port,
      database: name,
    }));
    const connect = connectByIam({
      VERIFIER_ROLE: 'cutover_verifier',
      AWS_REGION: 'me-central-1',
    });
    expect(await failure(connect({ host, port: Number(port), database }))).toEqual({
      name: 'Error',
      message: `The target at ${host}:${port} could not be reached: The server does not support SSL connections`,
    });
  });
});
