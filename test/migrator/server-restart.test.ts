import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, type PostgresServer, startPostgres } from '../../rehearsal/embedded-postgres.ts';
import { isFull } from '../support/extent.ts';
import { environmentOf, type MigratorProcess, migratePlace, type Place, startMigrator } from '../support/migrator.ts';
import { temporaryDirectory } from '../support/relay-process.ts';
import { createRelaySource } from '../support/relay-source.ts';
import { handOver } from '../support/reversed.ts';
import { differences, withClient } from '../support/table-bytes.ts';

/** Enough for each stage to last longer than it takes to see it. */
const EVENTS = 10_000;
const LOST =
  /^Failed: PostgreSQL refused: the connection was lost \(.+\)\. Nothing that was not committed counts; repeat\.\n$/;

interface Stage {
  title: string;
  mode: 'load' | 'reconcile' | 'reverse';
  /** True in the target, as SQL, while the migrator is at it. */
  underWay: string;
}

const active = (statement: string): string =>
  `EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active' AND query LIKE '${statement}')`;

/** The first ones of each mode are those that `npm test` looks at. */
const STAGES: Stage[] = [
  {
    title: 'the COPY of a table',
    mode: 'load',
    underWay:
      'EXISTS (SELECT FROM pg_stat_progress_copy WHERE datname = current_database() AND tuples_processed > 1000)',
  },
  {
    title: 'the build of an index',
    mode: 'load',
    underWay: `EXISTS (SELECT FROM pg_stat_progress_create_index WHERE datname = current_database()) AND ${active('CREATE INDEX%events_search%')}`,
  },
  {
    title: 'the transaction that settles the difference',
    mode: 'reconcile',
    underWay: active('COPY %cutover_delta%'),
  },
  { title: 'the comparison with the SQLite file', mode: 'reverse', underWay: active('FETCH % FROM cutover_buckets') },
  { title: 'the verification', mode: 'reconcile', underWay: active('SELECT count(*)::float8 AS rows%') },
];

const directory = mkdtempSync(join(tmpdir(), 'relay-cutover-test-'));
const [first, second] = [join(directory, 'first'), join(directory, 'second')];
let server: PostgresServer;
let databases = 0;

beforeAll(async () => {
  server = await startPostgres({ fsync: 'off' });
  createRelaySource(first, { events: EVENTS, fullText: false });
  copyFileSync(first, second);
  const database = new Database(second);
  database.exec("UPDATE relay__events SET sig = replace(sig, 'a', 'b') WHERE rowid % 2 = 0");
  database.close();
});
afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** A place in which the mode has something to do. */
async function placeFor(mode: Stage['mode']): Promise<Place> {
  const { url } = await createDatabase(server.adminUrl, `restart_${++databases}`);
  const sqlitePath = join(await temporaryDirectory(), 'db');
  copyFileSync(first, sqlitePath);
  const place = { sqlitePath, url };
  if (mode === 'reconcile') {
    expect(await migratePlace('load', place)).toMatchObject({ code: 0 });
    copyFileSync(second, sqlitePath);
  } else if (mode === 'reverse') {
    await handOver(place);
    await withClient(url, (client) =>
      client.query('UPDATE relay__events SET sig = reverse(sig) WHERE created_at % 2 = 0'),
    );
  }
  return place;
}

/** Gives the process id of the migrator's busiest server process once the stage has come. */
async function waitFor({ title, underWay }: Stage, url: string, migrator: MigratorProcess): Promise<number> {
  let ended: string | undefined;
  void migrator.ended.then(({ code, stderr }) => {
    ended = `exit code ${code} ${stderr}`;
  });
  return withClient(url, async (client) => {
    while (ended === undefined) {
      const { rows } = await client.query(
        `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active' AND ${underWay}`,
      );
      if (rows[0]) return rows[0].pid;
    }
    throw new Error(`The migrator came to its end before ${title} was seen: ${ended}`);
  });
}

async function interrupted(stage: Stage, harm: (serverProcess: number) => Promise<void>): Promise<void> {
  const place = await placeFor(stage.mode);
  const migrator = startMigrator([stage.mode], environmentOf(place));
  await harm(await waitFor(stage, place.url, migrator));
  expect(await migrator.ended).toMatchObject({ code: 1, stderr: expect.stringMatching(LOST) });
  expect(await migratePlace(stage.mode, place)).toMatchObject({ code: 0 });
  expect(await differences(place)).toEqual([]);
}

const chosen = STAGES.slice(0, isFull ? STAGES.length : 3);

describe('a server that is restarted', () => {
  it.each(chosen)('during $title ($mode) ends the run with 1, and the next one ends equal', async (stage) => {
    await interrupted(stage, () => server.restart());
  });

  it('before the migrator has come to it is waited for', async () => {
    const place = await placeFor('load');
    const restarted = server.restart();
    expect(await migratePlace('load', place)).toMatchObject({ code: 0 });
    await restarted;
    expect(await differences(place)).toEqual([]);
  });
});

describe.runIf(isFull)('a server of which the system kills a process, so that it recovers', () => {
  it.each(STAGES)('during $title ($mode) ends the run with 1, and the next one ends equal', async (stage) => {
    await interrupted(stage, async (serverProcess) => void process.kill(serverProcess, 'SIGKILL'));
  });
});
