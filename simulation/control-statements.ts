/**
 * How the statements that functions and migrator send about schema `cutover` are said to SQLite, which stands for PostgreSQL:
 * their conditions are evaluated and not guessed, so that one that is missing shows. Row locks are left out, since one
 * transaction at a time is at work (postgres.ts).
 */
const SAYINGS: [RegExp, string][] = [
  [/SELECT FROM/g, 'SELECT 1 FROM'],
  [/ FOR (SHARE|UPDATE)/g, ''],
  [/::(float8|text)\b/g, ''],
  [/\bleft\((\w+), (\d+)\)/g, 'substr($1, 1, $2)'],
  [/extract\(epoch FROM (\w+) - (\w+)\)/g, 'seconds_between($2, $1)'],
  [/\(manifested->>'rows'\)/g, "(manifested.value ->> 'rows')"],
  [/jsonb_array_elements\(manifest->'tables'\) manifested/g, "json_each(manifest, '$.tables') AS manifested"],
  [/run\.manifest #> '\{source,files\}'/g, "json_extract(run.manifest, '$.source.files')"],
  [
    /jsonb_build_array\(jsonb_build_object\('file', file, 'bytes', bytes, 'sha256', sha256\)\)/g,
    "json_array(json_object('file', file, 'bytes', bytes, 'sha256', sha256))",
  ],
];

const said = new Map<string, string>();

export function inSqlite(statement: string): string {
  const known = said.get(statement);
  if (known !== undefined) return known;
  const made = SAYINGS.reduce((text, [from, to]) => text.replace(from, to), statement);
  said.set(statement, made);
  return made;
}

/** Schema `cutover` as `migrator/control-schema.ts` makes it. A row of `run` that is nothing but a name is a withdrawal. */
export const CREATE_CONTROL_SCHEMA = `
CREATE TABLE IF NOT EXISTS cutover.authority (
  singleton INT NOT NULL DEFAULT 1 UNIQUE CHECK (singleton = 1),
  holder TEXT NOT NULL CHECK (holder IN ('source', 'target')),
  run_id TEXT NOT NULL,
  changed_at TEXT
);
CREATE TABLE IF NOT EXISTS cutover.run (
  run_id TEXT PRIMARY KEY,
  mode TEXT NOT NULL DEFAULT 'withdrawn',
  status TEXT NOT NULL DEFAULT 'withdrawn',
  started_at TEXT,
  finished_at TEXT,
  message TEXT,
  manifest TEXT
);
CREATE TABLE IF NOT EXISTS cutover.written_file (
  file TEXT NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, kept INTEGER NOT NULL, run_id TEXT NOT NULL, written_at TEXT
);`;

/** Columns whose default is the time; SQLite's own clock is none of ours. */
export const TIME_DEFAULTS = [
  { table: 'authority', column: 'changed_at' },
  { table: 'run', column: 'started_at' },
  { table: 'written_file', column: 'written_at' },
];
