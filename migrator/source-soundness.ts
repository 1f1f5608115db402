import type Database from 'better-sqlite3';
import { Refused } from '../statemachine/errors.ts';
import type { ScratchCopy } from './scratch-copy.ts';
import { quoteIdentifier } from './table-kinds.ts';

/** Findings that SQLite lists before it stops looking. */
const FINDINGS_MAX = 5;

/**
 * Makes sure that all pages of a copy can be read.
 *
 * @param path what it is a copy of, for the messages
 * @param attempts how often it was copied
 * @throws Refused with the tables that are damaged; Error when the copy was torn and may be at fault itself
 */
export function assertSound(database: Database.Database, path: string, copy: ScratchCopy, attempts: number): void {
  const seen = findingsOf(database);
  const cutOff = seen === undefined ? cutOffPage(database, copy) : undefined;
  if (seen === undefined && cutOff === undefined) return;
  if (!copy.still) {
    throw new Error(
      `The SQLite file ${path} was checkpointed during each of ${attempts} copies, and the last one is not sound. Repeat it when the relay writes less.`,
    );
  }
  throw new Refused(
    `The SQLite file ${path} is damaged: ${seen ?? cutOff?.words}. ${cutOff ? whoseIs(database, cutOff.page) : whichTables(database)} Nothing was copied. Restore a backup, or rescue what can be read with "sqlite3 db .recover".`,
  );
}

function findingsOf(database: Database.Database, table?: string): string | undefined {
  try {
    // Tables are read once from end to end, for which the 16 MB that better-sqlite3 would take are of no use. It is set
    // here, since it reads the file's header, and that may be the damage.
    database.pragma('cache_size = -4000');
    const what = table === undefined ? FINDINGS_MAX : quoteIdentifier(table);
    const rows = database.pragma(`quick_check(${what})`) as { quick_check: string }[];
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

/** A sentence with every table that is damaged itself or in one of its indexes. SQLite's own words name pages only. */
function whichTables(database: Database.Database): string {
  let names: string[];
  try {
    names = database
      .prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
      .pluck()
      .all() as string[];
  } catch {
    return 'The list of its tables cannot be read either.';
  }
  const damaged = names.filter((name) => findingsOf(database, name) !== undefined);
  if (damaged.length === 0)
    return 'Each table can be read by itself; the damage is in pages that none of them should use.';
  return `Damaged: ${damaged.map((name) => `"${name}"`).join(', ')}; sound: ${
    names
      .filter((name) => !damaged.includes(name))
      .map((name) => `"${name}"`)
      .join(', ') || 'none'
  }.`;
}
