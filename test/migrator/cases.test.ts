import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { shapeInPostgres } from '../support/generic-rows.ts';
import { environmentOf, migrateHere, migratePlace, type Place, type Result } from '../support/migrator.ts';
import { freshDatabase } from '../support/postgres.ts';
import { countsOf, fromSource, quarantine } from '../support/quarantined.ts';
import { temporaryDirectory } from '../support/relay-process.ts';
import { createRelayTables, idOf } from '../support/relay-source.ts';
import { databaseObjects, differences, postgresBytes, type TableBytes } from '../support/table-bytes.ts';

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
  /** Next to a refusal, the rows by table that `--quarantine` keeps out of the target; with it the others go over. */
  quarantined?: Record<string, number>;
  /** Where all of them take too long, the modes that it goes over in. */
  modes?: string[];
  /** Rows in the target by table. */
  rows?: Record<string, number>;
  /** Columns and keys of generic tables in the target. */
  shapes?: Record<string, string[]>;
}

const ALL_MODES = ['check', 'load', 'load', 'reconcile', 'verify'];
const CASES = fileURLToPath(new URL('../cases', import.meta.url));

function makeSource(path: string, folder: string, schemas: string[]): void {
  const database = new Database(path);
  database.function('nostr_id', { safeIntegers: true }, (pubkey, created_at, kind, tags, content) =>
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
    const { code, message, lines } = await migratePlace(mode, place);
    expect({ mode, code, lines: message?.replaceAll(place.sqlitePath, 'PATH').split('\n') }).toEqual({
      mode,
      code: 2,
      lines: refusal,
    });
    // A load that was begun leaves word of its refusal, and no table of the relay.
    const ofRelay = (await databaseObjects(place.url)).filter((object) => !/^(schema|relation) cutover\b/.test(object));
    expect(ofRelay).toEqual([]);
    expect(findingsIn(lines)).toEqual(expect.arrayContaining(refusal.filter((line) => line.startsWith('  table '))));
    // Those that are not listed too.
    const more = refusal.flatMap((line) => /^ {2}and (\d+) more/.exec(line)?.slice(1) ?? []).map(Number);
    const listed = refusal.filter((line) => line.startsWith('  table ')).length;
    expect(findingsIn(lines)).toHaveLength(more.reduce((sum, count) => sum + count, listed));
  }
}

/** What was told of each row when it was found, in the form in which a refusal lists it. */
function findingsIn(lines: Result['lines']): string[] {
  const found = lines.filter(({ event }) => event === 'finding').map(({ text }) => text ?? '');
  return found.flatMap((text) => text.split('\n')).map((line) => line.replace(/^Found:(.*)\. [A-Z][a-z].*$/s, ' $1'));
}

async function expectWhole(
  place: Place,
  { modes = ALL_MODES, generic, rows = {}, shapes = {} }: Expectation,
): Promise<void> {
  for (const mode of modes) {
    expect({ mode, ...(await migratePlace(mode, place)) }).toMatchObject({ mode, code: 0, message: undefined });
    if (mode === 'check') continue;
    expect(await differences(place, generic)).toEqual([]);
  }
  expect(countsIn(await postgresBytes(place.url))).toEqual(rows);
  for (const [name, shape] of Object.entries(shapes))
    expect({ name, shape: await shapeInPostgres(place.url, name) }).toEqual({ name, shape });
}

/** The rest of the source is in the target, and the rows in quarantine are what they are in the source, to the byte. */
async function expectRestWhole(
  place: Place,
  quarantined: Record<string, number>,
  { rows = {}, modes = ALL_MODES }: Expectation,
): Promise<void> {
  const environment = { ...environmentOf(place), CUTOVER_QUARANTINE: '1' };
  for (const mode of modes) {
    expect({ mode, ...(await migrateHere(mode, environment)) }).toMatchObject({ mode, code: 0 });
    if (mode === 'check') continue;
    const kept = await quarantine(place.url);
    expect(countsOf(kept)).toEqual(quarantined);
    const source = await fromSource(place, kept);
    expect(kept.map(({ row }) => row)).toEqual(source.rows);
    const target = await postgresBytes(place.url);
    expect(target).toEqual(source.rest);
    expect(countsIn(target)).toEqual(rows);
  }
}

function countsIn(tables: TableBytes): Record<string, number> {
  return Object.fromEntries(Object.entries(tables).map(([name, bytes]) => [name, bytes.length]));
}

describe('a source', () => {
  for (const name of readdirSync(CASES)) {
    const folder = join(CASES, name);
    if (!existsSync(join(folder, 'expect.json'))) continue;
    const expected = JSON.parse(readFileSync(join(folder, 'expect.json'), 'utf8')) as Expectation;
    const { schemas, exclude, generic, refusal, quarantined } = expected;
    const options = {
      ...(exclude && { CUTOVER_EXCLUDE_TABLES: JSON.stringify(exclude) }),
      ...(generic && { CUTOVER_GENERIC_TABLES: JSON.stringify(generic) }),
    };
    const makePlace = async (): Promise<Place> => {
      const place = { sqlitePath: join(await temporaryDirectory(), 'db'), url: (await freshDatabase()).url, options };
      makeSource(place.sqlitePath, folder, schemas);
      return place;
    };
    it(`${expected.states} (${name})`, async () => {
      const place = await makePlace();
      if (refusal) await expectRefused(place, refusal);
      else await expectWhole(place, expected);
    });
    if (!quarantined) continue;
    it(`goes over with --quarantine, but for the rows that cannot (${name})`, async () => {
      await expectRestWhole(await makePlace(), quarantined, expected);
    });
  }
});
