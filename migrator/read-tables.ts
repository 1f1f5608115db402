import { isUtf8 } from 'node:buffer';
import type Database from 'better-sqlite3';
import { Refused } from '../statemachine/errors.ts';
import { readGenericTable } from './derived-columns.ts';
import { isPrintable, printable } from './printable.ts';
import type { Source } from './source.ts';
import { choiceFindings, type ExcludedTable, type TableChoice, unknownTable } from './table-choice.ts';
import { classify, IDENTIFIER_BYTES_MAX, quoteIdentifier, type Table } from './table-kinds.ts';

/**
 * Finds out what each table of the SQLite file at `path` is.
 *
 * @throws Refused with everything that is wrong with the tables and with the choice
 */
export function readTables(
  database: Database.Database,
  path: string,
  choice: TableChoice,
): Pick<Source, 'tables' | 'skipped' | 'excluded' | 'notes'> {
  assertText(database, path);
  const names = database
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    .pluck()
    .all() as string[];
  const tables: Table[] = [];
  const skipped: string[] = [];
  const excluded: ExcludedTable[] = [];
  const notes: string[] = [];
  const findings = choiceFindings(names, choice, path);
  for (const name of names) {
    const table = classify(name);
    if (table === 'skipped') skipped.push(name);
    else if (table === 'unknown') {
      const isGeneric = choice.generic.includes(name);
      // What the target has nothing of, the way back leaves as it is.
      if (choice.exclude.includes(name) || (isGeneric && choice.inTarget?.has(name) === false))
        excluded.push({ table: name, rows: countRowsIfPossible(database, name) });
      else if (!isPrintable(name)) findings.push(unprintableName(name, path));
      else if (isGeneric) {
        const read = readGenericTable(database, name, choice.inTarget?.get(name));
        tables.push(read.table);
        notes.push(...read.notes);
        findings.push(...read.findings);
      } else findings.push(unknownTable(name, path));
    } else if (!isPrintable(name)) findings.push(unprintableName(name, path));
    else {
      tables.push(table);
      findings.push(...shapeFindings(database, table));
    }
  }
  for (const table of tables) {
    for (const needed of table.after) {
      if (!names.includes(needed))
        findings.push(`The table "${table.name}" refers to "${needed}", which is not in ${path}.`);
    }
  }
  if (tables.length === 0 && findings.length === 0) {
    findings.push(
      `${path} holds no table of a relay: expected tables such as "sphere_relay__events". Check SQLITE_PATH.`,
    );
  }
  if (findings.length > 0) throw new Refused(findings.join('\n'));
  // Tables that others refer to come first: a foreign key must find its row.
  return { tables: tables.sort((a, b) => a.after.length - b.after.length), skipped, excluded, notes };
}

/** Each name is looked up by the text that it was read as, and what is no UTF-8 is read as something else. */
function assertText(database: Database.Database, path: string): void {
  const made = database.prepare("SELECT CAST(name || ' ' || sql AS BLOB) FROM sqlite_master WHERE type = 'table'");
  for (const bytes of made.pluck().all() as (Buffer | null)[]) {
    if (bytes === null || isUtf8(bytes)) continue;
    throw new Refused(
      `A table of ${path} is called, or has a column that is called, by bytes that are no UTF-8: ${printable(bytes.toString())}. Rename it in the source.`,
    );
  }
}

/** What no line of a log can show, nobody can check there: it could also pretend to be a line of its own. */
function unprintableName(name: string, path: string): string {
  return `The table "${printable(name)}" of ${path} has invisible characters in its name, shown here as escapes: expected a name that a log can show. Rename it in the source; if it is of no known kind, excludeTables in cutover.yaml leaves it behind.`;
}

function countRowsIfPossible(database: Database.Database, name: string): number | null {
  try {
    return database
      .prepare(`SELECT count(*) FROM ${quoteIdentifier(name)}`)
      .pluck()
      .get() as number;
  } catch {
    return null;
  }
}

function shapeFindings(database: Database.Database, table: Table): string[] {
  const findings: string[] = [];
  const actual = (database.pragma(`table_info(${quoteIdentifier(table.name)})`) as { name: string }[]).map(
    ({ name }) => name,
  );
  const expected = table.columns.map(({ name }) => name);
  const withoutRowid = database.prepare("SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?").pluck();
  if (withoutRowid.get(table.name) === 1)
    findings.push(`The table "${table.name}" is WITHOUT ROWID: expected a table whose rows can be named by rowid.`);
  if ([...actual].sort().join() !== [...expected].sort().join()) {
    findings.push(`The table "${table.name}" has the columns ${actual.join(', ')}: expected ${expected.join(', ')}.`);
  }
  // All names that the target's relay derives from the schema are about as long as this one.
  const longest = [
    table.name,
    ...[...table.indexes, ...table.constraints, ...table.create].flatMap((sql) =>
      [...sql.matchAll(/"((?:[^"]|"")+)"/g)].map((match) => (match[1] ?? '').replaceAll('""', '"')),
    ),
  ].sort((a, b) => Buffer.byteLength(b) - Buffer.byteLength(a))[0] as string;
  if (Buffer.byteLength(longest) > IDENTIFIER_BYTES_MAX) {
    findings.push(
      `The table "${table.name}" needs the name "${longest}" in the target, which has ${Buffer.byteLength(longest)} bytes: PostgreSQL cuts names at ${IDENTIFIER_BYTES_MAX}. Rename the schema in the source.`,
    );
  }
  return findings;
}
