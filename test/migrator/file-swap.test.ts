import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { parseConfiguration } from '../../migrator/configuration.ts';
import { run } from '../../migrator/run.ts';
import { fileStates } from '../support/file-states.ts';
import { environmentOf, migratePlace, type Place } from '../support/migrator.ts';
import { changeTarget, handedOver, oldFiles, reversed, union } from '../support/reversed.ts';
import { MODES } from '../support/scene.ts';
import { differences, postgresBytes, sqliteBytes, withClient } from '../support/table-bytes.ts';

const quiet = { say() {}, finding() {}, rows: () => ({ add() {}, end() {} }) };

/** Runs the way back and does something at its moments; what that throws ends it. */
const reverseWith = (place: Place, moment: (name: string) => void) =>
  run(parseConfiguration('reverse', environmentOf(place)), { ...quiet, moment });

const stopAt = (place: Place, last: string) =>
  reverseWith(place, (name) => {
    if (name === last) throw new Error(`stopped at ${last}`);
  }).catch((error) => expect(error.message).toBe(`stopped at ${last}`));

function writeSetting(sqlitePath: string, key: string): void {
  const database = new Database(sqlitePath);
  database.prepare("INSERT INTO kv VALUES (?, 'of the old relay')").run(key);
  database.close();
}

describe('an exchange of the files that is half done', () => {
  it('keeps every other mode away, which says what to do', async () => {
    const place = await handedOver();
    await changeTarget(place.url);
    await stopAt(place, 'moved aside: db-wal');
    const before = fileStates(dirname(place.sqlitePath));
    for (const mode of MODES) {
      expect({ mode, ...(await migratePlace(mode, place)) }).toMatchObject({
        mode,
        code: 2,
        message: `A "reverse" that was interrupted has left ${join(dirname(place.sqlitePath), 'relay-cutover-swap')}: the SQLite file may be in there, or only a part of it may stand at ${place.sqlitePath}. Nothing was changed. Run "reverse" again; it ends or undoes what was begun.`,
      });
    }
    expect(fileStates(dirname(place.sqlitePath))).toEqual(before);
    expect(await reversed(place)).toMatchObject({ code: 0 });
    expect(await differences(place)).toEqual([]);
  });

  it('keeps a reconcile away even when no file stands in its place', async () => {
    const place = await handedOver();
    await changeTarget(place.url);
    await stopAt(place, 'moved aside: db');
    expect(readdirSync(dirname(place.sqlitePath))).toEqual(['db.relay-cutover-new', 'relay-cutover-swap']);
    expect((await migratePlace('reconcile', place)).message).toMatch(/^A "reverse" that was interrupted has left /);
  });

  it('is not undone over files that somebody has made meanwhile', async () => {
    const place = await handedOver();
    await changeTarget(place.url);
    await stopAt(place, 'moved aside: db');
    const directory = dirname(place.sqlitePath);
    for (const name of ['db', 'db-wal']) writeFileSync(join(directory, name), 'of a relay');
    const before = fileStates(directory);
    expect(await reversed(place)).toMatchObject({
      code: 2,
      message: `${place.sqlitePath} and ${place.sqlitePath}-wal came to be after an interrupted run had moved the old files to ${join(directory, 'relay-cutover-swap')}: somebody has opened the database meanwhile. Nothing was changed. Move what stands there elsewhere (it may hold rows that are nowhere else) and remove ${place.sqlitePath}.relay-cutover-new, then run "reverse" again.`,
    });
    expect(fileStates(directory)).toEqual(before);
  });

  it('is undone when the new file was removed by hand', async () => {
    const place = await handedOver();
    const before = sqliteBytes(place.sqlitePath);
    await changeTarget(place.url);
    await stopAt(place, 'moved aside: db');
    rmSync(`${place.sqlitePath}.relay-cutover-new`);
    expect(await reversed(place)).toMatchObject({ code: 0 });
    expect(await differences(place)).toEqual([]);
    expect(oldFiles(place)).toEqual([before]);
  });

  it('is undone, and nothing else done, where the directory of it is empty', async () => {
    const place = await handedOver();
    const before = fileStates(dirname(place.sqlitePath));
    mkdirSync(join(dirname(place.sqlitePath), 'relay-cutover-swap'));
    expect(await reversed(place)).toMatchObject({ code: 0 });
    expect(fileStates(dirname(place.sqlitePath))).toEqual(before);
  });
});

describe('a relay that writes to the SQLite file during the way back', () => {
  it.each(['planned: kv', 'before swap', 'swap begun'])('loses nothing of what it wrote at "%s"', async (when) => {
    const place = await handedOver();
    await changeTarget(place.url);
    let written = false;
    await reverseWith(place, (name) => {
      if (name !== when || written) return;
      written = true;
      writeSetting(place.sqlitePath, 'late');
    });
    expect(JSON.stringify(sqliteBytes(place.sqlitePath))).toContain(Buffer.from('late').toString('hex'));
    const names = readdirSync(dirname(place.sqlitePath));
    expect(names).toEqual([expect.stringMatching(/^before-reverse-/), 'db']);
    expect(sqliteBytes(place.sqlitePath)).toEqual(union(oldFiles(place)[0] ?? {}, await postgresBytes(place.url)));
  });

  it('ends it when it goes on, and the files stand as the relay left them', async () => {
    const place = await handedOver();
    await changeTarget(place.url);
    let count = 0;
    const failing = reverseWith(place, (name) => {
      if (name === 'before swap') writeSetting(place.sqlitePath, `late ${++count}`);
    });
    await expect(failing).rejects.toThrow(
      `The SQLite file was written to during each of 3 passes. Stop every task that writes to ${place.sqlitePath}, then repeat.`,
    );
    expect(readdirSync(dirname(place.sqlitePath))).toEqual(['db']);
    expect(sqliteBytes(place.sqlitePath).kv).toHaveLength(7);
    expect(await reversed(place)).toMatchObject({ code: 0 });
  });

  it('is noticed as well when there is nothing to bring back', async () => {
    const place = await handedOver();
    let count = 0;
    await reverseWith(place, (name) => {
      if (name === 'deletions reviewed' && count++ === 0) writeSetting(place.sqlitePath, 'late');
    });
    expect(count).toBe(2);
    expect(sqliteBytes(place.sqlitePath).kv).toHaveLength(5);
  });
});

describe('the verification after the way back', () => {
  it('opens the file from its place: what is written there right after the exchange is found, and kept by the next run', async () => {
    const place = await handedOver();
    await changeTarget(place.url);
    const reversing = reverseWith(place, (name) => {
      if (name === 'old files kept') writeSetting(place.sqlitePath, 'late');
    });
    const message =
      'The target is not equal to the source: kv: the source has 5 rows and the target 4. Stop every task that writes to either of them, then run "reverse" again.';
    await expect(reversing).rejects.toThrow(message);
    const { rows } = await withClient(place.url, (client) =>
      client.query('SELECT mode, status, message, manifest FROM cutover.run ORDER BY started_at DESC LIMIT 1'),
    );
    expect(rows).toEqual([{ mode: 'reverse', status: 'failed', message, manifest: null }]);
    expect(await reversed(place)).toMatchObject({ code: 0 });
  });
});
