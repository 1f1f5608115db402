import Database from 'better-sqlite3';
import pg from 'pg';
import { createStopwatch } from '../../migrator/stopwatch.ts';
import type { Table } from '../../migrator/table-kinds.ts';
import { SCHEMA } from '../source.ts';
import { TABLES } from '../work-files.ts';
import type { Contender } from './contender.ts';

export const ROW_BY_ROW: Contender = {
  name: 'row-by-row',
  title: 'row by row',
  remark:
    'as most tools do it: a prepared INSERT for each row, indexes and trigger in place, then an UPDATE of every event; verifies nothing',
  eventsMax: 200_000,
  onceAboveSeconds: 60,
  source: ({ source }) => source,
  async run(files, url) {
    const database = new Database(files.source, { readonly: true });
    const client = new pg.Client(url);
    const { timed, seconds } = createStopwatch();
    try {
      await client.connect();
      for (const part of ['create', 'indexes', 'constraints', 'validations'] as const)
        for (const statement of TABLES.flatMap((table) => table[part] ?? [])) await client.query(statement);
      await timed('insert', async () => {
        for (const table of TABLES) await insertAll(database, client, table);
      });
      await timed('update', async () => {
        await client.query(
          `UPDATE ${SCHEMA}__events SET search_vector = to_tsvector('english', coalesce(content, ''))`,
        );
      });
    } finally {
      await client.end();
      database.close();
    }
    const parts = seconds();
    return { seconds: Object.values(parts).reduce((sum, part) => sum + part), parts };
  },
};

async function insertAll(database: Database.Database, client: pg.Client, table: Table): Promise<void> {
  const columns = table.columns.map(({ name }) => name).join(', ');
  const values = table.columns.map((_, position) => `$${position + 1}`).join(', ');
  const insert = { name: table.name, text: `INSERT INTO ${table.name} (${columns}) VALUES (${values})` };
  await client.query('BEGIN');
  for (const row of database.prepare(`SELECT ${columns} FROM ${table.name}`).raw().iterate())
    await client.query({ ...insert, values: row as (string | number)[] });
  await client.query('COMMIT');
}
