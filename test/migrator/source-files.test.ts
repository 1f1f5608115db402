import { chmodSync, copyFileSync, existsSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { fileStates } from '../support/file-states.ts';
import { environmentOf, migrateHere, type Place, type Result } from '../support/migrator.ts';
import { freshDatabase } from '../support/postgres.ts';
import { temporaryDirectory } from '../support/relay-process.ts';
import { createRelaySource } from '../support/relay-source.ts';
import { writeAsKilledRelay } from '../support/reversed.ts';
import { differences, postgresBytes, sqliteBytes } from '../support/table-bytes.ts';

const MODES = ['check', 'load', 'reconcile', 'verify'];
const NOBODY = 65_534;

async function sourceAlone(): Promise<Place> {
  const sqlitePath = join(await temporaryDirectory(), 'db');
  createRelaySource(sqlitePath, { events: 200 });
  return { sqlitePath, url: (await freshDatabase()).url };
}

/** Every mode ends well and leaves no trace beside the source. */
async function expectWholeAndUntouched(place: Place): Promise<void> {
  const before = fileStates(dirname(place.sqlitePath));
  const scratch = await temporaryDirectory();
  for (const mode of MODES) {
    expect({ mode, ...(await migrateHere(mode, environmentOf(place, scratch))) }).toMatchObject({ mode, code: 0 });
    expect(fileStates(dirname(place.sqlitePath))).toEqual(before);
  }
  expect(fileStates(scratch)).toEqual([]);
}

/** Root may write anywhere, and sees nothing of permissions: its tests go on as nobody meanwhile. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    return await work();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

describe('the files of a source', () => {
  it('go over without what stands uncommitted in the WAL', async () => {
    const place = await sourceAlone();
    const live = join(await temporaryDirectory(), 'live');
    createRelaySource(live, { events: 200 });
    const database = new Database(live);
    database.pragma('wal_autocheckpoint = 0');
    database.exec("INSERT INTO kv VALUES ('committed', 'in the WAL')");
    const committed = sqliteBytes(live);
    const { size } = statSync(`${live}-wal`);
    // A small cache makes SQLite write frames before the transaction ends.
    database.exec("PRAGMA cache_size = 5; BEGIN; UPDATE relay__events SET content = 'never committed'");
    expect(statSync(`${live}-wal`).size).toBeGreaterThan(size + 40_000);
    for (const suffix of ['', '-wal']) copyFileSync(live + suffix, place.sqlitePath + suffix);
    database.exec('ROLLBACK');
    database.close();
    await expectWholeAndUntouched(place);
    expect(await postgresBytes(place.url)).toEqual(committed);
  });

  it('go over with what is committed in the WAL, where -shm is missing', async () => {
    const place = await sourceAlone();
    await writeAsKilledRelay(place.sqlitePath, (database) => {
      database.exec("INSERT INTO kv VALUES ('committed', 'in the WAL')");
    });
    rmSync(`${place.sqlitePath}-shm`);
    await expectWholeAndUntouched(place);
    expect(await differences(place)).toEqual([]);
    expect((await postgresBytes(place.url)).kv).toHaveLength(4);
  });

  it('go over with what the database alone has, where the WAL is missing', async () => {
    const place = await sourceAlone();
    const checkpointed = sqliteBytes(place.sqlitePath);
    await writeAsKilledRelay(place.sqlitePath, (database) => {
      database.exec("INSERT INTO kv VALUES ('committed', 'in the WAL')");
    });
    for (const suffix of ['-wal', '-shm']) rmSync(place.sqlitePath + suffix);
    await expectWholeAndUntouched(place);
    expect(await postgresBytes(place.url)).toEqual(checkpointed);
  });

  it.each([
    ['without a WAL', false],
    ['with rows in the WAL', true],
  ])('go over from a directory that may only be read, %s', async (_, hasWal) => {
    const place = await sourceAlone();
    if (hasWal)
      await writeAsKilledRelay(place.sqlitePath, (database) => {
        database.exec("INSERT INTO kv VALUES ('committed', 'in the WAL')");
      });
    const directory = dirname(place.sqlitePath);
    for (const suffix of ['', '-wal', '-shm'].filter((suffix) => existsSync(place.sqlitePath + suffix)))
      chmodSync(place.sqlitePath + suffix, 0o444);
    chmodSync(directory, 0o555);
    const before = fileStates(directory);
    const runs: Result[] = [];
    await asNobody(async () => {
      for (const mode of MODES) runs.push(await migrateHere(mode, environmentOf(place)));
    });
    expect(runs.map(({ code, message }) => ({ code, message }))).toEqual(MODES.map(() => ({ code: 0 })));
    expect(fileStates(directory)).toEqual(before);
    expect(await differences(place)).toEqual([]);
    chmodSync(directory, 0o755);
  });

  it('are refused when they may not be read', async () => {
    const place = await sourceAlone();
    chmodSync(dirname(place.sqlitePath), 0o755);
    chmodSync(place.sqlitePath, 0o000);
    expect(await asNobody(() => migrateHere('load', environmentOf(place)))).toMatchObject({
      code: 2,
      message: `The SQLite file ${place.sqlitePath} cannot be read: permission denied for uid ${process.geteuid?.() === 0 ? NOBODY : process.geteuid?.()}.`,
    });
  });
});
