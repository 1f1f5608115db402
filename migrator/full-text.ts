import type Database from 'better-sqlite3';
import type { Progress } from './progress.ts';
import { quoteIdentifier } from './table-kinds.ts';

/**
 * Makes sure that the full-text index of every relay in the file says what its events say, and builds it anew where it
 * does not. Source: SQLite, "FTS5", the commands `integrity-check` (rank 1: with the content table) and `rebuild`.
 *
 * @returns whether anything was changed
 * @throws Error when an index is wrong even after it was built anew
 */
export function ensureFullText(database: Database.Database, progress: Progress): boolean {
  let rebuilt = false;
  const names = database
    .prepare(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE '%\\_\\_events\\_fts' ESCAPE '\\' AND sql LIKE 'CREATE VIRTUAL TABLE%' ORDER BY name",
    )
    .pluck()
    .all() as string[];
  for (const name of names) {
    const table = quoteIdentifier(name);
    const check = (): void => void database.exec(`INSERT INTO ${table} (${table}, rank) VALUES ('integrity-check', 1)`);
    try {
      check();
    } catch {
      progress.say(`The full-text index ${name} does not agree with its events; it is built anew.`);
      try {
        database.exec(`INSERT INTO ${table} (${table}) VALUES ('rebuild')`);
        check();
      } catch (cause) {
        throw new Error(
          `The full-text index ${name} does not agree with its events even after it was built anew: ${(cause as Error).message}. The SQLite file was not touched.`,
          { cause },
        );
      }
      rebuilt = true;
    }
    progress.moment(`full text checked: ${name}`);
  }
  return rebuilt;
}
