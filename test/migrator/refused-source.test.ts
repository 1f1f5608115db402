import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { fileStates } from '../support/file-states.ts';
import { migratePlace } from '../support/migrator.ts';
import { MODES, type Scene, scene } from '../support/scene.ts';
import { databaseObjects } from '../support/table-bytes.ts';

/** Runs all modes and expects of each the same refusal, an empty target, and no change beside the source. */
async function expectRefusedInAllModes({ directory, sqlitePath, url }: Scene, message: string): Promise<void> {
  const before = fileStates(directory);
  for (const mode of MODES) {
    expect({ mode, ...(await migratePlace(mode, { sqlitePath, url })) }).toMatchObject({ mode, code: 2, message });
    expect(fileStates(directory)).toEqual(before);
    expect(await databaseObjects(url)).toEqual([]);
  }
}

describe('a source that is none', () => {
  it('is refused when there is no file', async () => {
    const place = await scene();
    const sqlitePath = join(place.directory, 'missing');
    await expectRefusedInAllModes(
      { ...place, sqlitePath },
      `There is no SQLite file at ${sqlitePath}. Check SQLITE_PATH and the mount; nothing was created.`,
    );
  });

  it('is refused when there is not even a directory, or a file in the place of one', async () => {
    const place = await scene();
    for (const sqlitePath of [join(place.directory, 'none/db'), join(place.sqlitePath, 'db')]) {
      await expectRefusedInAllModes(
        { ...place, sqlitePath },
        `There is no SQLite file at ${sqlitePath}. Check SQLITE_PATH and the mount; nothing was created.`,
      );
    }
  });

  it('is refused when the file is empty', async () => {
    const place = await scene();
    writeFileSync(place.sqlitePath, '');
    await expectRefusedInAllModes(
      place,
      `The SQLite file ${place.sqlitePath} is empty (0 bytes): expected a relay's database. Check SQLITE_PATH and the mount.`,
    );
  });

  it('is refused when it is a directory', async () => {
    const place = await scene();
    const sqlitePath = join(place.directory, 'data');
    mkdirSync(sqlitePath);
    await expectRefusedInAllModes(
      { ...place, sqlitePath },
      `${sqlitePath} is a directory: expected the SQLite file in it, for example ${join(sqlitePath, 'db')}.`,
    );
  });

  it.each(['{"a":"JSON file"}', 'SQLite', 'SQLite format 2\0 of long ago'])(
    'is refused when it is no SQLite file: %j',
    async (content) => {
      const place = await scene();
      writeFileSync(place.sqlitePath, content);
      await expectRefusedInAllModes(
        place,
        `${place.sqlitePath} is not a SQLite database: it does not begin with "SQLite format 3". Check SQLITE_PATH.`,
      );
    },
  );

  it('is refused when the file is cut off, down to its first bytes', async () => {
    const place = await scene();
    const whole = readFileSync(place.sqlitePath);
    for (const bytes of [16, 60, 100, 2_000, 4_096, whole.length - 4_096 * 3, whole.length - 100]) {
      writeFileSync(place.sqlitePath, whole.subarray(0, bytes));
      const { code, message } = await migratePlace('load', place);
      expect({ bytes, code, message }).toEqual({
        bytes,
        code: 2,
        message: expect.stringMatching(
          /^The SQLite file \/\S+ is damaged: .+\. Nothing was copied\. Restore a backup, or rescue what can be read with "sqlite3 db \.recover"\.$/s,
        ),
      });
      expect(await databaseObjects(place.url)).toEqual([]);
    }
  });

  it('is refused when a page is overwritten, whichever it is, and the table is named that it belongs to', async () => {
    const place = await scene();
    const database = new Database(place.sqlitePath);
    const owners = new Map(
      database.prepare('SELECT pageno, tbl_name FROM dbstat JOIN sqlite_master USING (name)').raw().all() as [
        number,
        string,
      ][],
    );
    database.close();
    expect(new Set(owners.values()).size).toBeGreaterThan(5);
    const whole = readFileSync(place.sqlitePath);
    for (let page = 2; page * 4_096 <= whole.length; page++) {
      const damaged = Buffer.from(whole);
      damaged.fill(0xee, (page - 1) * 4_096, (page - 1) * 4_096 + 64);
      writeFileSync(place.sqlitePath, damaged);
      const { code, message } = await migratePlace('check', place);
      const [, found, sound] = /\. Damaged: (.+); sound: (.+)\. Nothing was copied\./.exec(message ?? '') ?? [];
      expect({ page, code, message, found }).toEqual({
        page,
        code: 2,
        message: expect.stringMatching(/^The SQLite file \S+ is damaged: /),
        found: expect.stringContaining(`"${owners.get(page)}"`),
      });
      expect(sound).not.toContain(`"${owners.get(page)}"`);
    }
  });

  it('is refused when its list of tables is overwritten', async () => {
    const place = await scene();
    const damaged = readFileSync(place.sqlitePath);
    damaged.fill(0xee, 100, 200);
    writeFileSync(place.sqlitePath, damaged);
    await expectRefusedInAllModes(
      place,
      `The SQLite file ${place.sqlitePath} is damaged: database disk image is malformed. The list of its tables cannot be read either. Nothing was copied. Restore a backup, or rescue what can be read with "sqlite3 db .recover".`,
    );
  });

  it('is refused when it holds UTF-16, no table at all, or a table of another shape', async () => {
    const place = await scene();
    const cases: [string, string][] = [
      [
        `PRAGMA encoding = 'UTF-16le'; CREATE TABLE kv (key TEXT PRIMARY KEY, value TEXT)`,
        `The SQLite file PATH has the encoding UTF-16le: expected UTF-8.`,
      ],
      [
        'CREATE TABLE t (a); DROP TABLE t',
        'PATH holds no table of a relay: expected tables such as "sphere_relay__events". Check SQLITE_PATH.',
      ],
      [
        'CREATE TABLE kv (key TEXT PRIMARY KEY, value TEXT, expires INTEGER)',
        'The table "kv" has the columns key, value, expires: expected key, value.',
      ],
      [
        'CREATE TABLE kv (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID',
        'The table "kv" is WITHOUT ROWID: expected a table whose rows can be named by rowid.',
      ],
      [
        'CREATE TABLE r__event_tags (event_id TEXT, key TEXT, value TEXT)',
        'The table "r__event_tags" refers to "r__events", which is not in PATH.',
      ],
    ];
    for (const [index, [sql, message]] of cases.entries()) {
      const sqlitePath = join(place.directory, `db${index}`);
      const database = new Database(sqlitePath);
      database.exec(sql);
      database.close();
      await expectRefusedInAllModes({ ...place, sqlitePath }, message.replace('PATH', sqlitePath));
    }
  });
});
