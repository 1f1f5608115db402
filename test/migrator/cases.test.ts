import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { shapeInPostgres } from '../support/generic-rows.ts';
import { migratePlace, type Place } from '../support/migrator.ts';
import { freshDatabase } from '../support/postgres.ts';
import { temporaryDirectory } from '../support/relay-process.ts';
import { createRelayTables, idOf } from '../support/relay-source.ts';
import { databaseObjects, differences, postgresBytes } from '../support/table-bytes.ts';

/**
 * A case is a folder: `source.sql` makes the SQLite file, in which the tables of the schemas named here stand already and
 * `nostr_id(pubkey, created_at, kind, tags, content)` computes an event's id.
 */
interface Expectation {
  states: string;
  schemas: string[];
  /** What becomes of tables of no known kind, by name. */
  exclude?: string[];
  generic?: string[];
  /** Refused by `check` and `load` with these lines; without it, the source goes over whole. */
  refusal?: string[];
  /** Rows in the target by table. */
  rows?: Record<string, number>;
  /** Columns and keys of generic tables in the target. */
  shapes?: Record<string, string[]>;
}

const CASES = fileURLToPath(new URL('../cases', import.meta.url));

function makeSource(path: string, folder: string, schemas: string[]): void {
  const database = new Database(path);
  database.function('nostr_id', (pubkey, created_at, kind, tags, content) =>
    idOf({ pubkey, created_at, kind, tags, content } as Parameters<typeof idOf>[0]),
  );
  for (const schema of schemas) createRelayTables(database, schema);
  // Bad sources break the rules that the relay's own connection keeps.
  database.pragma('foreign_keys = OFF');
  database.exec(readFileSync(join(folder, 'source.sql'), 'utf8'));
  database.close();
}

async function expectRefused(place: Place, refusal: string[]): Promise<void> {
  for (const mode of ['check', 'load']) {
    const { code, message } = await migratePlace(mode, place);
    expect({ mode, code, lines: message?.replaceAll(place.sqlitePath, 'PATH').split('\n') }).toEqual({
      mode,
      code: 2,
      lines: refusal,
    });
    // A load that was begun leaves word of its refusal, and no table of the relay.
    const ofRelay = (await databaseObjects(place.url)).filter((object) => !/^(schema|relation) cutover\b/.test(object));
    expect(ofRelay).toEqual([]);
  }
}

async function expectWhole(place: Place, expected: Expectation): Promise<void> {
  for (const mode of ['check', 'load', 'load', 'reconcile', 'verify']) {
    expect({ mode, ...(await migratePlace(mode, place)) }).toMatchObject({
      mode,
      code: 0,
      message: undefined,
    });
    if (mode === 'check') continue;
    expect(await differences(place, expected.generic)).toEqual([]);
  }
  const target = await postgresBytes(place.url);
  expect(Object.fromEntries(Object.entries(target).map(([name, bytes]) => [name, bytes.length]))).toEqual(
    expected.rows,
  );
  for (const [name, shape] of Object.entries(expected.shapes ?? {}))
    expect({ name, shape: await shapeInPostgres(place.url, name) }).toEqual({ name, shape });
}

describe('a source', () => {
  for (const name of readdirSync(CASES)) {
    const folder = join(CASES, name);
    if (!existsSync(join(folder, 'expect.json'))) continue;
    const expected = JSON.parse(readFileSync(join(folder, 'expect.json'), 'utf8')) as Expectation;
    const { schemas, exclude, generic, refusal } = expected;
    const options = {
      ...(exclude && { CUTOVER_EXCLUDE_TABLES: JSON.stringify(exclude) }),
      ...(generic && { CUTOVER_GENERIC_TABLES: JSON.stringify(generic) }),
    };
    it(`${expected.states} (${name})`, async () => {
      const place = { sqlitePath: join(await temporaryDirectory(), 'db'), url: (await freshDatabase()).url, options };
      makeSource(place.sqlitePath, folder, schemas);
      if (refusal) await expectRefused(place, refusal);
      else await expectWhole(place, expected);
    });
  }
});
