import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../rehearsal/embedded-postgres.ts';
import { fileStates } from '../support/file-states.ts';
import { environmentOf, migrateHere, migratePlace, runMigrator } from '../support/migrator.ts';
import { oldServer } from '../support/old-server.ts';
import { freshDatabase } from '../support/postgres.ts';
import { temporaryDirectory } from '../support/relay-process.ts';
import { scene } from '../support/scene.ts';
import { databaseObjects, withClient } from '../support/table-bytes.ts';

describe('the environment', () => {
  it('is refused with everything that is wrong with it at once, on standard error, with exit code 2', async () => {
    expect(await runMigrator(['lode'], {})).toEqual({
      code: 2,
      signal: null,
      stdout: '',
      stderr: `Refused: Unknown mode "lode": expected one of check, load, reconcile, verify, check-reverse, reverse, archive.
SQLITE_PATH is not set: expected the path of the SQLite file, for example /app/data/db.
DATABASE_URL is not set: expected postgres://user:password@host:port/database.
`,
    });
  });

  it('is refused without a mode and with an unknown option, with exit code 2', async () => {
    expect(await runMigrator([], {})).toMatchObject({
      code: 2,
      stdout: '',
      stderr: /^error: missing required argument 'mode'/,
    });
    expect(await runMigrator(['load', '--force'], {})).toMatchObject({
      code: 2,
      stdout: '',
      stderr: /^error: unknown option '--force'/,
    });
  });

  it('is refused when the scratch directory is missing', async () => {
    const place = await scene();
    const scratch = join(place.directory, 'scratch');
    expect(await migrateHere('load', environmentOf(place, scratch))).toMatchObject({
      code: 2,
      message: `The scratch directory ${scratch} cannot be used: ENOENT: no such file or directory, statfs '${scratch}'. Set CUTOVER_SCRATCH_DIRECTORY.`,
    });
  });
});

describe('a target that does not let us in', () => {
  it('is refused when the password is wrong, and neither password is printed', async () => {
    const place = await scene();
    const url = place.url.replace(place.password, 'not%2Fthe%2Fright%2Fone');
    for (const mode of ['check', 'load']) {
      const run = await runMigrator([mode], environmentOf({ ...place, url }));
      expect(run).toMatchObject({
        code: 2,
        stderr: `Refused: PostgreSQL at ${address(url)} refused the connection: password authentication failed for user "${place.user}". The password is wrong. Check DATABASE_URL, and that the secret is the one of this database.\n`,
      });
      expect(run.stdout + run.stderr).not.toMatch(new RegExp(`${place.password}|not.{1,3}the.{1,3}right`));
    }
    expect(await databaseObjects(place.url)).toEqual([]);
  });

  it('is refused when the database is missing, when TLS is asked of a server without it, and when the password is left out', async () => {
    const place = await scene();
    const missing = place.url.replace(/\/[^/]+$/, '/no_such_database');
    expect(await migratePlace('load', { ...place, url: missing })).toMatchObject({
      code: 2,
      message: `PostgreSQL at ${address(missing)} refused the connection: database "no_such_database" does not exist. Create the database or correct the name in DATABASE_URL; nothing was created.`,
    });
    expect(await migratePlace('load', { ...place, url: `${place.url}?sslmode=require` })).toMatchObject({
      code: 2,
      message: `PostgreSQL at ${address(place.url)} refused the connection: the server does not speak TLS. Set sslmode=disable in DATABASE_URL if that is right.`,
    });
    expect(await migratePlace('load', { ...place, url: place.url.replace(`:${place.password}`, '') })).toMatchObject({
      code: 2,
      message: `PostgreSQL at ${address(place.url)} refused the connection: it asks for a password, and DATABASE_URL has none.`,
    });
    const environment = {
      ...environmentOf({ ...place, url: `${place.url}?sslmode=verify-full` }),
      PGSSLROOTCERT: '/no/such.pem',
    };
    expect(await migrateHere('load', environment)).toMatchObject({
      code: 2,
      message: `PGSSLROOTCERT cannot be read: ENOENT: no such file or directory, open '/no/such.pem'.`,
    });
    expect(await databaseObjects(place.url)).toEqual([]);
  });

  it('is refused when the user may not create anything, and nothing is created', async () => {
    const place = await scene();
    const other = await freshDatabase();
    const url = other.url.replace(/\/[^/]+$/, new URL(place.url).pathname);
    expect(await migratePlace('load', { ...place, url })).toMatchObject({
      code: 2,
      message: expect.stringMatching(
        /^PostgreSQL refused: permission denied for database \S+\. Sign in as the owner of the database, or grant the user CREATE on it and on schema public\.$/,
      ),
    });
    expect(await databaseObjects(place.url)).toEqual([]);
  });

  it('is refused when it is too old, or not in UTF-8', async () => {
    const place = await scene();
    const versions = [
      {
        says: { version: '13.23', major: 13, encoding: 'UTF8', unknownSettings: ['client_connection_check_interval'] },
        refusal: (url: string) => `PostgreSQL at ${address(url)} is version 13.23: expected 14 or newer.`,
      },
      {
        says: { version: '16.1', major: 16, encoding: 'LATIN1', unknownSettings: [] },
        refusal: (url: string) =>
          `The database at ${address(url)} has the encoding LATIN1: expected UTF8. Create it with ENCODING 'UTF8'.`,
      },
    ];
    for (const { says, refusal } of versions) {
      const url = `postgres://me:secret-word@127.0.0.1:${await oldServer(says)}/relay`;
      for (const mode of ['check', 'load', 'reconcile', 'verify', 'reverse'])
        expect({ mode, ...(await migratePlace(mode, { ...place, url })) }).toMatchObject({
          mode,
          code: 2,
          message: refusal(url),
        });
    }
  });

  it('is refused when the user may create schemas but no tables, and no table is created', async () => {
    const place = await scene();
    const other = await freshDatabase();
    const database = new URL(place.url).pathname.slice(1);
    await withClient(place.url, (client) => client.query(`GRANT CREATE ON DATABASE "${database}" TO "${other.user}"`));
    expect(await migratePlace('load', { ...place, url: other.url.replace(/[^/]+$/, database) })).toMatchObject({
      code: 2,
      message:
        'PostgreSQL refused: permission denied for schema public. Sign in as the owner of the database, or grant the user CREATE on it and on schema public.',
    });
    expect((await databaseObjects(place.url)).filter((object) => object.includes(' public.'))).toEqual([]);
  });

  it('fails with exit code 1 after retries when nobody listens or nobody answers, and leaves no scratch copy', async () => {
    const place = await scene();
    const scratch = await temporaryDirectory();
    const silent = await silentServer();
    const cases = [
      { port: await freePort(), reason: (host: string) => `connect ECONNREFUSED ${host}` },
      { port: silent.port, reason: () => 'timeout expired' },
    ];
    await Promise.all(
      cases.map(async ({ port, reason }) => {
        const url = `postgres://me:secret-word@127.0.0.1:${port}/relay`;
        const run = await runMigrator(['load'], environmentOf({ ...place, url }, scratch));
        expect(run).toMatchObject({
          code: 1,
          stderr: `Failed: PostgreSQL at ${address(url)} could not be reached for 20 s: ${reason(new URL(url).host)}. Check that it is running and that the security group lets this task in; then repeat.\n`,
        });
        expect(run.stdout + run.stderr).not.toContain('secret-word');
      }),
    );
    expect(silent.connections()).toBeGreaterThan(1);
    expect(fileStates(scratch)).toEqual([]);
  });
});

/** Takes connections and says nothing. */
async function silentServer(): Promise<{ port: number; connections(): number }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket.on('error', () => {})));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as { port: number }).port, connections: () => sockets.size };
}

function address(url: string): string {
  const { host, pathname } = new URL(url);
  return host + pathname;
}
