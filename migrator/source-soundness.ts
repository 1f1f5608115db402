import type Database from 'better-sqlite3';
import { Refused } from '../statemachine/errors.ts';
import { printable } from './printable.ts';
import type { ScratchCopy } from './scratch-copy.ts';
import { quoteIdentifier } from './table-kinds.ts';

/** Tables are read once from end to end, for which the 16 MB that better-sqlite3 would take are of no use. */
export const CACHE_PRAGMA = 'cache_size = -4000';

/** Findings that are told of a table, and tables whose findings are told. */
const FINDINGS_MAX = 5;

/**
 * Makes sure that all pages of a copy's tables and their indexes can be read. SQLite is asked table by table: asked for the
 * whole file, it also compares every full-text index with its events, which takes longer than all the rest. That index does
 * not go over, and the way back looks at it by itself (full-text.ts).
 *
 * @param path what it is a copy of, for the messages
 * @param attempts how often it was copied
 * @throws Refused with the tables that are damaged; Error when the copy was torn and may be at fault itself
 */
export function assertSound(database: Database.Database, path: string, copy: ScratchCopy, attempts: number): void {
  const damage = damageOf(database);
  const cutOff = damage === undefined ? cutOffPage(database, copy) : undefined;
  if (damage === undefined && cutOff === undefined) return;
  if (!copy.still) {
    throw new Error(
      `The SQLite file ${path} was checkpointed during each of ${attempts} copies, and the last one is not sound. Repeat it when the relay writes less.`,
    );
  }
  throw new Refused(
    `The SQLite file ${path} is damaged: ${damage?.words ?? cutOff?.words}. ${damage?.whose ?? whoseIs(database, cutOff?.page as number)} Nothing was copied. Restore a backup, or rescue what can be read with "sqlite3 db .recover".`,
  );
}

/** What SQLite says of the damage, and a sentence with every table that is damaged itself or in one of its indexes: SQLite's own words name pages only. */
function damageOf(database: Database.Database): { words: string; whose: string } | undefined {
  let names: string[];
  try {
    // It is set here, since it reads the file's header, and that may be the damage.
    database.pragma(CACHE_PRAGMA);
    names = database
      .prepare(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL TABLE%' ORDER BY name",
      )
      .pluck()
      .all() as string[];
  } catch (error) {
    return { words: (error as Error).message, whose: 'The list of its tables cannot be read either.' };
  }
  const findings = new Map(names.map((name) => [name, findingsOf(database, name)]));
  const quoted = (isDamaged: boolean): string =>
    names
      .filter((name) => (findings.get(name) !== undefined) === isDamaged)
      .map((name) => `"${printable(name)}"`)
      .join(', ');
  const words = [...findings.values()].filter((seen) => seen !== undefined).slice(0, FINDINGS_MAX);
  if (words.length === 0) return undefined;
  return { words: words.join('; '), whose: `Damaged: ${quoted(true)}; sound: ${quoted(false) || 'none'}.` };
}

function findingsOf(database: Database.Database, table: string): string | undefined {
  try {
    const rows = database.pragma(`quick_check(${quoteIdentifier(table)})`) as { quick_check: string }[];
    const findings = rows.slice(0, FINDINGS_MAX).map((row) => row.quick_check.replaceAll('\n', '; '));
    return findings.join() === 'ok' ? undefined : findings.join('; ');
  } catch (error) {
    return (error as Error).message;
  }
}

/** SQLite takes zeros for what is missing of the last page, without a word. A rollback journal would have cut the file to its length. */
function cutOffPage(database: Database.Database, { files }: ScratchCopy): { page: number; words: string } | undefined {
  const bytes = files[0]?.bytes ?? 0;
  const pageBytes = database.pragma('page_size', { simple: true }) as number;
  if (bytes % pageBytes === 0 || files.some(({ file }) => file.endsWith('-journal'))) return undefined;
  const words = `its last page is cut off (${bytes} bytes in pages of ${pageBytes})`;
  return { page: Math.ceil(bytes / pageBytes), words };
}

/** A sentence with the table that a page belongs to. */
function whoseIs(database: Database.Database, page: number): string {
  const owner = database
    .prepare('SELECT tbl_name FROM dbstat JOIN sqlite_master USING (name) WHERE pageno = ?')
    .pluck()
    .get(page);
  return owner === undefined ? 'No table uses that page.' : `Damaged: "${owner}".`;
}
