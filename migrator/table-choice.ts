import { printable } from './printable.ts';
import type { Progress } from './progress.ts';
import { type Column, classify, TABLE_KINDS } from './table-kinds.ts';

/** What is to become of tables of no known kind. */
export interface TableChoice {
  /** Stay behind. */
  exclude: string[];
  /** Go over as they are. */
  generic: string[];
  /** On the way back: the generic tables that the target has, with their columns there. */
  inTarget?: Map<string, Column[]>;
}

export const NO_CHOICE: TableChoice = { exclude: [], generic: [] };

/** A table that is in the source and not brought over. */
export interface ExcludedTable {
  table: string;
  /** Null where SQLite cannot count them, as of a virtual table of an unknown module. */
  rows: number | null;
}

/**
 * What is wrong with a choice, one sentence each.
 *
 * @param names all tables of the file at `path`
 */
export function choiceFindings(names: string[], { exclude, generic }: TableChoice, path: string): string[] {
  const unknown = names.filter((name) => classify(name) === 'unknown');
  const options: [string, string[]][] = [
    ['--exclude', exclude],
    ['--generic', generic],
  ];
  const findings = options.flatMap(([option, chosen]) =>
    [...new Set(chosen)].flatMap((name) => {
      const kind = classify(name);
      if (!names.includes(name))
        return `${option} ${name}: there is no such table in ${path}; its tables of no known kind are: ${unknown.map(printable).join(', ') || 'none'}. Correct the name, or leave the option out.`;
      if (kind === 'unknown') return [];
      return kind === 'skipped'
        ? `${option} ${name}: this table belongs to SQLite or to its full-text search and stays behind by itself. Leave the option out.`
        : `${option} ${name}: this table is of the known kind ${kind.kind} and goes over by itself. Leave the option out.`;
    }),
  );
  for (const name of new Set(exclude.filter((one) => generic.includes(one))))
    findings.push(`"${name}" is named by --exclude and by --generic: expected one of them.`);
  return findings;
}

export function unknownTable(name: string, path: string): string {
  return `The table "${name}" of ${path} is of no known kind (${TABLE_KINDS.map((kind) => kind.title).join(', ')}): it would be left behind. Drop it from the source if it is not needed; else repeat with --exclude ${name}, which leaves it behind, or with --generic ${name}, which brings it over as it is (in cutover.yaml: excludeTables, genericTables).`;
}

/** Tells what is not brought over, and what becomes of the generic tables. */
export function sayChoice(
  { excluded, notes }: { excluded: ExcludedTable[]; notes: string[] },
  progress: Progress,
  fate = 'is left behind',
): void {
  for (const { table, rows } of excluded)
    progress.say(
      `The table "${printable(table)}" ${fate}: ${rows === null ? 'SQLite cannot count its rows' : `${rows} rows`}`,
    );
  for (const note of notes) progress.say(note);
}
