import type Database from 'better-sqlite3';
import { Refused } from '../statemachine/errors.ts';
import { affinityOf, readDeclaration } from './declared-table.ts';
import { GENERIC_KIND } from './generic-table.ts';
import { type TablePlan, workColumn } from './reverse-plan.ts';
import { RowEncoder } from './row-encoding.ts';
import { readColumn } from './row-reader.ts';

/**
 * Makes sure that SQLite keeps the values that come back to generic tables: a column of INTEGER makes a number of a text that
 * looks like one, and a column of REAL takes the sign off -0. The relay's own tables have no such columns.
 *
 * @throws Refused with the columns of every table, before anything is changed
 */
export function assertKeptAsTheyAre(plans: TablePlan[], database: Database.Database): void {
  const findings = plans
    .filter(({ table, inserted, updated }) => table.kind === GENERIC_KIND && inserted + updated > 0)
    .flatMap((plan) => alteredValues(plan, database));
  if (findings.length === 0) return;
  throw new Refused(
    `SQLite would change values that PostgreSQL has:\n${findings.map((finding) => `  ${finding}`).join('\n')}\nNothing was changed. Give them another form in PostgreSQL, or delete the rows; then repeat.`,
  );
}

/** Puts the rows into a table with the same affinities, and compares each value with what was put in. */
function alteredValues({ table, work }: TablePlan, database: Database.Database): string[] {
  const { columns: declared } = readDeclaration(database, table.name);
  const affinities = table.columns.map(({ name }) =>
    affinityOf(declared.find((column) => column.name === name)?.type ?? ''),
  );
  const sent = table.columns.map((column, place) => ({ ...column, name: workColumn(place) }));
  const kept = table.columns.map((column, place) => ({ ...column, name: `kept_${place}` }));
  database.exec(`
    CREATE TABLE temp.cutover_declared (place INTEGER PRIMARY KEY, ${kept.map(({ name }, place) => `${name} ${affinities[place]}`).join(', ')});
    INSERT INTO temp.cutover_declared SELECT place, ${sent.map(({ name }) => name).join(', ')} FROM ${work.theirs};`);
  const rows = database
    .prepare(
      `SELECT ${[...sent, ...kept].map(readColumn).join(', ')} FROM temp.cutover_declared JOIN ${work.theirs} USING (place)`,
    )
    .safeIntegers()
    .raw()
    .iterate() as IterableIterator<unknown[]>;
  const encoders = table.columns.map((column) => new RowEncoder([column], { lenient: true }));
  const counts = table.columns.map(() => 0);
  for (const values of rows) {
    for (const [place, encoder] of encoders.entries()) {
      // The encoder's next result is written over the last one.
      const before = Buffer.from(encoder.encode(values, place) as Buffer);
      const after = encoder.encode(values, sent.length + place) as Buffer;
      if (!before.equals(after)) counts[place] = (counts[place] as number) + 1;
    }
  }
  database.exec('DROP TABLE temp.cutover_declared');
  return table.columns.flatMap(({ name }, place) =>
    (counts[place] as number) > 0
      ? [`${counts[place]} values of "${table.name}"."${name}", which is declared as ${affinities[place]}`]
      : [],
  );
}
