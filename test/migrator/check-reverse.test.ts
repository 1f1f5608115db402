import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { environmentOf, runMigrator } from '../support/migrator.ts';
import { changeTarget, handedOver } from '../support/reversed.ts';
import { sqliteBytes, withClient } from '../support/table-bytes.ts';

describe('the check of the way back', () => {
  it('does in a copy what a reverse would do, says it, and writes nothing', async () => {
    const place = await handedOver();
    const before = [sqliteBytes(place.sqlitePath), statSync(place.sqlitePath), readdirSync(dirname(place.sqlitePath))];
    await changeTarget(place.url);
    const result = await runMigrator(['check-reverse'], { ...environmentOf(place), CUTOVER_RUN_ID: 'back/0/check' });
    expect(result).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /Brought back relay__events: \+9 ~3 -2 rows\n.*The way back is open\. Nothing was changed\.\n$/s,
      ),
    });
    expect([sqliteBytes(place.sqlitePath), statSync(place.sqlitePath), readdirSync(dirname(place.sqlitePath))]).toEqual(
      before,
    );
    const [run] = await withClient(
      place.url,
      async (client) =>
        (await client.query("SELECT mode, status, manifest FROM cutover.run WHERE run_id = 'back/0/check'")).rows,
    );
    expect(run).toMatchObject({
      mode: 'check-reverse',
      status: 'verified',
      manifest: { tables: [{ table: 'kv' }, { table: 'relay__events', inserted: 9, updated: 3, deleted: 2 }, {}] },
    });
  });

  it('lists all that SQLite has no place for, and lets it stay behind only when that is allowed', async () => {
    const place = await handedOver();
    await withClient(place.url, (client) =>
      client.query(`CREATE TABLE sessions (id text); INSERT INTO sessions VALUES ('a');
        ALTER TABLE relay__events ADD COLUMN seen int; UPDATE relay__events SET seen = 1`),
    );
    const found =
      /data that SQLite has no place for:\n {2}\d+ values of "relay__events"\."seen", .*\n {2}1 rows of "sessions", a table/;
    const refused = await runMigrator(['check-reverse'], environmentOf(place));
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringMatching(found) });
    const allowed = await runMigrator(['check-reverse', '--allow-deletions'], environmentOf(place));
    expect(allowed).toMatchObject({ code: 0, stdout: expect.stringContaining('stays behind in PostgreSQL:') });
  });

  it('cannot try anything while the files are half exchanged, and says so', async () => {
    const place = await handedOver();
    mkdirSync(join(dirname(place.sqlitePath), 'relay-cutover-swap'));
    expect(await runMigrator(['check-reverse'], environmentOf(place))).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('The next one settles that first, so that nothing can be tried before.'),
    });
    expect(existsSync(join(dirname(place.sqlitePath), 'relay-cutover-swap'))).toBe(true);
  });
});
